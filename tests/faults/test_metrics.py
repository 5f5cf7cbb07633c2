"""Workers that are killed evaluate each value of a metric once."""

import random
import threading
import time
from collections import Counter
from datetime import timedelta

import firetower
from faults.conftest import SQLITE_IN_SHORT, Count
from faults.processes import start_worker, wait_for_peace
from firetower.core.actions import WebhookAction
from firetower.core.automations import Definition
from firetower.core.events import EventType
from firetower.core.metrics import Comparison, ThresholdCondition
from firetower.core.points import Point
from firetower.core.references import ContainerReference
from firetower.core.scopes import ContainerScope
from firetower.tower import Tower
from receiver import serve
from towers import every_execution, webhook

CROSSINGS = 40


def _watch(tower: Tower) -> None:
    tower.create_project("acme/vision")
    condition = ThresholdCondition(metric="loss", comparison=Comparison.GT, threshold=0.5)
    tower.automations.create(
        Definition(
            name="high",
            scope=ContainerScope(container=ContainerReference.project("acme/vision")),
            event_type=EventType.RUN_METRIC,
            condition=condition,
            action=WebhookAction(endpoint="ci"),
            cooldown=timedelta(microseconds=1),
        )
    )


@SQLITE_IN_SHORT
def test_killed_workers_fire_each_crossing_once(
    database_url: str, chance: random.Random, rounds: int, count: Count
) -> None:
    crossings, kills, number = CROSSINGS * rounds, rounds, 1 if rounds == 1 else 3
    with serve() as receiver, firetower.connect(database_url) as tower:
        webhook(tower, "ci", receiver.url(), max_in_flight=8)
        _watch(tower)
        run = tower.runs.start("acme/vision", id="run")

        def train() -> None:
            for step in range(2 * crossings):
                tower.runs.log(run, [Point("loss", step, float(step % 2))])

        training = threading.Thread(target=train)
        workers = [start_worker(database_url) for _ in range(number)]
        training.start()
        try:
            for kill in range(kills):
                receiver.wait_for(crossings * (kill + 1) // (kills + 2))
                time.sleep(chance.uniform(0, 0.03))  # the random point at which it dies
                place = chance.randrange(len(workers))
                workers[place].end()
                workers[place] = start_worker(database_url)
            training.join()
            wait_for_peace(database_url)
        finally:
            training.join()
            for worker in workers:
                worker.end()
        executions = every_execution(tower)
        steps = Counter(one.event.metric.step for one in executions if one.event.metric)
        assert steps == Counter(range(1, 2 * crossings, 2))
        sent = {request.headers["webhook-id"] for request in receiver.requests}
        assert sent == {one.webhook_id for one in executions}
        count(kills=kills, executions=len(executions))

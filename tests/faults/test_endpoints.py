"""Endpoints that are down, gone or hanging."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import firetower
from circuits import open_circuit
from faults.processes import wait_for_peace
from firetower.core.endpoints import EndpointKind
from firetower.core.executions import Status
from firetower.core.retry import Answer
from receiver import Received, closed_port, serve
from towers import every_execution, linked_model, on_alias, run, webhook, worker
from waiting import TIMEOUT


@pytest.fixture
def port() -> Iterator[int]:
    with closed_port() as closed:
        yield closed


def test_what_a_receiver_missed_while_down_arrives_when_it_is_up(tmp_path: Path, port: int) -> None:
    database = str(tmp_path / "tower.db")
    with firetower.connect(database) as tower:
        webhook(tower, "ci", f"http://127.0.0.1:{port}/hook")
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        with worker(database) as process:
            for number in range(20):
                tower.add_alias(version, f"alias-{number}")
            assert process.stdout is not None
            assert "retrying" in process.stdout.readline()
            with serve(port) as receiver:
                receiver.wait_for(20)
        assert {e.status for e in every_execution(tower)} == {Status.FINISHED}
        ids = {e.webhook_id for e in every_execution(tower)}
        assert {r.headers["webhook-id"] for r in receiver.requests} == ids
        most_tried = max(every_execution(tower), key=lambda execution: execution.attempts)
        _, attempts = tower.executions.get(most_tried.id)
        assert attempts[0].error == "connection refused"


def test_an_open_circuit_holds_what_comes_until_it_is_closed(tmp_path: Path, port: int) -> None:
    database = str(tmp_path / "tower.db")
    with firetower.connect(database) as tower:
        webhook(tower, "ci", f"http://127.0.0.1:{port}/hook")
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        open_circuit(database, "ci", Answer(error="connection refused"))
        tower.add_alias(version, "held")
        assert run(database, "worker", "--once").stdout == ""
        assert "circuit open: connection refused" in run(database, "webhook", "list").stdout
        held = every_execution(tower)[0]
        shown = run(database, "execution", "show", str(held.id)).stdout
        assert "circuit of ci is open" in shown
        with serve(port) as receiver:
            assert run(database, "webhook", "enable", "ci").returncode == 0
            with worker(database):
                receiver.wait_for(1)
        assert run(database, "webhook", "show", "ci", "--json").stdout.count('"circuit":null') == 1


def test_an_endpoint_that_hangs_does_not_delay_its_neighbour(tmp_path: Path) -> None:
    database, released = str(tmp_path / "tower.db"), threading.Event()

    def answer(request: Received) -> tuple[int, dict[str, str], bytes]:
        if request.path == "/slow":
            released.wait(TIMEOUT)
        return 200, {}, b"ok"

    with serve() as receiver, firetower.connect(database) as tower:
        receiver.answer = answer
        webhook(
            tower,
            "slow",
            receiver.url("/slow"),
            max_in_flight=2,
            timeout=timedelta(minutes=2),
        )
        webhook(tower, "quick", receiver.url("/quick"), max_in_flight=2)
        version = linked_model(tower)
        on_alias(tower, "to-slow", "slow")
        on_alias(tower, "to-quick", "quick")
        with worker(database):
            for number in range(30):
                tower.add_alias(version, f"alias-{number}")
            quick = receiver.wait_for(30, "/quick")
            assert len(quick) == 30
            assert len(receiver.wait_for(2, "/slow")) == 2
            released.set()
            receiver.wait_for(30, "/slow")


def test_an_endpoint_that_is_gone_is_disabled_and_says_so(tmp_path: Path) -> None:
    database = str(tmp_path / "tower.db")
    with serve() as receiver, firetower.connect(database) as tower:
        receiver.answer = lambda _: (410, {}, b"moved out")
        webhook(tower, "ci", receiver.url())
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        tower.add_alias(version, "one")
        assert run(database, "worker", "--once").returncode == 0
        tower.add_alias(version, "two")
        assert run(database, "worker", "--once").returncode == 0
        two, one = every_execution(tower)
        assert one.status is Status.FAILED
        assert two.status is Status.SKIPPED
        assert two.describe(str) == "endpoint ci is disabled: the endpoint is gone (410)"
        assert len(receiver.requests) == 1
        receiver.answer = lambda _: (200, {}, b"ok")
        assert tower.endpoints.enable("ci", EndpointKind.WEBHOOK).missed == 2
        assert tower.executions.redeliver([one.id, two.id]) == 2
        with worker(database):  # the second is due a moment after the first
            wait_for_peace(database)
        assert {e.status for e in every_execution(tower)} == {Status.FINISHED}
        assert receiver.requests[0].headers["webhook-id"] == one.webhook_id
        assert receiver.at("/hook")[1].headers["webhook-id"] in {one.webhook_id, two.webhook_id}


@pytest.mark.slow
def test_two_workers_share_one_database(tmp_path: Path) -> None:
    database = str(tmp_path / "tower.db")
    with serve() as receiver, firetower.connect(database) as tower:
        webhook(tower, "ci", receiver.url(), max_in_flight=4)
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        with worker(database), worker(database):
            for number in range(60):
                tower.add_alias(version, f"alias-{number}")
            receiver.wait_for(60)
        assert len(every_execution(tower)) == 60
        assert len(receiver.requests) == 60
        assert {e.status for e in every_execution(tower)} == {Status.FINISHED}

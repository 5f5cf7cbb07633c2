"""A small, believable database with a clock that stands still, for the tests of the screens."""

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from firetower.core.actions import NoAction, SlackAction, WebhookAction
from firetower.core.automations import Definition, Mode
from firetower.core.circuit_breaker import FAILING_TO_OPEN, FAILURES_TO_OPEN, AnswerSummary
from firetower.core.endpoints import EndpointKind, EndpointSettings
from firetower.core.events import EventType
from firetower.core.filters.filter import Filter, regex_filter
from firetower.core.references import CollectionReference, ContainerReference
from firetower.core.requests import Secrets, build_request, record_request, render_body
from firetower.core.retry import Answer, judge
from firetower.core.scopes import CollectionScope, ContainerScope
from firetower.store import worker_schema
from firetower.store.circuits import record_answers
from firetower.store.queue.automation_cache import AutomationCache
from firetower.store.queue.claim import Claim, claim_due
from firetower.store.queue.crossings import evaluate_metrics
from firetower.store.queue.evaluate import evaluate
from firetower.store.queue.record import AttemptResult, record
from firetower.store.store import Store
from firetower.tower import Tower

NOW = datetime(2026, 3, 14, 12, 4, 31, tzinfo=UTC)
MODELS = ContainerReference.registry("models")
VISION = ContainerReference.project("acme/vision")
TOKEN = "tk-4f1c-never-shown"
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRETS = {"CI_TOKEN": TOKEN, "CI_KEY": KEY}
WORKER_PID = 4121
BATCH = 1_000


class StillTower(Tower):
    """A database whose place reads the same on every machine."""

    @property
    def location(self) -> str:
        return "/srv/firetower/tower.db"


class Scene:
    """A database, with a clock that only tests move and a worker whose answers they choose."""

    def __init__(self, path: Path, now: datetime = NOW) -> None:
        self.path = path
        self.now = now
        self.store = Store.open(str(path), author="ada", clock=self.clock)
        self.tower = Tower(self.store)
        self._cache = AutomationCache()

    def clock(self) -> datetime:
        return self.now

    def open_tower(self) -> Tower:
        """Open the database once more, as the app does."""
        return StillTower(Store.open(str(self.path), author="ada", clock=self.clock))

    def at(self, **ago: float) -> None:
        """Set the clock to so long before the present."""
        self.now = NOW - timedelta(**ago)

    def turn(self, room: int = 0) -> list[Claim]:
        """Evaluate what has happened, and claim what is due where there is room."""
        with self.store.changing() as change:
            self._cache.refresh(change)
            evaluate(change, self._cache, BATCH)
            evaluate_metrics(change, self._cache)
            free = dict.fromkeys(self._cache.endpoints, room)
            return claim_due(change, self._cache, "w", free)[0]

    def answer(self, claim: Claim, answer: Answer, milliseconds: float = 34) -> None:
        """Record a try as the worker does, with its real request."""
        secrets = Secrets(SECRETS)
        definition, settings = claim.revision.definition, claim.endpoint.settings
        body = render_body(definition, claim.event, claim.endpoint, secrets)
        request = build_request(
            body,
            claim.endpoint,
            secrets,
            webhook_id=claim.webhook_id,
            sent_at=self.now,
            version="1.0",
        )
        verdict = judge(
            answer,
            retries_used=claim.retries_used,
            schedule=settings.schedule,
            now=self.now,
            jitter=0,
        )
        outcome = AttemptResult(
            claim,
            record_request(request, claim.endpoint, secrets),
            answer,
            verdict,
            self.now,
            timedelta(milliseconds=milliseconds),
        )
        with self.store.changing() as change:
            record(change, [outcome])

    def send(self, code: int, body: str = "", milliseconds: float = 34) -> None:
        """Evaluate, claim what is due, and let every endpoint answer alike."""
        for claim in self.turn(room=9):
            self.answer(claim, Answer(code, body=body), milliseconds)

    def automate(self, name: str, mode: Mode = Mode.ENABLED, **more: object) -> None:
        """Make an automation of the registry `models` that records added aliases, unless told."""
        given: dict[str, object] = {
            "name": name,
            "scope": ContainerScope(container=MODELS),
            "event_type": EventType.ADD_ARTIFACT_ALIAS,
            "action": NoAction(),
            **more,
        }
        self.tower.automations.create(Definition.model_validate(given), mode)

    def webhook(self, name: str, **settings: object) -> None:
        """Make a webhook."""
        values = {"name": name, "kind": EndpointKind.WEBHOOK, **settings}
        self.tower.endpoints.create(EndpointSettings.model_validate(values))

    def open_circuit(self, endpoint: str) -> None:
        """Let an endpoint have failed too often in a row, for too long."""
        found = self.tower.endpoints.find(endpoint)
        begun = self.now - FAILING_TO_OPEN
        with self.store.changing() as change:
            record_answers(
                replace(change, now=begun), {found.id: AnswerSummary(worked=True)}, frozenset()
            )
            for failures, at in ((FAILURES_TO_OPEN - 1, begun), (1, self.now)):
                run = AnswerSummary(failures=failures, last=Answer(503))
                record_answers(replace(change, now=at), {found.id: run}, frozenset(), lambda: 0.0)

    def close_circuit(self, endpoint: str) -> None:
        """Let an endpoint have answered again."""
        found = self.tower.endpoints.find(endpoint)
        with self.store.changing() as change:
            record_answers(change, {found.id: AnswerSummary(worked=True)}, frozenset())

    def beat(self) -> None:
        """Let a worker of another machine live."""
        row = {"id": "w-elsewhere", "host": "gpu-7", "pid": WORKER_PID}
        with self.store.changing() as change:
            change.connection.execute(
                worker_schema.workers.insert(),
                {**row, "started_at": change.now, "heartbeat_at": change.now},
            )

    def fire(self, count: int, first: int = 0) -> None:
        """Let `count` aliases of models/resnet fire what watches them; nothing is sent."""
        aliases = [f"b{number}" for number in range(first, first + count)]
        self.tower.add_alias("models/resnet:v0", *aliases)
        for _ in range(0, count, BATCH):
            self.turn()

    def close(self) -> None:
        self.store.close()


def _alias(regex: str) -> Filter:
    return regex_filter(regex, None, None)


def _metrics(number: int) -> Mapping[str, object]:
    chance = random.Random(number)
    return {"f1": round(0.86 + chance.random() / 10, 4), "epochs": 40, "framework": "torch"}


def furnish(scene: Scene) -> None:
    """Fill a database: automations in every mode, executions in every state."""
    _catalog(scene)
    _automations(scene)
    _history(scene)
    scene.at()


def _catalog(scene: Scene) -> None:
    scene.at(days=9)
    tower = scene.tower
    for name, description in (("models", "What serves"), ("datasets", ""), ("prompts", "")):
        tower.create_registry(name, description)
    for number in range(3):
        tower.log(
            "acme/vision/resnet",
            type="model",
            references=[f"s3://runs/resnet/{number}"],
            metadata=_metrics(number),
        )
    tower.log("acme/vision/imagenet-mini", type="dataset", references=["s3://data/in-mini"])
    tower.log("acme/nlp/bert", type="model", references=["s3://runs/bert/0"])
    tower.link("acme/vision/resnet:v0", "models/resnet")
    tower.link("acme/vision/resnet:v1", "models/resnet", aliases=["production"])
    tower.link("acme/nlp/bert:v0", "models/bert")
    tower.link("acme/vision/imagenet-mini:v0", "datasets/imagenet-mini")
    tower.add_tag("models/resnet", "vision", "served")
    tower.secrets.set("CI_TOKEN", TOKEN)
    tower.secrets.set("CI_KEY", KEY)
    tower.secrets.set("SLACK_ML", "https://hooks.slack.test/T0/B0/hidden")
    scene.webhook(
        "ci-deploy",
        url="http://ci.internal/deploy",
        access_token_secret="CI_TOKEN",
        signing_secret="CI_KEY",
    )
    scene.webhook("validator", url="http://validate.internal/run", schedule=(timedelta(seconds=5),))
    slack = {"name": "team-ml", "kind": EndpointKind.SLACK, "url_secret": "SLACK_ML"}
    tower.endpoints.create(EndpointSettings.model_validate(slack))
    scene.turn()


def _automations(scene: Scene) -> None:
    scene.at(days=8)
    payload = '{"ref": "${artifact_version_string}", "alias": "${alias}"}'
    deploy = WebhookAction(endpoint="ci-deploy", payload=payload)
    scene.automate("deploy-on-prod", filter=_alias("^prod"), action=deploy)
    scene.automate(
        "validate-resnet",
        scope=CollectionScope(collection=CollectionReference.parse("models/resnet")),
        event_type=EventType.LINK_ARTIFACT,
        action=WebhookAction(endpoint="validator"),
    )
    scene.automate(
        "canary-f1",
        Mode.SHADOW,
        event_type=EventType.LINK_ARTIFACT,
        filter=Filter.of({"metadata.f1": {"$gte": 0.9}}),
        action=WebhookAction(endpoint="ci-deploy"),
    )
    scene.automate(
        "tell-compliance",
        Mode.DISABLED,
        filter=_alias("^audited$"),
        action=SlackAction(endpoint="team-ml"),
    )
    scene.automate("note-candidates", filter=_alias("candidate"), cooldown=timedelta(minutes=10))
    scene.automate(
        "count-versions",
        scope=ContainerScope(container=VISION),
        event_type=EventType.CREATE_ARTIFACT,
        action=NoAction(),
    )


def _history(scene: Scene) -> None:
    tower = scene.tower
    scene.at(days=2)
    tower.link("acme/vision/resnet:v2", "models/resnet")
    for _ in range(2):
        scene.send(500, "out of memory", 210)
        scene.now += timedelta(seconds=5)
    scene.at(hours=3)
    tower.log("acme/vision/resnet", type="model", references=["s3://runs/resnet/3"])
    tower.link("acme/vision/resnet:v3", "models/resnet")
    scene.send(200, '{"passed": true}', 1_840)
    scene.at(minutes=9)
    tower.add_alias("models/resnet:v2", "candidate")
    scene.turn()
    scene.at(minutes=4)
    tower.add_alias("models/resnet:v3", "candidate")
    scene.turn()
    scene.at(minutes=2)
    tower.add_alias("models/bert:v0", "production")
    scene.send(503, "busy", 31)
    scene.now += timedelta(seconds=5)
    scene.send(202, '{"queued": true}')
    scene.at(seconds=4)
    tower.add_alias("models/resnet:v3", "production")
    scene.send(503, "busy", 31)
    scene.at(seconds=2)
    tower.add_alias("models/resnet:v2", "prod-eu")
    scene.turn(room=1)
    tower.add_alias("models/resnet:v1", "prod-us")
    scene.turn()

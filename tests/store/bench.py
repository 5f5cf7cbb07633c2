"""A store with all that a queue needs, turned by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from firetower.core.actions import NoAction, WebhookAction
from firetower.core.automations import Definition, Mode
from firetower.core.endpoints import EndpointKind, EndpointSettings
from firetower.core.events import EventType
from firetower.core.executions import Execution
from firetower.core.references import ContainerReference
from firetower.core.requests import RecordedRequest
from firetower.core.retry import Answer, judge
from firetower.core.scopes import ContainerScope
from firetower.store.queue.automation_cache import AutomationCache
from firetower.store.queue.claim import Claim, claim_due
from firetower.store.queue.crossings import evaluate_metrics
from firetower.store.queue.evaluate import evaluate
from firetower.store.queue.record import AttemptResult, give_back, record
from firetower.store.store import Store
from firetower.tower import Tower

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Bench:
    """A store with a clock of its own, one registry, one version and one endpoint."""

    def __init__(self, store: Store) -> None:
        self.now = START
        store.clock = lambda: self.now
        self.store = store
        self.tower = Tower(store)
        self.cache = AutomationCache()
        self.more = False
        """Whether the last turn left events to evaluate, as far as it knows."""
        self._next_due_at: datetime | None = None
        self.tower.create_registry("models")
        version = self.tower.log("acme/vision/resnet", type="model", empty=True)
        self.version = self.tower.link(version, "models/resnet").reference
        self.tower.endpoints.create(
            EndpointSettings(name="ci", kind=EndpointKind.WEBHOOK, url="http://ci.test/")
        )
        self.turn()

    def automate(self, name: str = "deploy", *, records: bool = False, **more: object) -> None:
        mode = more.pop("mode", Mode.ENABLED)
        given = {
            "name": name,
            "scope": ContainerScope(container=ContainerReference.registry("models")),
            "event_type": EventType.ADD_ARTIFACT_ALIAS,
            "action": NoAction() if records else WebhookAction(endpoint="ci"),
            **more,
        }
        self.tower.automations.create(Definition.model_validate(given), Mode(str(mode)))

    def turn(self, room: int = 0, worker: str = "w", limit: int = 100) -> list[Claim]:
        with self.store.changing() as change:
            self.cache.refresh(change)
            self.more, _ = evaluate(change, self.cache, limit)
            evaluate_metrics(change, self.cache)
            free = dict.fromkeys(self.cache.endpoints, room)
            claims, self._next_due_at = claim_due(change, self.cache, worker, free)
            return claims

    def next_look(self) -> datetime | None:
        """Return when the last turn found that there will be something to claim."""
        return self._next_due_at

    def give_back(self, claim: Claim, number: int, worker: str = "w") -> None:
        with self.store.changing() as change:
            give_back(change, [replace(claim, number=number)], worker)

    def answer(self, claim: Claim, code: int) -> None:
        answer = Answer(code)
        verdict = judge(
            answer,
            retries_used=claim.retries_used,
            schedule=claim.endpoint.settings.schedule,
            now=self.now,
            jitter=0,
        )
        request = RecordedRequest("http://ci.test/", {}, "{}")
        outcome = AttemptResult(claim, request, answer, verdict, self.now, timedelta(0))
        with self.store.changing() as change:
            record(change, [outcome])

    @property
    def executions(self) -> list[Execution]:
        return self.tower.executions.newest(100)[::-1]

    @property
    def only(self) -> Execution:
        [execution] = self.executions
        return execution

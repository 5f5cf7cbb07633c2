"""Automations: definitions, revisions, what changed between them, and overlap."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from firetower.core.actions import Action
from firetower.core.errors import InvalidInput
from firetower.core.events import Event, EventType, check_allowed
from firetower.core.filters import ANY, Filter, Predicate
from firetower.core.json import dump
from firetower.core.metrics import AnyMetricCondition, Condition, MetricCondition
from firetower.core.references import ContainerKind, Frozen, Name, check_automation_name
from firetower.core.runs import StateCondition
from firetower.core.scopes import CollectionScope, CollectionsScope, ContainerScope, Scope
from firetower.core.text import quoted, visible
from firetower.core.times import duration

LONGEST_COOLDOWN = timedelta(days=366)
METRIC_COOLDOWN = timedelta(days=1)
"""The cooldown of a metric's automation that has no other: once a run in a day, as in W&B."""


class Mode(StrEnum):
    """Whether an automation acts."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    SHADOW = "shadow"
    """It evaluates, renders and records, and sends nothing."""
    DELETED = "deleted"


class Definition(Frozen):
    """An automation as it is saved: everything but its mode."""

    name: Name
    description: str = ""
    scope: Scope
    event_type: EventType
    filter: Filter = ANY
    condition: Condition | None = None
    """What an event of a run waits for; other events have none."""
    action: Action
    cooldown: timedelta | None = None
    """After an execution, the time in which further ones are skipped; of a metric, for each run."""

    def check(self, granted: frozenset[str]) -> None:
        """Refuse a definition that could never work.

        `granted` are the secrets' names that the action's endpoint may use. Raises InvalidInput.
        """
        check_automation_name(self.name)
        self.check_text()
        kind = self.scope.container.kind
        check_allowed(self.event_type, kind)
        if isinstance(self.scope, CollectionScope) and kind is not ContainerKind.REGISTRY:
            raise InvalidInput(
                "a scope of one collection belongs to a registry",
                f"For a project give a filter: --collections {self.scope.collection.name}.",
            )
        if isinstance(self.scope, CollectionsScope) and kind is not ContainerKind.PROJECT:
            hint = (
                "Name the project, or ask for the collection in the filter."
                if kind.covers_several
                else _registry_hint(self.scope)
            )
            raise InvalidInput("a filter on collections belongs to a project", hint)
        self._check_condition()
        self.filter.check_event_type(self.event_type)
        self.action.check(self.event_type, granted)
        if self.cooldown is not None:
            check_cooldown(self.cooldown)

    def _check_condition(self) -> None:
        given = None if self.condition is None else self.condition.kind
        wanted = CONDITIONS.get(self.event_type)
        if wanted is not None and given != wanted:
            what, hint = _NEEDED[wanted]
            raise InvalidInput(f"{self.event_type} needs {what}", hint)
        if wanted is None and given is not None:
            raise InvalidInput(
                f"{self.event_type} waits for no state or metric of a run",
                "Use RUN_STATE or RUN_METRIC, or leave that out.",
            )
        is_of_run = "run" in self.event_type.spec.carries
        if is_of_run and not isinstance(self.scope, ContainerScope):
            raise InvalidInput(
                "a run is in no collection, so the scope could never hold",
                f"Watch the whole {self.scope.container.kind}.",
            )

    def check_text(self) -> None:
        """Refuse text that cannot be stored as UTF-8. Raises InvalidInput."""
        try:  # pydantic's own JSON replaces what is wrong in keys
            json.dumps(self.model_dump(), ensure_ascii=False, default=str).encode()
        except UnicodeEncodeError:
            raise InvalidInput(
                "the automation has text that is not valid Unicode",
                "Look for \\ud800 to \\udfff in its filter, and for text in another encoding.",
            ) from None

    @property
    def sentence(self) -> str:
        """The automation in one plain sentence."""
        once = "once" if self.metric is None else "once a run"
        pace = "" if self.pace is None else f", at most {once} in {duration(self.pace)}"
        return f"When {self._when}, {self.action.phrase}{pace}."

    @property
    def metric(self) -> AnyMetricCondition | None:
        """The condition, where it is one on a metric."""
        return self.condition if isinstance(self.condition, MetricCondition) else None

    @property
    def pace(self) -> timedelta | None:
        """The cooldown that applies: of a metric a day, unless it has its own."""
        default = None if self.metric is None else METRIC_COOLDOWN
        return default if self.cooldown is None else self.cooldown

    @property
    def label(self) -> str:
        """What happens, as a column shows it: "alias added", "run failed"."""
        return self.event_type.spec.label if self.condition is None else self.condition.label

    @property
    def when(self) -> str:
        """What fires it, in short: "alias added ~ ^prod", "version linked in resnet"."""
        label, words = self.label, self.filter.words
        where = "" if isinstance(self.scope, ContainerScope) else f" in {self.scope.label}"
        noun = label.partition(" ")[0]
        match self.filter.root:
            case Predicate(field=field) if field == noun and noun in {"alias", "tag"}:
                return f"{label} {words.removeprefix(field).strip()}{where}"
        return f"{label}{where}" + ("" if words == "any" else f", {words}")

    @property
    def _when(self) -> str:
        """The event, scope and filter in words; a regex on its alias or tag stands at the noun."""
        happens, where, words = self.event_type.spec.sentence, self.scope.phrase, self.filter.words
        if self.condition is not None:
            happens = self.condition.words
        match self.filter.root:
            case Predicate(field="alias" | "tag" as field, operator="$regex") as regex:
                noun = "an alias" if field == "alias" else "a tag"
                if noun in happens:
                    matching = f"{noun} matching {regex.operand_shown}"
                    return f"{happens.replace(noun, matching, 1)} {where}"
        return f"{happens} {where}" + ("" if words == "any" else f", if {words}")


CONDITIONS = {
    EventType.RUN_STATE: "state",
    EventType.RUN_METRIC: "threshold",
    EventType.RUN_METRIC_CHANGE: "change",
    EventType.RUN_METRIC_ZSCORE: "zscore",
}
"""The kind of condition that an event of a run needs."""
_NEEDED = {
    "state": ("the states to wait for", "Give --state failed,finished."),
    "threshold": ("a metric and a threshold", "Give --metric loss --above 0.65."),
    "change": ("a metric and a change", "Give --metric loss --increases 20%."),
    "zscore": ("a metric", "Give --metric loss."),
}


def _registry_hint(scope: CollectionsScope) -> str:
    """Say what to write in a registry instead of a filter on collections."""
    whole = f"--registry {scope.container}"
    if scope.glob is not None and not set(scope.glob) & set("*?["):
        return f"Watch that collection: {whole} --collection {visible(scope.glob)}."
    if scope.glob is None and scope.regex is None:
        asked = dump({"artifact_type": scope.artifact_type})
        return f"Watch {whole} and ask in the filter: --filter '{asked}'."
    return f"Watch {whole}, or one collection of it with --collection NAME."


def check_cooldown(span: timedelta) -> None:
    """Refuse a cooldown of nothing, and one of more than 366 days. Raises InvalidInput."""
    if span <= timedelta(0):
        raise InvalidInput("the cooldown is not longer than zero", "Write it as 30s or 10m.")
    if span > LONGEST_COOLDOWN:
        raise InvalidInput("the cooldown is longer than 366d", "Disable the automation instead.")


@lru_cache(maxsize=1_000)  # some screens of a list
def read_definition(written: str) -> Definition:
    """Return the definition that was written as JSON."""
    return Definition.model_validate_json(written)


@dataclass(frozen=True, slots=True)
class Revision:
    """An automation as it was from one event to another.

    Every save, enabling, disabling and deletion makes one. It is in force for the events
    recorded after it was saved and before the next one was.
    """

    id: int
    automation_id: int
    number: int
    written: Definition | str
    """The definition, or its JSON: of thousands in a list few are ever read."""
    mode: Mode
    saved_at: datetime
    author: str
    after_event_id: int
    until_event_id: int | None = None
    """None for the current one."""
    endpoint_id: int | None = None

    @property
    def definition(self) -> Definition:
        """The definition, read from its JSON where it is kept as such."""
        # Not kept where it is read from JSON: a list of 10,000 would hold 40 MB of them.
        return read_definition(self.written) if isinstance(self.written, str) else self.written

    def in_force_at(self, event: Event) -> bool:
        """Return whether the revision was in force when the event was recorded."""
        return self.after_event_id < event.id and (
            self.until_event_id is None or event.id <= self.until_event_id
        )

    @property
    def acts(self) -> bool:
        """Whether it makes executions."""
        return self.mode in {Mode.ENABLED, Mode.SHADOW}


@dataclass(frozen=True, slots=True)
class Automation:
    """An automation as it is now."""

    id: int
    name: str
    """Unique among those that are not deleted."""
    revision: Revision
    created_at: datetime
    last_fired_at: datetime | None = None
    fired_24h: int = 0
    shadow_24h: int = 0
    """Firings in shadow, which are not among `fired_24h`."""

    @property
    def fired_words(self) -> str:
        """How often it fired in 24 h, with shadow separately: "12", "12+3◌"; "" for never."""
        live = f"{self.fired_24h:,}" if self.fired_24h else ""
        shadow = f"{self.shadow_24h:,}◌" if self.shadow_24h else ""
        return f"{live}+{shadow}" if live and shadow else live or shadow

    @property
    def definition(self) -> Definition:
        """The current definition."""
        return self.revision.definition

    @property
    def mode(self) -> Mode:
        """Whether it acts."""
        return self.revision.mode


def revision_changes(before: Revision | None, after: Revision) -> list[str]:
    """Return each thing that a revision changed: "cooldown: none → 10m".

    The first revision changes nothing: it has none before it.
    """
    if before is None:
        return ["created"]
    old, new = _values(before.definition), _values(after.definition)
    changed = [
        f"{name}: {old.get(name) or 'none'} → {new.get(name) or 'none'}"
        for name in old | new
        if old.get(name) != new.get(name)
    ]
    if before.mode is not after.mode:
        became = "put in shadow" if after.mode is Mode.SHADOW else after.mode.value
        changed.insert(0, f"{became} (was {before.mode.value})")
    return changed or ["saved without a change"]


def with_changes(revisions: Sequence[Revision]) -> list[tuple[Revision, list[str]]]:
    """Return revisions, the newest first as they were given, each with what it changed."""
    pairs = zip(revisions, [*revisions[1:], None], strict=True)
    return [(revision, revision_changes(before, revision)) for revision, before in pairs]


def _values(definition: Definition) -> dict[str, str | None]:
    """Return the fields of a definition and of its action as people read them, by name."""
    cooldown = definition.cooldown
    texts = definition.action.model_dump(mode="json", exclude={"type", "endpoint"})
    return {
        "name": definition.name,
        "description": quoted(definition.description) if definition.description else None,
        "event": definition.event_type.value,
        "condition": None if definition.condition is None else definition.condition.words,
        "scope": definition.scope.phrase.removeprefix("in "),
        "filter": definition.filter.words,
        "action": definition.action.phrase,
        "cooldown": None if cooldown is None else duration(cooldown),
        **{name: None if text is None else quoted(text) for name, text in sorted(texts.items())},
    }


def overlaps(definition: Definition, other: Automation) -> bool:
    """Return whether an enabled automation may send an event there that `definition` sends too.

    Filters are not compared: of two it cannot be told in general whether both can hold.
    """
    return (
        other.mode is Mode.ENABLED
        and definition.action.endpoint is not None
        and other.definition.action.type is definition.action.type
        and other.definition.action.endpoint == definition.action.endpoint
        and other.definition.event_type is definition.event_type
        and _may_both_hold(other.definition.condition, definition.condition)
        and may_meet(other.definition.scope, definition.scope)
    )


def _may_both_hold(one: Condition | None, other: Condition | None) -> bool:
    match one, other:
        case StateCondition(), StateCondition():
            return not set(one.states).isdisjoint(other.states)
        case MetricCondition(), MetricCondition():
            return one.metric == other.metric
    return True


def may_meet(one: Scope, other: Scope) -> bool:
    """Return whether one collection, now or later, may lie in both scopes."""
    match one, other:
        case CollectionScope(), CollectionScope():
            return one.collection == other.collection
        case CollectionsScope(), CollectionsScope() if one.container == other.container:
            types = {one.artifact_type, other.artifact_type} - {None}
            return len(types) < 2
    return one.container.covers(other.container) or other.container.covers(one.container)

"""Drafts: an automation as it was typed, read as a definition or a list of problems.

The command line and the app's form share them, so both refuse the same with the same words.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, ParamSpec, TypeVar

from firetower.core.actions import (
    Action,
    ActionType,
    NoAction,
    Severity,
    SlackAction,
    WebhookAction,
)
from firetower.core.automations import CONDITIONS, Automation, Definition, Mode, check_cooldown
from firetower.core.errors import Conflict, FiretowerError, InvalidInput
from firetower.core.events import EventType, check_allowed
from firetower.core.filters import ANY, Filter, regex_filter
from firetower.core.filters.fields import check_carried
from firetower.core.filters.patterns import Pattern
from firetower.core.json import dump
from firetower.core.metrics import (
    DEFAULT_WINDOW,
    Aggregate,
    AggregateCondition,
    ChangeCondition,
    Comparison,
    Condition,
    Direction,
    MetricCondition,
    ThresholdCondition,
    ZScoreCondition,
    parse_change,
    parse_number,
    parse_window,
    plain_number,
)
from firetower.core.points import check_metric_name
from firetower.core.references import (
    CollectionReference,
    ContainerKind,
    ContainerReference,
    check_automation_name,
    check_name,
)
from firetower.core.runs import REPORTED_STATES, StateCondition
from firetower.core.scopes import (
    CollectionScope,
    CollectionsScope,
    ContainerScope,
    Scope,
    collections_scope,
)
from firetower.core.text import and_list, visible
from firetower.core.times import duration, parse_duration

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """An automation as it was typed, as text. Empty means left out."""

    container: ContainerReference
    whole: bool = True
    """Whether it watches the whole container, or the collections chosen below."""
    collection: str = ""
    """Of a registry."""
    pattern: str = ""
    """Of a project: a glob, or a regex in slashes."""
    artifact_type: str = ""
    """Of a project."""
    event_type: EventType
    alias: str = ""
    tag: str = ""
    state: str = ""
    """Of a run: states with commas between."""
    metric: str = ""
    aggregate: Aggregate | None = None
    window: str = ""
    prior_window: str = ""
    """Of a change; as large as the window where it is left out."""
    comparison: Comparison = Comparison.GT
    direction: Direction = Direction.ANY
    amount: str = ""
    """A threshold, a change such as 0.2 or 20%, or standard deviations."""
    run_name: str = ""
    filter: str = ""
    action: ActionType = ActionType.GENERIC_WEBHOOK
    endpoint: str = ""
    payload: str = ""
    title: str = ""
    message: str = ""
    severity: Severity = Severity.INFO
    name: str = ""
    description: str = ""
    cooldown: str = ""
    """A span of time, or "none"."""
    mode: Mode = Mode.ENABLED

    @classmethod
    def new(cls, container: ContainerReference) -> "Draft":
        """Return the draft a new automation begins as: the event people ask for most."""
        return cls(container=container, event_type=EventType.ADD_ARTIFACT_ALIAS)

    @classmethod
    def of(cls, automation: Automation) -> "Draft":
        """Return an automation as a draft, which reads back as the same definition."""
        definition = automation.definition
        return cls(
            container=definition.scope.container,
            event_type=definition.event_type,
            name=definition.name,
            description=definition.description,
            cooldown="" if definition.cooldown is None else duration(definition.cooldown),
            mode=automation.mode,
            **_scope_fields(definition.scope),
            **_condition_fields(definition.condition),
            **_filter_fields(definition.filter),
            action=definition.action.type,
            **definition.action.model_dump(exclude={"type"}, exclude_none=True),
        )

    @property
    def carries(self) -> frozenset[str]:
        """What events of the chosen type carry: an alias, a tag, a version."""
        return self.event_type.spec.carries

    @property
    def shown(self) -> "Draft":
        """The draft without the fields that its event type does not have."""
        of_run = "run" in self.carries
        is_state = self.event_type is EventType.RUN_STATE
        return replace(
            self,
            alias=self.alias if "alias" in self.carries else "",
            tag=self.tag if "tag" in self.carries else "",
            state=self.state if is_state else "",
            metric=self.metric if "metric" in self.carries else "",
            run_name=self.run_name if of_run else "",
            whole=self.whole or of_run,
        )


def _scope_fields(scope: Scope) -> dict[str, Any]:
    match scope:
        case CollectionScope():
            return {"whole": False, "collection": scope.collection.name}
        case CollectionsScope():
            regex = None if scope.regex is None else f"/{scope.regex}/"
            return {
                "whole": False,
                "pattern": regex or scope.glob or "",
                "artifact_type": scope.artifact_type or "",
            }
        case ContainerScope():
            return {}


def _condition_fields(condition: Condition | None) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    match condition:
        case StateCondition():
            return {"state": condition.text}
        case ZScoreCondition():
            fields = {"amount": plain_number(condition.threshold), "direction": condition.direction}
            fields |= {"window": str(condition.window)}
        case ThresholdCondition():
            fields = {
                "amount": plain_number(condition.threshold),
                "comparison": condition.comparison,
            }
        case ChangeCondition():
            fields = {"amount": condition.amount_text, "direction": condition.direction}
            if condition.prior_window != condition.window:
                fields["prior_window"] = str(condition.prior_window)
    if isinstance(condition, AggregateCondition) and condition.aggregate is not None:
        fields |= {"aggregate": condition.aggregate, "window": str(condition.window)}
    if isinstance(condition, MetricCondition):
        fields["metric"] = condition.metric
    return fields


def _filter_fields(filter_: Filter) -> dict[str, Any]:
    """Take the regexes of alias, tag and run's name out of a filter that `regex_filter` made."""
    regexes: dict[str, str | None] = dict.fromkeys(("alias", "tag", "run_name"))
    source: Any = filter_.source
    rest: list[Any] = []
    match source:
        case {"$or": [{"$and": [*rest]}]}:
            for name in regexes:
                match rest[0].get(name) if rest else None:
                    case {"$regex": str(text)} if text:
                        regexes[name] = text
                        del rest[0]
    other = Filter.of(rest[0]) if len(rest) == 1 else None
    if regex_filter(other=other, **regexes) != filter_:
        return {"filter": dump(filter_.source)}
    fields = {name: text for name, text in regexes.items() if text is not None}
    return fields if other is None else {**fields, "filter": dump(other.source)}


def suggested_name(draft: Draft, taken: frozenset[str]) -> str:
    """Return a name made of place and event, unlike those that are taken."""
    place = draft.collection if not draft.whole and draft.collection else draft.container.name
    stem = f"{place}-{draft.event_type.spec.label.replace(' ', '-')}"
    names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


class Part(StrEnum):
    """The part of a draft that a problem is about, in the order in which they are shown."""

    SCOPE = "scope"
    EVENT = "event"
    ALIAS = "alias"
    TAG = "tag"
    STATE = "state"
    METRIC = "metric"
    WINDOW = "window"
    PRIOR_WINDOW = "prior-window"
    AMOUNT = "amount"
    RUN_NAME = "run-name"
    FILTER = "filter"
    ACTION = "action"
    PAYLOAD = "payload"
    TITLE = "title"
    MESSAGE = "message"
    NAME = "name"
    COOLDOWN = "cooldown"


class LeftOut(InvalidInput):
    """A required part of a draft was not given yet."""


@dataclass(slots=True)
class Reading:
    """The definition that a draft was read as, and its problems."""

    problems: dict[Part, FiretowerError] = field(default_factory=dict)
    missing: dict[Part, LeftOut] = field(default_factory=dict)
    """An error only when the draft is saved."""
    scope: Scope | None = None
    definition: Definition | None = None
    """The whole, once nothing is wrong; the endpoint may be missing."""

    def checked(self) -> Definition:
        """Return the definition. Raises the first problem, in the order of the parts."""
        errors = self.missing | self.problems
        for part in Part:
            if part in errors:
                raise errors[part]
        assert self.definition is not None
        return self.definition

    def attempt(
        self, part: Part, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T | None:
        """Return what a call of `read` returns, or note the error that it raises under a part."""
        try:
            return read(*args, **kwargs)
        except LeftOut as error:
            self.missing[part] = error
        except FiretowerError as error:
            self.problems[part] = error
        return None


def read_draft(
    draft: Draft, secrets: frozenset[str] | None = None, taken: Collection[str] = ()
) -> Reading:
    """Read a draft and note every problem under its part.

    `secrets` are the names that the chosen endpoint may use in a payload; None if the endpoint is
    not known yet, and templates are then checked when the automation is saved. `taken` are the
    names of the other automations.
    """
    reading = Reading()
    attempt = reading.attempt
    reading.scope = attempt(Part.SCOPE, _read_scope, draft)
    attempt(Part.EVENT, check_allowed, draft.event_type, draft.container.kind)
    filter_ = _read_filter(draft, reading)
    condition = _read_condition(draft, reading)
    action = _read_action(draft, secrets, reading)
    attempt(Part.ACTION, _check_endpoint, draft)
    cooldown = attempt(Part.COOLDOWN, _read_cooldown, draft.cooldown)
    attempt(Part.NAME, _check_name, draft.name, taken)
    if reading.problems or not (reading.scope and filter_ and action):
        return reading
    if condition is None and draft.event_type in CONDITIONS:
        return reading
    definition = Definition(
        name=draft.name,
        description=draft.description,
        scope=reading.scope,
        event_type=draft.event_type,
        filter=filter_,
        condition=condition,
        action=action,
        cooldown=cooldown,
    )
    # Only JSON can smuggle in text that is not Unicode.
    attempt(Part.FILTER, definition.check_text)
    reading.definition = None if reading.problems else definition
    return reading


def _read_scope(draft: Draft) -> Scope:
    if draft.whole:
        return ContainerScope(container=draft.container)
    if draft.container.kind is ContainerKind.REGISTRY:
        if not draft.collection:
            raise LeftOut("no collection is chosen", "Choose one, or watch the whole registry.")
        name = check_name(draft.collection, "collection name")
        return CollectionScope(collection=CollectionReference(container=draft.container, name=name))
    if not draft.pattern and not draft.artifact_type:
        hint = "Give a glob, a /regex/ or a type of artifact."
        raise LeftOut("nothing says which collections", hint)
    return collections_scope(draft.container, draft.pattern or None, draft.artifact_type or None)


def _read_condition(draft: Draft, reading: Reading) -> Condition | None:
    """Return the condition on a run, and note the problems of each part."""
    attempt = reading.attempt
    if draft.event_type is EventType.RUN_STATE:
        return attempt(Part.STATE, _read_state, draft.state)
    part, given = (Part.STATE, draft.state) if draft.state else (Part.METRIC, draft.metric)
    if "metric" not in draft.carries or draft.state:
        if given:
            attempt(part, _refuse_condition, draft.event_type, part)
        return None
    metric = attempt(Part.METRIC, _read_metric, draft.metric)
    window = attempt(Part.WINDOW, _read_window, draft)
    prior = attempt(Part.PRIOR_WINDOW, _read_prior_window, draft, window)
    amount = attempt(Part.AMOUNT, _read_amount, draft)
    if metric is None or window is None or prior is None or amount is None:
        return None
    of_window: dict[str, Any] = {"metric": metric, "aggregate": draft.aggregate, "window": window}
    match draft.event_type:
        case EventType.RUN_METRIC:
            return attempt(Part.AMOUNT, ThresholdCondition, **of_window, **amount)
        case EventType.RUN_METRIC_CHANGE:
            of_window["prior_window"] = prior
            return attempt(Part.AMOUNT, ChangeCondition, **of_window, **amount)
    return attempt(Part.AMOUNT, ZScoreCondition, metric=metric, window=window, **amount)


def _read_state(states: str) -> StateCondition:
    if not states.strip():
        hint = f"Choose {and_list(REPORTED_STATES, 'or')}, or several with commas between."
        raise LeftOut("no state of the run is chosen", hint)
    return StateCondition.parse(states)


def _refuse_condition(type_: EventType, part: Part) -> None:
    uses = "RUN_STATE" if part is Part.STATE else "RUN_METRIC"
    if "run" in type_.spec.carries:
        raise InvalidInput(f"{type_} does not wait for a {part}", f"Use {uses}, or leave it out.")
    raise InvalidInput(
        f"{type_} events have no run, so no {part} of one", f"Use {uses}, or leave the {part} out."
    )


def _read_metric(name: str) -> str:
    if not name.strip():
        raise LeftOut("no metric is named", "Name one that the runs log, such as loss.")
    return check_metric_name(name)


def _read_window(draft: Draft) -> int:
    if draft.event_type is EventType.RUN_METRIC_ZSCORE:
        return parse_window(draft.window, least=2) if draft.window.strip() else DEFAULT_WINDOW
    if not draft.window.strip():
        if draft.aggregate is None:
            return 1
        raise LeftOut(
            f"the {draft.aggregate.word} has no window", "Give how many of the newest values."
        )
    window = parse_window(draft.window)
    if draft.aggregate is None and window != 1:
        raise InvalidInput(
            f"a window of {window:,} values has no aggregate", "Choose average, min or max."
        )
    return window


def _read_prior_window(draft: Draft, window: int | None) -> int:
    if not draft.prior_window.strip() or draft.event_type is not EventType.RUN_METRIC_CHANGE:
        return window or 1
    return parse_window(draft.prior_window, "prior window")


def _read_amount(draft: Draft) -> dict[str, Any]:
    """Return a threshold, change or z-score as its condition's fields."""
    text = draft.amount.strip()
    match draft.event_type:
        case EventType.RUN_METRIC:
            if not text:
                raise LeftOut("no threshold is given", "Give a number to compare with.")
            threshold = parse_number(text, "threshold")
            return {"comparison": draft.comparison, "threshold": threshold}
        case EventType.RUN_METRIC_CHANGE:
            if not text:
                raise LeftOut("no change is given", "Give 20%, or in the metric's unit 0.2.")
            change_type, amount = parse_change(text)
            return {"change_type": change_type, "amount": amount, "direction": draft.direction}
    deviations = {"threshold": parse_number(text, "z-score")} if text else {}
    return {"direction": draft.direction, **deviations}


def _check_endpoint(draft: Draft) -> None:
    if draft.action is not ActionType.NO_OP and not draft.endpoint:
        raise LeftOut("no endpoint is chosen", "Choose one, or create one.")


def _read_filter(draft: Draft, reading: Reading) -> Filter | None:
    """Return alias, tag, name of the run and JSON as one filter, and note the problems of each."""

    def other() -> Filter:
        found = Filter.parse(draft.filter) if draft.filter.strip() else ANY
        found.check_event_type(draft.event_type)
        return found

    regexes = (
        (Part.ALIAS, "alias", draft.alias),
        (Part.TAG, "tag", draft.tag),
        (Part.RUN_NAME, "run_name", draft.run_name),
    )
    for part, name, regex in regexes:
        if regex:
            reading.attempt(part, _check_regex, regex, name, draft.event_type)
    rest = reading.attempt(Part.FILTER, other)
    if rest is None or not reading.problems.keys().isdisjoint(part for part, *_ in regexes):
        return None
    return regex_filter(
        draft.alias or None,
        draft.tag or None,
        None if rest is ANY else rest,
        run_name=draft.run_name or None,
    )


def _check_regex(regex: str, field_: str, type_: EventType) -> None:
    Pattern(regex)
    check_carried(field_, type_)


def _read_action(draft: Draft, secrets: frozenset[str] | None, reading: Reading) -> Action | None:
    """Return the action, and note the problems of each of its templates."""

    def checked(kind: Callable[..., Action], **fields: Any) -> Action:
        action = kind(endpoint=draft.endpoint, **fields)
        if secrets is not None:
            action.check(draft.event_type, secrets)
        return action

    match draft.action:
        case ActionType.GENERIC_WEBHOOK:
            payload = draft.payload if draft.payload.strip() else None
            return reading.attempt(Part.PAYLOAD, checked, WebhookAction, payload=payload)
        case ActionType.NOTIFICATION:
            title, message = draft.title or None, draft.message or None
            parts = (
                reading.attempt(Part.TITLE, checked, SlackAction, title=title),
                reading.attempt(Part.MESSAGE, checked, SlackAction, message=message),
            )
            if not all(parts):
                return None
            return checked(SlackAction, title=title, message=message, severity=draft.severity)
        case ActionType.NO_OP:
            return NoAction()


def _read_cooldown(text: str) -> timedelta | None:
    """Return a cooldown; None for "none" and for nothing. Raises InvalidInput."""
    if text.strip().lower() in {"", "none"}:
        return None
    try:
        span = parse_duration(text)
    except InvalidInput as error:
        raise InvalidInput(f"the cooldown {error.message}", error.hint) from None
    check_cooldown(span)
    return span


def _check_name(name: str, taken: Collection[str]) -> None:
    if check_automation_name(name) in taken:
        raise Conflict(f"an automation named {visible(name)} exists already", "Choose another.")

"""The command that makes an automation again."""

import shlex
from collections.abc import Iterator

from firetower.core.actions import ActionType, Severity
from firetower.core.automations import Automation, Mode
from firetower.core.drafts import Draft
from firetower.core.events import EventType
from firetower.core.metrics import Comparison, Direction
from firetower.core.references import ContainerKind

COMPARISONS = {
    Comparison.GT: "above",
    Comparison.GTE: "at-least",
    Comparison.LT: "below",
    Comparison.LTE: "at-most",
    Comparison.EQ: "equals",
    Comparison.NE: "differs-from",
}
CHANGES = {
    Direction.INCREASE: "increases",
    Direction.DECREASE: "decreases",
    Direction.ANY: "changes",
}
"""The options of a threshold and of a change, which take the amount."""


def create_command(automation: Automation) -> str:
    """Return the shell command that creates the same automation."""
    return shlex.join(["firetower", "automation", "create", *create_arguments(automation)])


def create_arguments(automation: Automation) -> list[str]:
    """Return the arguments of `firetower automation create` that create the same automation."""
    options = list(_options(Draft.of(automation)))
    name = automation.name
    return [*options, "--", name] if name.startswith("-") else [name, *options]


def _options(draft: Draft) -> Iterator[str]:
    """Yield each option as one word, so that no value is taken for another option."""
    kind = draft.container.kind
    place = "" if kind is ContainerKind.ORGANIZATION else f"={draft.container}"
    yield f"--{kind}{place}"
    for option, text in (
        ("collection", draft.collection),
        ("collections", draft.pattern),
        ("type", draft.artifact_type),
        ("event", draft.event_type),
        ("alias-regex", draft.alias),
        ("tag-regex", draft.tag),
        ("state", draft.state),
        ("metric", draft.metric),
        ("window", draft.window),
        ("prior-window", draft.prior_window),
        ("aggregate", draft.aggregate.lower() if draft.aggregate else ""),
        *_amount(draft),
        ("run-name", draft.run_name),
        ("filter", draft.filter),
    ):
        if text:
            yield f"--{option}={text}"
    yield from _action(draft)
    if draft.description:
        yield f"--description={draft.description}"
    if draft.cooldown:
        yield f"--cooldown={draft.cooldown}"
    if draft.mode in {Mode.SHADOW, Mode.DISABLED}:
        yield f"--{draft.mode}"


def _amount(draft: Draft) -> Iterator[tuple[str, str]]:
    """Yield what a metric is compared with, as option and text."""
    if draft.event_type is EventType.RUN_METRIC:
        yield COMPARISONS[draft.comparison], draft.amount
    elif draft.event_type is EventType.RUN_METRIC_CHANGE:
        yield CHANGES[draft.direction], draft.amount
    elif draft.event_type is EventType.RUN_METRIC_ZSCORE:
        yield "zscore", draft.amount
        yield "direction", draft.direction.lower()


def _action(draft: Draft) -> Iterator[str]:
    match draft.action:
        case ActionType.GENERIC_WEBHOOK:
            yield f"--webhook={draft.endpoint}"
            if draft.payload:
                yield f"--payload={draft.payload}"
        case ActionType.NOTIFICATION:
            yield f"--slack={draft.endpoint}"
            if draft.title:
                yield f"--title={draft.title}"
            if draft.message:
                yield f"--message={draft.message}"
            if draft.severity is not Severity.INFO:
                yield f"--severity={draft.severity}"
        case ActionType.NO_OP:
            yield "--no-op"

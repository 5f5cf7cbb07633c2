"""The command that makes an automation again."""

import shlex
from collections.abc import Iterator

from firetower.core.actions import ActionType, Severity
from firetower.core.automations import Automation, Mode
from firetower.core.drafts import Draft
from firetower.core.references import ContainerKind


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

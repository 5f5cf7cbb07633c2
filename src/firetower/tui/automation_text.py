"""An automation in full: what it does, how it has fared, what it was before."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

from textual.content import Content

from firetower.core.actions import Action, SlackAction, WebhookAction
from firetower.core.automations import Automation, Mode, Revision, duration, with_changes
from firetower.core.filters import ANY
from firetower.core.text import counted, visible
from firetower.tui.execution_text import pretty
from firetower.tui.text import ago, exact, lines, plain

MODES = {
    Mode.ENABLED: ("✓ on", "$success"),
    Mode.DISABLED: ("◌ off", "$muted"),
    Mode.SHADOW: ("▸ shadow", "$accent"),
    Mode.DELETED: ("✗ deleted", "$error"),
}
_WIDTH = 10
_SHORT = 60


def automation_text(
    automation: Automation, revisions: Sequence[Revision], stopped: str, now: datetime
) -> Content:
    """Return all that is known of an automation but its executions.

    `stopped` says why requests are not sent to its endpoint; empty where they are.
    """
    definition = automation.definition
    parts = [
        plain(definition.sentence),
        *([lines(definition.description).stylize("dim")] if definition.description else []),
        Content(""),
        _field("fired", _fired(automation, now)),
        *([_field("endpoint", stopped).stylize("$warning")] if stopped else []),
        *_filter(automation),
        *_action(definition.action),
        *_revisions(revisions),
    ]
    return Content("\n").join(parts)


def automation_title(automation: Automation) -> Content:
    """Return an automation's name and state."""
    words, tone = MODES[automation.mode]
    return Content.from_markup(
        f"[dim]$place ›[/] [b]$name[/]  [{tone}]$state[/]",
        place=visible(str(automation.definition.scope.container)),
        name=visible(automation.name),
        state=words,
    )


def _field(name: str, value: str) -> Content:
    return Content.assemble((f"{name:<{_WIDTH}}", "dim"), plain(value))


def _fired(automation: Automation, now: datetime) -> str:
    shadow = automation.shadow_24h
    in_shadow = f"; {counted(shadow, 'time')} in shadow in 24 h" if shadow else ""
    if automation.last_fired_at is None:
        return f"never{in_shadow}"
    last = ago(automation.last_fired_at, now)
    count = counted(automation.fired_24h, "time")
    return f"{count} in 24 h, last {last if last == 'now' else last + ' ago'}{in_shadow}"


def _block(name: str, text: str) -> Iterator[Content]:
    """Yield a name and a text, below the name where it is long."""
    if len(text) <= _SHORT and "\n" not in text:
        yield _field(name, text)
        return
    yield _field(name, "")
    yield lines(pretty(text))


def _filter(automation: Automation) -> Iterator[Content]:
    definition = automation.definition
    if definition.filter == ANY:
        yield _field("filter", "none: every such event")
    else:
        yield from _block("filter", json.dumps(definition.filter.source, ensure_ascii=False))
    if definition.cooldown is not None:
        yield _field("cooldown", duration(definition.cooldown))


def _action(action: Action) -> Iterator[Content]:
    if isinstance(action, WebhookAction):
        yield _field("webhook", action.endpoint)
        yield from _block("payload", action.payload or "Standard Webhooks: type, timestamp, data")
    elif isinstance(action, SlackAction):
        yield _field("Slack", f"{action.endpoint}, {action.severity.value.lower()}")
        yield from _block("title", action.title or "the usual one")
        yield from _block("message", action.message or "the usual one")
    else:
        yield _field("action", "record only: nothing is sent")


def _revisions(revisions: Sequence[Revision]) -> Iterator[Content]:
    name = "revisions"
    for revision, changes in with_changes(revisions):
        yield Content.assemble(
            (f"{name:<{_WIDTH}}", "dim"),
            f"{revision.number:>3}  {exact(revision.saved_at)}  ",
            plain(f"by {revision.author}  ").stylize("dim"),
            plain("; ".join(changes)),
        )
        name = ""

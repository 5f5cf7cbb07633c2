"""The preview of a draft: one sentence, recent events that match, and the body it sends."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from textual.content import Content

from firetower.core.actions import ActionType, NoAction
from firetower.core.automations import Definition, Mode
from firetower.core.backtest import matches
from firetower.core.drafts import Draft, Part, Reading
from firetower.core.errors import InvalidInput
from firetower.core.events import Event
from firetower.core.filters.patterns import Pattern
from firetower.core.requests import render_body
from firetower.core.templates import VARIABLES, samples
from firetower.core.text import agreeing, and_list, counted, visible
from firetower.tui.form.data import FormData, sample_event
from firetower.tui.text import age, body_lines, plain

_NAMED = 6
"""Collections and aliases that are listed by name."""


def preview_text(draft: Draft, definition: Definition, data: FormData, now: datetime) -> Content:
    """Return the preview of a draft that says this."""
    if not definition.action.endpoint and not isinstance(definition.action, NoAction):
        action = definition.action.model_copy(update={"endpoint": "an endpoint"})
        definition = definition.model_copy(update={"action": action})
    matching = [event for event in data.recent if matches(definition, event)]
    reach = _reach(draft.event_type.spec.label, len(data.recent), len(matching))
    parts = [*_sentence(definition, draft.mode), Content(""), plain(reach)]
    return Content("\n").join([*parts, *_body(definition, draft, data, matching, now)])


def sample_variables(
    draft: Draft, names: Sequence[str], reading: Reading, data: FormData
) -> dict[str, str]:
    """Return the variables that may be used, with their values for the newest match."""
    definition = reading.definition
    newest = (event for event in data.recent if definition and matches(definition, event))
    event = next(newest, data.recent[0] if data.recent else None)
    if event is None:
        return dict.fromkeys(names, "")
    found = samples(event, draft.name, [name for name in names if name in VARIABLES])
    return found | {name: "" for name in names if name not in found}


def missing_text(reading: Reading) -> str:
    """Return what the scope or the condition still needs."""
    wanted = (Part.SCOPE, Part.STATE, Part.METRIC, Part.WINDOW, Part.AMOUNT)
    error = next((reading.missing[part] for part in wanted if part in reading.missing), None)
    return "" if error is None else f"{error.message}. {error.hint}"


def _sentence(definition: Definition, mode: Mode) -> Iterator[Content]:
    yield plain(definition.sentence).stylize("bold")
    if mode is Mode.SHADOW:
        yield Content.styled("Shadow: it records what it would send, and sends nothing.", "$accent")
    elif mode is Mode.DISABLED:
        yield Content.styled("Disabled: it does not fire.", "$muted")


def _reach(label: str, recent: int, matching: int) -> str:
    if not recent:
        return f"No “{label}” event has happened here yet."
    if recent == 1:
        return f"The only “{label}” event here {'matches' if matching else 'does not match'}."
    last = f"the last {recent:,} “{label}” events here"
    if not matching:
        return f"None of {last} matches."
    return f"Of {last}, {matching:,} {agreeing(matching, 'match')}."


def _body(
    definition: Definition, draft: Draft, data: FormData, matching: Sequence[Event], now: datetime
) -> Iterator[Content]:
    if matching:
        event, label = matching[0], "Newest match: "
        when = age(event.recorded_at, now)
    else:
        event, label = sample_event(draft.event_type, draft.container, data, now), "For example: "
        when = "a sample"
    subject = visible(f"{event.subject} {event.detail}".rstrip())
    yield Content.assemble((label, "dim"), f"{subject} ", (when, "dim"))
    body = render_body(definition, event, data.endpoint(draft.action, draft.endpoint))
    if body:
        yield Content("")
        yield Content.styled("Body", "dim")
        yield body_lines(body)


def collections_note(draft: Draft, reading: Reading, data: FormData) -> str:
    """Return which collections the scope covers now."""
    if reading.scope is None:
        return ""
    scope = reading.scope
    names = [
        one.reference.name for one in data.collections if scope.covers(one.reference, one.type)
    ]
    if draft.container.kind.covers_several:
        return ""
    if draft.whole:
        if not names:
            return "no collection yet; later ones will match"
        count = counted(len(names), "collection")
        return f"{count} {agreeing(len(names), 'match')} now, later ones will too"
    if not names:
        return "none matches now; later ones may"
    matching = f"{len(names):,} of {len(data.collections):,} {agreeing(len(names), 'match')}"
    return f"{matching} now: {listed(names)}"


def endpoint_note(draft: Draft, data: FormData) -> str:
    """Return why the endpoint would not get anything now."""
    endpoint = data.endpoint(draft.action, draft.endpoint)
    if endpoint is not None and not endpoint.enabled:
        return f"disabled ({endpoint.disabled_reason}): what fires for it is skipped"
    if draft.endpoint and endpoint is None and draft.action is not ActionType.NO_OP:
        return "no endpoint has this name any more"
    return ""


def metrics_note(draft: Draft, data: FormData) -> str:
    """Return which metrics the runs have logged, of those that begin with what is typed."""
    typed, names = draft.metric.strip(), data.metrics
    if typed in names:
        return ""
    if not names:
        return "no run here has logged a metric yet"
    matching = [name for name in names if name.startswith(typed)]
    if not matching:
        return f"no run here has logged it; they log {listed(names)}"
    return f"logged here: {listed(matching)}" + (" · → completes" if typed else "")


def values_note(pattern: str, recent: Sequence[str | None]) -> str:
    """Return which aliases or tags of recent events a regex matches, and which it does not."""
    seen = list(dict.fromkeys(value for value in recent if value is not None))
    if not seen:
        return "none seen here yet"
    if not pattern:
        return f"any; seen here: {listed(seen)}"
    try:
        matched = Pattern(pattern).search
    except InvalidInput:
        return ""  # its error is shown there
    matching = [one for one in seen if matched(one)]
    others = [one for one in seen if one not in matching]
    parts = [f"matches {listed(matching)}"] if matching else ["matches none seen here"]
    if others:
        parts.append(f"not {listed(others)}")
    return " · ".join(parts)


def listed(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    return and_list(map(visible, names), most=_NAMED)

"""What changed from one revision of an automation to the next, in words."""

from collections.abc import Iterator, Sequence

from firetower.core.automations import Definition, Mode, Revision, duration
from firetower.core.text import quoted

_NOTHING = "none"


def revision_changes(before: Revision | None, after: Revision) -> list[str]:
    """Return each thing that a revision changed: "cooldown: none → 10m".

    The first revision changes nothing: it has none before it.
    """
    if before is None:
        return ["created"]
    changed = list(_definition_changes(before.definition, after.definition))
    if before.mode is not after.mode:
        changed.insert(0, _mode_change(before.mode, after.mode))
    return changed or ["saved without a change"]


def with_changes(revisions: Sequence[Revision]) -> list[tuple[Revision, list[str]]]:
    """Return revisions, the newest first as they were given, each with what it changed."""
    befores = [*revisions[1:], None]
    return [
        (revision, revision_changes(before, revision))
        for revision, before in zip(revisions, befores, strict=True)
    ]


def _mode_change(before: Mode, after: Mode) -> str:
    words = {
        Mode.ENABLED: "enabled",
        Mode.DISABLED: "disabled",
        Mode.SHADOW: "put in shadow",
        Mode.DELETED: "deleted",
    }
    return f"{words[after]} (was {before.value})"


def _definition_changes(before: Definition, after: Definition) -> Iterator[str]:
    for name, old, new in zip(_NAMES, _values(before), _values(after), strict=True):
        if old != new:
            yield f"{name}: {old} → {new}"
    for field in sorted(_templates(before).keys() | _templates(after).keys()):
        was, became = _templates(before).get(field), _templates(after).get(field)
        if was != became:
            yield f"{field}: {_shown(was)} → {_shown(became)}"


_NAMES = ("name", "description", "event", "scope", "filter", "action", "cooldown")


def _values(definition: Definition) -> tuple[str, ...]:
    cooldown = definition.cooldown
    return (
        definition.name,
        _shown(definition.description or None),
        definition.event_type.value,
        definition.scope.phrase.removeprefix("in "),
        definition.filter.words,
        definition.action.phrase,
        _NOTHING if cooldown is None else duration(cooldown),
    )


def _templates(definition: Definition) -> dict[str, str]:
    """Return the texts of an action: a payload, a title, a message, how loud it is."""
    texts = definition.action.model_dump(mode="json", exclude={"type", "integration"})
    return {field: str(text) for field, text in texts.items() if text is not None}


def _shown(text: str | None) -> str:
    return _NOTHING if text is None else quoted(text)

"""The fields of an event that a filter can ask for."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from pydantic import JsonValue

from firetower.core.errors import InvalidInput
from firetower.core.events import Event, EventType, EventVersion
from firetower.core.references import one_spelling
from firetower.core.runs import RunSnapshot
from firetower.core.text import nearest, quoted, shortened


class Missing:
    """The value of a field that an event does not have."""

    def __repr__(self) -> str:
        return "missing"


MISSING: Final = Missing()
Value: TypeAlias = JsonValue | Missing


def in_one_spelling(value: Any) -> Any:  # noqa: ANN401 - as it was given
    """Return a value, or MISSING, with its texts in the spelling in which they are compared."""
    match value:
        case str():
            return one_spelling(value)
        case list():
            return [in_one_spelling(one) for one in value]
        case dict():
            return {one_spelling(key): in_one_spelling(one) for key, one in value.items()}
    return value


Getter: TypeAlias = Callable[[Event], Value]
Getters: TypeAlias = Callable[[str], Callable[[Any], Value]]
"""Returns what finds the value of a field."""

METADATA, CONFIG = "metadata", "config"


def _of_version(read: Callable[[EventVersion], Value]) -> Getter:
    return lambda event: MISSING if event.version is None else read(event.version)


def _of_run(read: Callable[[RunSnapshot], Value]) -> Getter:
    return lambda event: MISSING if event.run is None else read(event.run)


_GETTERS: Mapping[str, Getter] = {
    "alias": lambda event: MISSING if event.alias is None else event.alias,
    "tag": lambda event: MISSING if event.tag is None else event.tag,
    "collection": lambda event: MISSING if event.collection is None else event.collection.name,
    "artifact_type": lambda event: MISSING if event.collection is None else event.artifact_type,
    "version_index": _of_version(lambda version: version.index),
    "author": lambda event: event.author,
    "run_name": _of_run(lambda run: run.name),
    "display_name": _of_run(lambda run: run.name),
    "user": _of_run(lambda run: run.user),
    "tags": _of_run(lambda run: list(run.tags)),
    "group": _of_run(lambda run: run.group),
    "job_type": _of_run(lambda run: run.job_type),
    "alert_title": _of_run(lambda run: MISSING if run.alert is None else run.alert.title),
    "alert_text": _of_run(lambda run: MISSING if run.alert is None else run.alert.text),
    "alert_severity": _of_run(lambda run: MISSING if run.alert is None else run.alert.severity),
}

FIELDS: tuple[str, ...] = (*_GETTERS, f"{METADATA}.KEY", f"{CONFIG}.KEY")
_OF_RUN = ("run_name", "display_name", "user", "tags", "group", "job_type", CONFIG)
"""W&B calls a run's name display_name."""
ALERT_FIELDS = ("alert_title", "alert_text", "alert_severity")
_CARRIED_AS: Mapping[str, str] = {
    "alias": "alias",
    "tag": "tag",
    "collection": "collection",
    "artifact_type": "collection",
    **dict.fromkeys(_OF_RUN, "run"),
    **dict.fromkeys(ALERT_FIELDS, "alert"),
    "version_index": "version",
    METADATA: "version",
}


def getter(field: str) -> Getter:
    """Return the function that reads `field` from an event. Raises InvalidInput."""
    if field in _GETTERS:
        return _GETTERS[field]
    root, dot, path = field.partition(".")
    if root == METADATA and dot and path:
        keys = path.split(".")
        return _of_version(lambda version: in_one_spelling(dig(version.metadata, keys)))
    if root == CONFIG and dot and path:
        keys = path.split(".")
        return _of_run(lambda run: in_one_spelling(_dig_config(run, keys)))
    raise InvalidInput(
        f"a filter cannot ask for the field {quoted(shortened(field, 60))}",
        f"{_suggestion(field)}Fields: {', '.join(FIELDS)}.",
    )


def _dig_config(run: RunSnapshot, keys: list[str]) -> Value:
    """Return what lies at a path of the configuration; W&B writes `.value` behind a key."""
    found = dig(run.config, keys)
    return dig(run.config, keys[:-1]) if found is MISSING and keys[-1] == "value" else found


def _suggestion(field: str) -> str:
    if (root := field.partition(".")[0]) in {METADATA, CONFIG}:
        return f"Name a key of it: {root}.KEY, as in {root}.{'f1' if root == METADATA else 'lr'}. "
    close = nearest(field, _GETTERS) or (f"{METADATA}.{field}" if field else None)
    return f"Did you mean {quoted(shortened(close, 80))}? " if close else ""


def dig(value: Value, keys: list[str]) -> Value:
    """Return what lies at a dotted path: keys of objects, indexes of lists.

    A key that itself contains dots wins over the nesting it could be read as, and one in the very
    spelling over one that Unicode writes in another.
    """
    if not keys:
        return value
    if isinstance(value, list):
        inside = keys[0].isdecimal() and len(keys[0]) < 10 and int(keys[0]) < len(value)
        return dig(value[int(keys[0])], keys[1:]) if inside else MISSING
    if not isinstance(value, dict):
        return MISSING
    for length in range(len(keys), 0, -1):
        key = _spelling_in(value, ".".join(keys[:length]))
        if key in value:
            return dig(value[key], keys[length:])
    return MISSING


def _spelling_in(value: Mapping[str, Any], key: str) -> str:
    """Return a key as it is spelt in an object that has it."""
    if key in value or key.isascii():  # the others are not read for each key that is missing
        return key
    wanted = one_spelling(key)
    return next((one for one in value if one_spelling(one) == wanted), key)


def check_carried(field: str, type_: EventType) -> None:
    """Refuse a field that events of a type never have. Raises InvalidInput."""
    needed = _CARRIED_AS.get(field.partition(".")[0])
    if needed is None or needed in type_.spec.carries:
        return
    if needed == "alert":
        hint = "Use RUN_ALERT: a script sends it by run.alert()."
    elif "run" in type_.spec.carries:
        hint = f"Filter on author, {', '.join(_OF_RUN)}.KEY."
    elif needed == "run":
        hint = "Use RUN_STATE or RUN_METRIC: runs have events of their own."
    elif needed == "version":
        hint = "Filter on collection, artifact_type, author or tag."
    else:
        hint = f"Use ADD_ARTIFACT_{needed.upper()}: setting one is an event of its own."
    raise InvalidInput(f"{type_} events have no {field}, so this filter could never hold", hint)

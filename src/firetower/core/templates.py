"""Payload templates and the variables they may use."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from typing import Self, TypeAlias

from firetower.core.errors import InvalidInput
from firetower.core.events import Event, EventType, EventVersion
from firetower.core.filters.fields import ALERT_FIELDS, MISSING, Value, dig, getter
from firetower.core.json import dump, unique_keys
from firetower.core.metrics import Crossing
from firetower.core.runs import RunSnapshot
from firetower.core.text import nearest, quoted, shortened

_QUOTED = r'"(?:[^"\\\n]|\\.)*"'
_KEY = rf'\[({_QUOTED})\]|\.((?:[^.\[]|\[(?!"))*)'
_KEYS = re.compile(_KEY)
_KEYED_NAME = re.compile(rf"([a-z_]+)((?:{_KEY})+)")
ACCESS_TOKEN = "ACCESS_TOKEN"  # noqa: S105 - the variable's name
_MAX_KEYS = 50
"""Keys of a version's metadata, or of a run's config, that are offered as variables."""
_PLAIN_KEY = re.compile(r"[\w-]+")
MASK = "••••"


@dataclass(frozen=True, slots=True)
class Variable:
    """How a variable is read from an event and the automation's name."""

    read: Callable[[Event, str], Value]
    needs: str | None = None
    """The field an event must carry to have it; None: every event has it."""

    def present_for(self, type_: EventType) -> bool:
        """Return whether events of a type have it."""
        return self.needs is None or self.needs in type_.spec.carries


def _of_field(field: str, needs: str) -> Variable:
    read = getter(field)
    return Variable(lambda event, _: read(event), needs)


def _of_version(read: Callable[[Event, EventVersion], Value]) -> Variable:
    return Variable(
        lambda event, _: MISSING if event.version is None else read(event, event.version), "version"
    )


def _of_run(read: Callable[[RunSnapshot], Value]) -> Variable:
    return Variable(lambda event, _: MISSING if event.run is None else read(event.run), "run")


def _of_metric(read: Callable[[Crossing], Value]) -> Variable:
    return Variable(
        lambda event, _: MISSING if event.metric is None else read(event.metric), "metric"
    )


VARIABLES: Mapping[str, Variable] = {
    "event_type": Variable(lambda event, _: str(event.type)),
    "event_author": Variable(lambda event, _: event.author),
    "entity_name": Variable(lambda event, _: event.container.entity),
    "project_name": Variable(lambda event, _: event.container.name),
    "automation_name": Variable(lambda _, automation: automation),
    "artifact_collection_name": Variable(
        lambda event, _: MISSING if event.collection is None else event.collection.name,
        "collection",
    ),
    "artifact_version": _of_version(lambda _, version: version.artifact_id),
    "artifact_version_string": _of_version(lambda event, _: event.reference),
    "artifact_version_index": _of_version(lambda _, version: version.index),
    "alias": _of_field("alias", "alias"),
    "tag": _of_field("tag", "tag"),
    "run_name": _of_run(lambda run: run.name),
    "run_id": _of_run(lambda run: run.id),
    "run_status": _of_run(lambda run: run.status),
    **{name: _of_field(name, "alert") for name in ALERT_FIELDS},
    "metric_name": _of_metric(lambda crossing: crossing.condition.metric),
    "metric_values": _of_metric(lambda crossing: list(crossing.values)),
    "metric_filter": _of_metric(lambda crossing: crossing.condition.words),
    "metric_filter_short": _of_metric(lambda crossing: crossing.condition.label),
    "metric_current_status": _of_metric(lambda crossing: crossing.words()),
}

KEYED: Mapping[str, Variable] = {
    "artifact_metadata": _of_version(lambda _, version: version.metadata),
    "run_config": _of_run(lambda run: run.config),
}
"""Objects whose keys are variables: `artifact_metadata.f1`."""


def available(type_: EventType, granted: frozenset[str]) -> list[str]:
    """Return the variables that events of a type have, with the granted secrets' names."""
    names = [name for name, variable in VARIABLES.items() if variable.present_for(type_)]
    keyed = [f"{name}.KEY" for name, variable in KEYED.items() if variable.present_for(type_)]
    return names + keyed + sorted(granted)


def check_variable(name: str, type_: EventType, granted: frozenset[str]) -> None:
    """Refuse a variable that does not exist or that events of a type never have.

    `granted` are the secrets' names that the action's endpoint may use. Raises InvalidInput
    that names the nearest variable there is.
    """
    keyed, choices = _keyed(name), available(type_, granted)
    if name in choices or (keyed is not None and keyed[0].present_for(type_)):
        return
    shown = quoted(shortened(f"${{{name}}}", 80))
    close = nearest(name, choices)
    listed = f"Variables here: {', '.join(choices)}."
    raise InvalidInput(
        f"{type_} events never have the variable {shown}"
        if name in VARIABLES or keyed is not None
        else f"there is no variable {shown}",
        f"Did you mean ${{{close}}}? {listed}" if close else listed,
    )


def _keyed(name: str) -> tuple[Variable, list[str]] | None:
    """Return the object and the keys in it that a variable names; None for any other variable.

    A key stands after a dot, or as JSON text in brackets: `artifact_metadata.eval["my key"]`.
    """
    found = _KEYED_NAME.fullmatch(name)
    if found is None or found[1] not in KEYED or found[2] == ".":
        return None
    try:
        keys = [json.loads(text) if text else plain for text, plain in _KEYS.findall(found[2])]
    except ValueError:
        return None
    return KEYED[found[1]], keys


def read_variable(name: str, event: Event, automation: str) -> Value:
    """Return a variable's value for an event, or `MISSING`."""
    if (keyed := _keyed(name)) is not None:
        variable, keys = keyed
        return dig(variable.read(event, automation), keys)
    return VARIABLES[name].read(event, automation) if name in VARIABLES else MISSING


Lookup: TypeAlias = Callable[[str], Value]

MAX_TEMPLATE = 256 * 1024
"""Characters of a template."""

_VARIABLE = rf"""
    (?<!\$)(?P<doubled>(?:\$\$)+)(?=\$?\{{)     # each two stand for one
    | \$\{{(?P<name>(?:\[{_QUOTED}\]|[^{{}}"\\\s])*)\}}
    | (?P<broken>\$\{{)
"""
_IN_TEXT = re.compile(_VARIABLE, re.VERBOSE)
_IN_JSON = re.compile(rf'\\. | " | {_VARIABLE}', re.VERBOSE | re.DOTALL)
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a variable's value."""

    name: str
    inside_string: bool


@dataclass(frozen=True, slots=True)
class Template:
    """A text in which variables are replaced by their values."""

    parts: tuple[str | Slot, ...]

    @property
    def names(self) -> Iterator[str]:
        """The variables it uses."""
        return (part.name for part in self.parts if isinstance(part, Slot))


class PayloadTemplate(Template):
    """JSON text with variables.

    Inside a JSON string a value is escaped into it; outside it goes in as typed JSON, so
    `{"f1": ${artifact_metadata.f1}}` sends a number. A missing value is "" or null.
    """

    @classmethod
    def parse(cls, source: str) -> Self:
        """Read a template. Raises InvalidInput when it is not JSON once the values are in."""
        return cls(_payload_parts(source))

    def render(self, lookup: Lookup) -> str:
        """Return the JSON text with each variable's value from `lookup`."""
        return "".join(
            part if isinstance(part, str) else _as_json(lookup(part.name), part.inside_string)
            for part in self.parts
        )


class TextTemplate(Template):
    """Plain text with variables."""

    @classmethod
    def parse(cls, source: str) -> Self:
        """Read a template. Raises InvalidInput for a variable that is not closed."""
        return cls(tuple(_split(source, json_strings=False)))

    def render(self, lookup: Lookup, escape: Callable[[str], str]) -> str:
        """Return the text with each variable's value, made harmless by `escape`."""
        return "".join(
            part if isinstance(part, str) else escape(as_text(lookup(part.name)))
            for part in self.parts
        )


def as_text(value: Value) -> str:
    """Return a value as it reads inside a text: strings as they are, the rest as JSON."""
    if value is MISSING or value is None:
        return ""
    return value if isinstance(value, str) else dump(value)


def _as_json(value: Value, inside_string: bool) -> str:  # noqa: FBT001
    if inside_string:
        return json.dumps(as_text(value))[1:-1]
    return "null" if value is MISSING else dump(value)


@lru_cache(maxsize=1024)
def _payload_parts(source: str) -> tuple[str | Slot, ...]:
    parts = tuple(_split(source, json_strings=True))
    hook = partial(unique_keys, "the payload")
    try:
        json.loads(_example(parts), parse_constant=_refuse_constant, object_pairs_hook=hook)
    except RecursionError:
        raise InvalidInput("the payload is nested too deeply", "Flatten it.") from None
    except ValueError as error:
        raise InvalidInput(
            f"the payload is not JSON: {error}",
            'Write JSON with variables, such as {"ref": "${artifact_version_string}"}.',
        ) from None
    return tuple(_in_ascii(part) if isinstance(part, str) else part for part in parts)


def _example(parts: Iterable[str | Slot]) -> str:
    """Return JSON with a stand-in for each slot, as long: the parser's line and column are true."""

    def stand_in(slot: Slot) -> str:
        # Outside a string it is null, as a value may be: a key, for one, must be written in quotes.
        length = len(slot.name) + len("${}")
        return "_" * length if slot.inside_string else "null".ljust(length)

    return "".join(part if isinstance(part, str) else stand_in(part) for part in parts)


def error_place(source: str) -> tuple[int, int] | None:
    """Return the line and column, from 0, where a payload is wrong; None where it can be read."""
    broken = (one for one in _IN_JSON.finditer(source) if one["broken"] or one["name"] == "")
    first = next(broken, None)
    if first is not None:
        at = first.start()
        return source.count("\n", 0, at), at - source.rfind("\n", 0, at) - 1
    try:
        json.loads(_example(_split(source, json_strings=True)))
    except json.JSONDecodeError as error:
        return error.lineno - 1, error.colno - 1
    except (InvalidInput, RecursionError, ValueError):
        pass
    return None


def samples(event: Event, automation: str, names: Sequence[str]) -> dict[str, str]:
    """Return variables with their values for an event, those of keys after the named ones."""
    found = {name: as_text(read_variable(name, event, automation)) for name in names}
    for name, variable in KEYED.items():
        keyed = variable.read(event, automation)
        for key, value in islice(keyed.items() if isinstance(keyed, dict) else (), _MAX_KEYS):
            end = f".{key}" if _PLAIN_KEY.fullmatch(key) else f"[{json.dumps(key)}]"
            found[f"{name}{end}"] = as_text(value)
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _in_ascii(text: str) -> str:
    """Escape what is not ASCII, which valid JSON has only inside strings."""
    return text if text.isascii() else _NOT_ASCII.sub(lambda run: json.dumps(run[0])[1:-1], text)


def _split(source: str, *, json_strings: bool) -> Iterator[str | Slot]:
    if len(source) > MAX_TEMPLATE:
        raise InvalidInput(
            f"the template has {len(source):,} characters", f"Use at most {MAX_TEMPLATE:,}."
        )
    inside = False
    start = 0
    for token in (_IN_JSON if json_strings else _IN_TEXT).finditer(source):
        if token["broken"]:
            raise _unreadable(source, token.start())
        if token[0] == '"':
            inside = not inside
        if token["doubled"]:
            yield source[start : token.start()] + "$" * (len(token[0]) // 2)
            start = token.end()
        if token["name"] is None:
            continue
        if not token["name"]:
            raise _unreadable(source, token.start())
        yield source[start : token.start()]
        yield Slot(token["name"], inside_string=inside)
        start = token.end()
    yield source[start:]


def _unreadable(source: str, position: int) -> InvalidInput:
    line = source.count("\n", 0, position) + 1
    shown = quoted(shortened(source[position : position + 30].splitlines()[0], 24))
    return InvalidInput(
        f"the template's variable {shown} in line {line} cannot be read",
        'Write ${name} or ${artifact_metadata["my key"]}; write $${ for a plain ${.',
    )

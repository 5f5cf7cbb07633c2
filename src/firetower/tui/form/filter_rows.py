"""The filter of an automation as rows to fill in, instead of JSON."""

from collections.abc import Iterable, Sequence

from pydantic import JsonValue
from textual.suggester import SuggestFromList
from textual.widget import Widget

from firetower.core.errors import FiretowerError, InvalidInput
from firetower.core.events import Event, EventType
from firetower.core.filters.fields import CONFIG, FIELDS, METADATA, check_carried, getter
from firetower.core.filters.filter import Filter
from firetower.core.filters.operators import OPERATORS
from firetower.core.filters.rows import FilterRow, filter_text
from firetower.core.text import is_needed
from firetower.tui.session import Tower
from firetower.tui.widgets.ask import Answers, Ask
from firetower.tui.widgets.entries import Choice, Line, Offer
from firetower.tui.widgets.field import Field

_LEAST_ROWS, _SPARE_ROWS = 4, 2
_NAMED = 4
"""Fields that the dialog names."""
_MOST_KEYS = 200
"""Keys of metadata or configuration that are completed."""


class ConditionField(Field):
    """One row: a field, an operator and a value; it is left out while the field is empty."""

    def __init__(self, number: int, row: FilterRow, names: Sequence[str]) -> None:
        self.line = Line(
            row.field,
            placeholder="metadata.f1" if number == 1 else "",
            compact=True,
            suggester=SuggestFromList(names, case_sensitive=False),
            classes="condition--field",
        )
        offers = [Offer(one.name, one.sign) for one in OPERATORS.values()]
        self.operator = Choice(offers, row.operator, empty="")
        self.operator.add_class("condition--operator")
        self.operand = Line(row.value, placeholder="0.9" if number == 1 else "", compact=True)
        label = "If" if number == 1 else "and"
        super().__init__(label, self.line, self.operator, self.operand, name=str(number))

    @property
    def condition(self) -> FilterRow | None:
        """The row; None while it is empty."""
        name, value = self.line.value.strip(), self.operand.value
        return FilterRow(name, self.operator.chosen, value) if name or value else None

    @property
    def value(self) -> str:
        return ""  # the dialog reads the conditions

    @property
    def typed(self) -> str:
        return f"{self.line.value}\n{self.operand.value}"

    @property
    def entry(self) -> Widget:
        return self.line

    def problem(self) -> FiretowerError | None:
        row = self.condition
        if row is None:
            return None
        if not row.field:
            return InvalidInput(is_needed("the field"), "Write metadata.KEY, or clear the value.")
        try:
            getter(row.field)
            Filter.parse(filter_text([row]))
        except FiretowerError as error:
            return error
        return None


def filter_dialog(rows: Sequence[FilterRow], type_: EventType, recent: Iterable[Event]) -> Ask[str]:
    """Return the dialog that answers with the JSON; keys of recent events are completed."""
    names = field_names(type_, recent)
    count = max(_LEAST_ROWS, len(rows) + _SPARE_ROWS)
    filled = [*rows, *[FilterRow("")] * (count - len(rows))]
    fields = [ConditionField(number, row, names) for number, row in enumerate(filled, 1)]

    def save(_: Tower, __: Answers) -> str:
        text = filter_text([row for one in fields if (row := one.condition) is not None])
        if text:
            Filter.parse(text).check_event_type(type_)
        return text

    detail = f"Fields: {', '.join(names[:_NAMED])} …  → completes one."
    return Ask("Fire only if", fields, save, button="Use", detail=detail)


def field_names(type_: EventType, recent: Iterable[Event]) -> list[str]:
    """Return the fields that events of a type have, those of their metadata first."""
    found: dict[str, None] = {}
    for event in recent:
        if event.version is not None:
            found |= dict.fromkeys(_paths(METADATA, event.version.metadata))
        if event.run is not None:
            found |= dict.fromkeys(_paths(CONFIG, event.run.config))
        if len(found) >= _MOST_KEYS:
            break
    return [*list(found)[:_MOST_KEYS], *filter(lambda name: _has(type_, name), FIELDS)]


def _paths(path: str, value: JsonValue) -> Iterable[str]:
    """Yield the dotted paths of what an object holds, two levels deep."""
    for key, inner in value.items() if isinstance(value, dict) else ():
        if isinstance(inner, dict) and path.count(".") < 1:
            yield from _paths(f"{path}.{key}", inner)
        else:
            yield f"{path}.{key}"


def _has(type_: EventType, name: str) -> bool:
    try:
        check_carried(name, type_)
    except InvalidInput:
        return False
    return not name.endswith(".KEY")

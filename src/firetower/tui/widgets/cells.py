"""The rows, columns and cells of a table, and how text fits in them."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Protocol, overload

from rich.cells import cell_len, set_cell_size

from firetower.core.text import visible

GAP = 2
_MEASURED = 300
"""Rows whose texts are measured: the first screens of a long list."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, and how it shares the width."""

    title: str
    width: int = 0
    """Cells; with `flex`, the least it needs."""
    flex: int = 0
    """Its part of the width that is left."""
    grows: bool = False
    """Whether it is as wide as its longest text, where that takes more."""
    right: bool = False
    """Numbers stand on the right."""
    from_width: int = 0
    """The table's width in cells from which the column is shown."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell's text, and the tone it is written in: `ok`, `bad`, `warn`, `dim`, `accent`."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what it stands for, and its cells, one a column.

    Where there are fewer, the last one takes the width of all that are left.
    """

    key: Hashable
    cells: tuple[Cell, ...]

    @property
    def text(self) -> str:
        """The row's text, as the search reads it."""
        return " ".join(cell.text for cell in self.cells)


class Search(Protocol):
    """What a text is searched for."""

    def search(self, text: str, /) -> object:
        """Return something true where the text has it."""


class LazyRows(Sequence[Row]):
    """Rows that are drawn when they are looked at: of thousands a screen shows a few."""

    def __init__(
        self, keys: Sequence[Hashable], draw: Callable[[int], Row], read: Callable[[int], str]
    ) -> None:
        """Take the rows' keys, what draws the row of an index, and what tells its text."""
        self._keys = keys
        self._draw = draw
        self._read = read

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        if isinstance(index, slice):
            return [self._draw(one) for one in range(*index.indices(len(self)))]
        return self._draw(range(len(self))[index])

    @cached_property
    def _places(self) -> dict[Hashable, int]:
        return {key: place for place, key in enumerate(self._keys)}

    def index_of(self, key: Hashable) -> int | None:
        """Return the index of the row of a key, without drawing any."""
        return self._places.get(key)

    def found(self, pattern: Search) -> Sequence[Row]:
        """Return the rows in whose text the pattern is found, drawn as they are looked at."""
        places = [at for at in range(len(self)) if pattern.search(self._read(at))]
        return LazyRows(
            [self._keys[at] for at in places],
            lambda index: self._draw(places[index]),
            lambda index: self._read(places[index]),
        )


def index_of(rows: Sequence[Row], key: Hashable) -> int | None:
    """Return the index of the row of a key."""
    if isinstance(rows, LazyRows):
        return rows.index_of(key)
    return next((index for index, row in enumerate(rows) if row.key == key), None)


def found(rows: Sequence[Row], pattern: Search) -> Sequence[Row]:
    """Return the rows in whose text the pattern is found."""
    if isinstance(rows, LazyRows):
        return rows.found(pattern)
    return [row for row in rows if pattern.search(row.text)]


def natural_widths(columns: Sequence[Column], rows: Sequence[Row]) -> tuple[int, ...]:
    """Return the cells that each column's title and longest text take, in the first screens."""
    measured = [row for row in islice(rows, _MEASURED) if len(row.cells) == len(columns)]
    return tuple(
        max(cell_len(column.title), *(cell_len(row.cells[place].text) for row in measured), 0)
        for place, column in enumerate(columns)
    )


def widths(
    columns: Sequence[Column], width: int, natural: Sequence[int] | None = None
) -> list[tuple[tuple[int, int], Column]]:
    """Return the columns shown in a width, each with its place among all and its cells.

    What is left beside the columns' own widths goes to the flexible ones: first to those whose
    `natural` width is larger, then to all.
    """
    shown = [(place, column) for place, column in enumerate(columns) if width >= column.from_width]
    wants = [0 if natural is None else natural[place] for place, _ in shown]
    fits = natural is not None
    given = [
        _width(column, want) if fits else column.width
        for want, (_, column) in zip(wants, shown, strict=True)
    ]
    left = max(width + GAP - 2 - sum(given) - GAP * len(shown), 0)
    left = _share(given, left, [column.flex for _, column in shown], wants)
    _share(given, left, [column.flex for _, column in shown], [width] * len(shown))
    return [((place, cells), column) for cells, (place, column) in zip(given, shown, strict=True)]


def laid_out(
    columns: Sequence[Column],
    cells: Sequence[Cell],
    width: int,
    natural: Sequence[int] | None = None,
) -> Iterator[tuple[Cell, Column, int]]:
    """Yield the cells of a row that are shown in a width, each with its column and its width.

    The last cell of a row that has fewer than there are columns takes what is left.
    """
    used, last = 1, len(cells) - 1
    for (place, given), column in widths(columns, width, natural):
        if place > last:
            return
        is_short = place == last < len(columns) - 1
        wide = max(width - used - 1, given) if is_short else given
        used += wide + GAP
        yield cells[place], column, wide


def _width(column: Column, want: int) -> int:
    if column.grows:
        return max(column.width, want)
    return min(column.width, want) if column.flex else column.width


def _share(given: list[int], left: int, flexes: Sequence[int], most: Sequence[int]) -> int:
    """Share cells among columns by their flex, none above its most; return what is left."""
    while left > 0:
        short = [at for at, flex in enumerate(flexes) if flex and given[at] < most[at]]
        if not short:
            break
        total = sum(flexes[at] for at in short)
        for at in short:
            part = min(max(left * flexes[at] // total, 1), most[at] - given[at], left)
            given[at] += part
            left -= part
    return left


def fitted(text: str, width: int, *, right: bool = False) -> str:
    """Return text in exactly `width` cells, cut with an ellipsis or padded."""
    shown = visible(text)
    taken = cell_len(shown)
    if taken > width:
        return set_cell_size(shown, max(width - 1, 0)) + "…" if width > 0 else ""
    padding = " " * (width - taken)
    return padding + shown if right else shown + padding

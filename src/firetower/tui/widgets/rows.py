"""The rows of a table: their cells, and how its columns share the width."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple, Protocol, TypeAlias

from rich.cells import cell_len, set_cell_size

from firetower.core.text import visible

GAP = 2
"""Cells between two columns."""
_NARROWEST = 4
"""Cells that a column keeps on a screen that is too narrow."""
_NEVER = 1 << 30
"""No table is as wide."""
_LONGEST = 500
"""Characters of a cell that are looked at: none is wider."""

Order: TypeAlias = tuple[int, float, str]
"""What rows are sorted by."""
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, and how it shares the width."""

    title: str
    width: int = 0
    """Cells below which it is not cut; without them it is never cut."""
    flex: int = 0
    """Its part of the width that is left; one with none is cut last."""
    right: bool = False
    """Whether its text is aligned to the right, as numbers are."""
    aligned: bool = False
    """Whether its texts begin below each other in every row, as states do."""
    from_width: int = 0
    """The table's width in cells from which the column is shown."""
    whole_from: int = _NEVER
    """The table's width in cells from which it is not cut although it has a flex."""
    keeps_end: float = 0.0
    """The part that its end keeps of a text that is too long: the end of a URL tells most."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell's text, and its tone: `ok`, `bad`, `warn`, `dim`, `accent`."""

    text: str
    tone: str = ""
    short: str = ""
    """Shown where the text finds no room."""


@dataclass(frozen=True, slots=True)
class Row:
    """The key of what a row shows, and its cells, one a column.

    Where there are fewer cells, the last one takes the width of all columns that are left.
    """

    key: Hashable
    cells: tuple[Cell, ...]

    @property
    def text(self) -> str:
        """The text that a search reads."""
        return " ".join(cell.text for cell in self.cells)

    def order(self, place: int) -> Order:
        """What the rows are sorted by in a column: numbers come before words."""
        text = self.cells[place].text if place < len(self.cells) else ""
        number = _NUMBER.match(text.replace(",", ""))
        return (0, float(number[0]), "") if number else (1, 0.0, text.casefold())


class TextSize(NamedTuple):
    """The cells that a text takes, in full and in short."""

    full: int
    short: int


class ShownRow(Protocol):
    """What a table needs of a row: its key, its cells, and the text that a search reads.

    A row that makes its cells when they are asked for makes those of the screen's rows only.
    """

    @property
    def key(self) -> Hashable: ...
    @property
    def cells(self) -> tuple[Cell, ...]: ...
    @property
    def text(self) -> str: ...


class SortableRow(ShownRow, Protocol):
    """A row that says what it is sorted by in a column."""

    def order(self, place: int) -> Order: ...


def text_sizes(columns: Sequence[Column], rows: Iterable[ShownRow]) -> list[list[TextSize]]:
    """Return for each column what its title takes, and its text in each row."""
    sizes = [[TextSize(cell_len(column.title), cell_len(column.title))] for column in columns]
    for row in rows:
        if len(row.cells) == len(columns):
            for place, cell in enumerate(row.cells):
                cells = cell_len(visible(cell.text[:_LONGEST]))
                sizes[place].append(TextSize(cells, cell_len(cell.short) if cell.short else cells))
    return sizes


def column_widths(
    columns: Sequence[Column], width: int, sizes: Sequence[Sequence[TextSize]]
) -> dict[int, int]:
    """Return the cells of each column shown in a width, by its place among all columns.

    1. Each gets its own width, or less if its texts take less. If that is too much, the widest of
       the flexible ones give way.
    2. What is left goes to those that are still cut: to the flexible ones last. There it makes as
       many texts whole as it can, in their short form first. A state stays short while another
       text is cut.
    3. What is left then is shared by the flexible ones: nothing is cut beside free space. The last
       of them takes the rest, so that a row can be read without a leap.
    """
    columns = [replace(one, flex=0) if width >= one.whole_from else one for one in columns]
    full = [[size.full for size in column] for column in sizes]
    short = [[size.short for size in column] for column in sizes]
    natural = list(map(max, full))
    given = {
        place: min(
            column.width or natural[place], max(short[place] if column.flex else full[place])
        )
        for place, column in enumerate(columns)
        if width >= column.from_width
    }
    flexes = {place: columns[place].flex for place in given if columns[place].flex}
    fixed = {place: 1 for place in given if not columns[place].flex}
    left = width + GAP - 2 - sum(given.values()) - GAP * len(given)
    while left < 0 and any(given[place] > _NARROWEST for place in flexes):
        widest = max(flexes, key=lambda place: given[place])
        given[widest] -= 1
        left += 1
    left = _share(given, left, fixed, natural)
    brief = [short[n] if column.aligned else full[n] for n, column in enumerate(columns)]
    for texts in (short, brief):
        left = _make_whole(given, left, {place: Counter(texts[place]) for place in flexes})
    left = _share(given, left, flexes, list(map(max, brief)))
    left = _make_whole(given, left, {place: Counter(full[place]) for place in flexes})
    left = _share(given, left, flexes, natural)
    if flexes and left > 0:
        given[max(flexes)] += left
    return given


def _make_whole(given: dict[int, int], left: int, texts: Mapping[int, Counter[int]]) -> int:
    """Widen columns where the fewest cells make the most texts whole; return what is left.

    `texts` counts the sizes of each column's texts.
    """
    while True:
        steps = [
            (
                sum(texts[place][one] for one in cut if one <= size) / (size - given[place]),
                place,
                size,
            )
            for place in texts
            for cut in [[one for one in texts[place] if one > given[place]]]
            for size in cut
            if size - given[place] <= left
        ]
        if not steps:
            return left
        _, place, size = max(steps)
        left -= size - given[place]
        given[place] = size


def lend(columns: Sequence[Column], given: dict[int, int], cells: Sequence[Cell]) -> None:
    """Give texts that are cut in a row the cells that are free beside them, after them first.

    1. Whole texts.
    2. What has no room for that: its short form, or more of its text.
    """
    for whole in (True, False):
        free = {}
        for place, room in given.items():
            free[place] = room - cell_len(visible(cells[place].text))
            if free[place] < 0 and not whole and cells[place].short:
                free[place] = room - cell_len(cells[place].short)
        if min(free.values(), default=0) >= 0:
            return
        for pairs in (pairwise(given), pairwise(reversed(given))):
            for one, other in pairs:
                moves = columns[max(one, other)].aligned
                lent = 0 if moves else min(-free[one], free[other])
                if lent > 0 and (lent == -free[one] or not whole):
                    for place, cells_more in ((one, lent), (other, -lent)):
                        given[place] += cells_more
                        free[place] += cells_more


def _share(given: dict[int, int], left: int, flexes: dict[int, int], most: Sequence[int]) -> int:
    """Share cells among columns by their flex, none above its most; return what is left."""
    while left > 0:
        short = [place for place in flexes if given[place] < most[place]]
        if not short:
            break
        total = sum(flexes[place] for place in short)
        for place in short:
            part = min(max(left * flexes[place] // total, 1), most[place] - given[place], left)
            given[place] += part
            left -= part
    return left


def fitted(text: str, width: int, *, right: bool = False, keeps_end: float = 0.0) -> str:
    """Return text in exactly `width` cells, cut with an ellipsis or padded.

    `keeps_end` is the part of the width that its end keeps where it is cut.
    """
    if keeps_end and len(text) > 2 * (_LONGEST + width):
        text = text[: _LONGEST + width] + text[-_LONGEST - width :]
    elif not keeps_end:
        text = text[: _LONGEST + width]
    shown = visible(text)
    taken = cell_len(shown)
    if taken > width and keeps_end and width > 2:
        kept = max(int(width * keeps_end), 1)
        tail = shown[-kept:]
        while cell_len(tail) > kept:
            tail = tail[1:]
        return set_cell_size(shown, width - 1 - cell_len(tail)) + "…" + tail
    if taken > width:
        return set_cell_size(shown, max(width - 1, 0)) + "…" if width > 0 else ""
    padding = " " * (width - taken)
    return padding + shown if right else shown + padding

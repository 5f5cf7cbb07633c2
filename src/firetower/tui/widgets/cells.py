"""The rows, columns and cells of a table, and how text fits in them."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

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
    """One row: what it stands for, and its cells, one a column."""

    key: Hashable
    cells: tuple[Cell, ...]

    @property
    def text(self) -> str:
        """The row's text, as the search reads it."""
        return " ".join(cell.text for cell in self.cells)


def natural_widths(columns: Sequence[Column], rows: Sequence[Row]) -> tuple[int, ...]:
    """Return the cells that each column's title and longest text take, in the first screens."""
    measured = list(islice(rows, _MEASURED))
    return tuple(
        max(cell_len(column.title), *(cell_len(row.cells[place].text) for row in measured), 0)
        for place, column in enumerate(columns)
    )


class Search(Protocol):
    """What a text is searched for."""

    def search(self, text: str, /) -> object:
        """Return something true where the text has it."""


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
        min(column.width, want) if fits and column.flex else column.width
        for want, (_, column) in zip(wants, shown, strict=True)
    ]
    left = max(width + GAP - 2 - sum(given) - GAP * len(shown), 0)
    left = _share(given, left, [column.flex for _, column in shown], wants)
    _share(given, left, [column.flex for _, column in shown], [width] * len(shown))
    return [((place, cells), column) for cells, (place, column) in zip(given, shown, strict=True)]


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

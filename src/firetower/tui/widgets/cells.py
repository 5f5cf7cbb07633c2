"""The rows, columns and cells of a table, and how text fits in them."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from firetower.core.text import visible

GAP = 2


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


def widths(columns: Sequence[Column], width: int) -> list[tuple[tuple[int, int], Column]]:
    """Return the columns shown in a width, each with its place among all and its cells."""
    shown = [(place, column) for place, column in enumerate(columns) if width >= column.from_width]
    left = width + GAP - 2 - sum(column.width + GAP for _, column in shown)
    flex = sum(column.flex for _, column in shown) or 1
    return [
        ((place, column.width + max(left, 0) * column.flex // flex), column)
        for place, column in shown
    ]


def fitted(text: str, width: int, *, right: bool = False) -> str:
    """Return text in exactly `width` cells, cut with an ellipsis or padded."""
    shown = visible(text)
    taken = cell_len(shown)
    if taken > width:
        return set_cell_size(shown, max(width - 1, 0)) + "…" if width > 0 else ""
    padding = " " * (width - taken)
    return padding + shown if right else shown + padding

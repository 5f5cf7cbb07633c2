"""Charts of metrics, drawn with braille dots: two by four in a cell, and no colour needed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from sys import float_info

from textual.content import Content

from firetower.core.curves import Curve, Range
from firetower.core.metrics import number
from firetower.core.text import shortened, visible

LEAST_HEIGHT = 5
"""Lines of the lowest chart: its title, three lines of dots, and the steps."""
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bits of a cell's dots, by line and column."""
_LINE, _MARK = "╌", "▲"
_STYLES = {_LINE: "$warning", _MARK: "$error"}


@dataclass(frozen=True, slots=True)
class Threshold:
    """A value that an automation watches for."""

    value: float
    label: str
    """What it is, in a few words: "alert > 2"."""


@dataclass(frozen=True, slots=True)
class Chart:
    """What one chart shows."""

    name: str
    curve: Curve
    newest: str = ""
    """The newest value, as text."""
    thresholds: Sequence[Threshold] = ()
    fired: Sequence[int] = ()
    """Steps at which an automation fired."""


def chart_lines(chart: Chart, width: int, height: int) -> list[Content]:
    """Return a chart in exactly `height` lines of `width` cells, or as one line without values."""
    scale = _scale(chart)
    if scale is None:
        return _filled([_title(chart, None, width)], width, height)
    low, high = scale
    rows = max(height, LEAST_HEIGHT) - 2
    labels = _labels(chart, scale, rows)
    margin = max(map(len, labels.values()))
    cells = max(width - margin - 2, 4)
    drawn = _draw(chart.curve, scale, cells, rows)
    for one in chart.thresholds:
        if low <= one.value <= high:
            place = _dot(one.value, scale, rows * 4) // 4
            drawn[place] = "".join(_LINE if cell == " " else cell for cell in drawn[place])
    lines = [_title(chart, scale, width)]
    for place, text in enumerate(drawn):
        label = labels.get(place, "")
        axis = Content.styled(f"{label:>{margin}} {'┤' if label else '│'}", "dim")
        lines.append(axis + _styled(text, "$accent"))
    lines.append(Content.styled(" " * (margin + 2), "dim") + _steps(chart, cells))
    return _filled(lines, width, height)


def beside(blocks: Sequence[Sequence[Content]], gap: int = 2) -> list[Content]:
    """Return blocks of lines side by side; each line is as wide as its block."""
    between = Content(" " * gap)
    return [between.join(line) for line in zip(*blocks, strict=True)]


def _filled(lines: list[Content], width: int, height: int) -> list[Content]:
    cut = [
        line.truncate(width, ellipsis=True).pad_right(width - min(width, line.cell_length))
        for line in lines
    ]
    return [*cut, *[Content(" " * width)] * (height - len(cut))][:height]


def _scale(chart: Chart) -> Range | None:
    """Return the values of the lowest and the highest dot, thresholds that are near included."""
    found = chart.curve.scale()
    if found is None:
        return None
    low, high = found
    span = high - low
    for one in chart.thresholds:
        if low - span <= one.value <= high + span:
            low, high = min(low, one.value), max(high, one.value)
    if low == high:
        edge = abs(low) / 10 or 1.0
        low, high = max(low - edge, -float_info.max), min(high + edge, float_info.max)
    return low, high


def _dot(value: float, scale: Range, dots: int) -> int:
    """Return the line of dots of a value, counted from the top."""
    low, high = (one / 2 for one in scale)  # halves: their difference cannot be too large
    share = (high - value / 2) / (high - low)
    return min(max(round(share * (dots - 1)), 0), dots - 1)


def _draw(curve: Curve, scale: Range, cells: int, rows: int) -> list[str]:
    """Return lines of braille: the range of each column, joined with the one before."""
    bits = [[0] * cells for _ in range(rows)]
    before: tuple[int, int, int] | None = None
    for x, found in enumerate(curve.columns(cells * 2)):
        if found is None:
            continue
        bottom, top = (_dot(value, scale, rows * 4) for value in found)
        dots = [(x, y) for y in range(top, bottom + 1)]
        if before is not None:
            dots += _joint(before, (x, top, bottom))
        for column, line in dots:
            bits[line // 4][column // 2] |= _DOTS[line % 4][column % 2]
        before = x, top, bottom
    return ["".join(chr(0x2800 + cell) if cell else " " for cell in line) for line in bits]


def _joint(one: tuple[int, int, int], other: tuple[int, int, int]) -> Iterator[tuple[int, int]]:
    """Yield the dots of a line between two ranges, each a column, its top and its bottom."""
    x, top, bottom = one
    to_x, to_top, to_bottom = other
    begin = min(max((to_top + to_bottom) // 2, top), bottom)
    end = min(max(begin, to_top), to_bottom)
    length = max(to_x - x, abs(end - begin))
    for place in range(1, length):
        yield x + round((to_x - x) * place / length), begin + round((end - begin) * place / length)


def _labels(chart: Chart, scale: Range, rows: int) -> dict[int, str]:
    """Return the values beside the lines of the chart."""
    low, high = scale
    labels = {
        _dot(one.value, scale, rows * 4) // 4: number(one.value)
        for one in chart.thresholds
        if low <= one.value <= high
    }
    return {**labels, 0: number(high, 3), rows - 1: number(low, 3)}


def _title(chart: Chart, scale: Range | None, width: int) -> Content:
    parts = [Content(f" {visible(chart.newest)}" if chart.newest else "")]
    if scale is None:
        parts.append(Content.styled("  no finite value", "dim"))
    for one in chart.thresholds:
        sign = f" {_LINE} "
        if scale is not None and not scale[0] <= one.value <= scale[1]:
            sign = " ↑ " if one.value > scale[1] else " ↓ "
        parts.append(Content.styled(f" {sign}{visible(one.label)}", "$warning"))
    if not chart.curve.is_exact:
        parts.append(Content.styled("  …", "dim"))  # the others are being read
    rest = Content("").join(parts)
    room = max(width - rest.cell_length, width // 2, 8)
    return Content.styled(shortened(visible(chart.name), room), "bold") + rest


def _steps(chart: Chart, cells: int) -> Content:
    """Return the line below: the first and the last step, and where an automation fired."""
    curve = chart.curve
    shown = [step for step in chart.fired if curve.first <= step <= curve.last]
    marks = sorted({curve.place(step, cells) for step in shown})
    line = [" "] * cells
    first, last = f"{curve.first:,}", f"{curve.last:,} steps"
    begin, end = 0, cells  # of the room that the marks leave
    for mark in marks:
        begin = mark + 1 if begin <= mark < begin + len(first) else begin
    for mark in reversed(marks):
        end = mark if end - len(last) <= mark < end else end
    if begin + len(first) <= cells:
        line[begin : begin + len(first)] = first
    if begin + len(first) < end - len(last):
        line[end - len(last) : end] = last
    for mark in marks:
        line[mark] = _MARK
    return _styled("".join(line), "dim")


def _styled(text: str, style: str) -> Content:
    runs = ("".join(run) for _, run in groupby(text, key=lambda cell: _STYLES.get(cell, style)))
    return Content.assemble(*((run, _STYLES.get(run[0], style)) for run in runs))

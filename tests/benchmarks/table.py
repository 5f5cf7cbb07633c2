"""The table that the benchmarks print."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    ours: str
    reference: str
    ratio: float | None
    aim: str
    met: bool


def skipped(name: str, reason: str) -> Row:
    """Return the row of what could not be measured here."""
    return Row(name, f"skipped: {reason}", "", None, "", met=True)


def rate(name: str, unit: str, ours: float, reference: float, at_least: float | None) -> Row:
    """Return the row of two rates, of which more is better."""
    ratio = ours / reference
    return Row(
        name,
        f"{ours:,.0f} {unit}/s",
        f"{reference:,.0f} {unit}/s",
        ratio,
        "" if at_least is None else f"ratio ≥ {at_least}",
        at_least is None or ratio >= at_least,
    )


def show(rows: Sequence[Row]) -> None:
    lines = [("name", "ours", "reference", "ratio", "aim", "")]
    lines += [
        (
            row.name,
            row.ours,
            row.reference,
            "" if row.ratio is None else f"{row.ratio:.2f}",
            row.aim,
            "" if row.met else "MISSED",
        )
        for row in rows
    ]
    lay_out(lines)


def lay_out(lines: Sequence[Sequence[str]]) -> None:
    """Print lines of cells in aligned columns."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        )


def quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]

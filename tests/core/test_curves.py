"""Curves: what is left of a metric's values for a chart."""

from hypothesis import given
from hypothesis import strategies as st

from firetower.core.curves import MAX_PARTS, Curve, part_width, ranges_of, value_sparkline
from firetower.core.runs import RunLine, RunList

STEPS = st.integers(0, 2**62)


@given(STEPS, STEPS)
def test_parts_hold_all_steps(one: int, other: int) -> None:
    first, last = sorted((one, other))
    width = part_width(first, last)
    assert (last - first) // width < MAX_PARTS
    assert width == 1 or (last - first) // (width // 2) >= MAX_PARTS


@given(st.dictionaries(st.integers(0, 3_000), st.floats(-1e300, 1e300), min_size=1), st.data())
def test_columns_hold_every_value(values: dict[int, float], data: st.DataObject) -> None:
    first, last = min(values), max(values)
    width = part_width(first, last)
    parts = ranges_of(((step - first) // width, value) for step, value in values.items())
    curve = Curve(first, last, len(values), parts)
    assert curve.scale() == (min(values.values()), max(values.values()))
    columns = [one for one in curve.columns(data.draw(st.integers(1, 300))) if one is not None]
    assert (min(low for low, _ in columns), max(high for _, high in columns)) == curve.scale()
    wider = Curve(first, last, len(values), curve.widened(width * 4))
    assert wider.scale() == curve.scale()


def test_sparkline_spans_the_values() -> None:
    assert value_sparkline([3.0, 2.0, 1.0, 1.0]) == "█▅▁▁"
    assert value_sparkline([5.0, 5.0]) == "▁▁"
    assert value_sparkline([]) == ""


def test_newest_lines_join_older_ones() -> None:
    def line(row: int, name: str) -> RunLine:
        return RunLine(row, "", "", name, "", None, None, None, ())  # type: ignore[arg-type]

    older = RunList([line(3, "c"), line(2, "b"), line(1, "a")], 3, ("loss",))
    newest = RunList([line(4, "d"), line(3, "new")], 4, ("loss",))
    assert [one.name for one in newest.joined(older).lines] == ["d", "new", "b", "a"]
    assert RunList(newest.lines, 4, ("acc",)).joined(older).lines == newest.lines

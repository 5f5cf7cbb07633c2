"""The table: its cursor, its keys, the mouse, and how little it paints."""

import random
from collections.abc import AsyncIterator, Callable, Hashable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import PurePath
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.strip import Strip

from firetower.core.filters.patterns import Pattern
from firetower.tui.themes import VARIABLES, style_sheets
from firetower.tui.widgets.rows import Cell, Column, Row, TextSize, column_widths, fitted
from firetower.tui.widgets.table import Table
from tui.screens import screen_text, until

pytestmark = pytest.mark.anyio

COLUMNS = (Column("name", 10, flex=1), Column("count", 6, right=True), Column("note", 8))


class Painted(Table):
    """A table that notes which of its lines are painted."""

    def __init__(self, *, one_click: bool = False) -> None:
        super().__init__(COLUMNS, one_click=one_click)
        self.painted: list[int] = []

    def render_line(self, y: int) -> Strip:
        self.painted.append(y)
        return super().render_line(y)


class TableApp(App[None]):
    CSS_PATH: ClassVar[list[str | PurePath]] = list(style_sheets())

    def __init__(self, table: Painted) -> None:
        super().__init__()
        self.table = table
        self.chosen: list[Hashable] = []
        self.moved: list[Hashable | None] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(VARIABLES)

    def compose(self) -> ComposeResult:
        yield self.table

    def on_table_chosen(self, event: Table.Chosen) -> None:
        self.chosen.append(event.key)

    def on_table_moved(self, event: Table.Moved) -> None:
        self.moved.append(event.key)


@asynccontextmanager
async def table_of(
    rows: Iterable[Row], *, one_click: bool = False
) -> AsyncIterator[tuple[Pilot[None], Painted]]:
    app = TableApp(Painted(one_click=one_click))
    async with app.run_test(size=(40, 11)) as pilot:
        app.table.set_rows(list(rows))
        app.table.focus()
        await pilot.pause()
        app.table.painted.clear()
        app.moved.clear()
        yield pilot, app.table


def row(key: int, name: str | None = None, count: int = 0) -> Row:
    return Row(key, (Cell(name or f"row {key}"), Cell(f"{count}"), Cell("ok", "ok")))


def rows(*keys: int) -> list[Row]:
    return [row(key) for key in keys]


class Many(Sequence[Row]):
    """A million rows that are made when looked at."""

    def __len__(self) -> int:
        return 1_000_000

    def __getitem__(self, index: Any) -> Any:
        return row(index)


def app_of(pilot: Pilot[None]) -> TableApp:
    assert isinstance(pilot.app, TableApp)
    return pilot.app


async def test_columns_stand_where_they_should() -> None:
    async with table_of([row(1, count=1_234)]) as (pilot, _):
        assert screen_text(pilot)[:2] == [
            " name                       count  note",
            " row 1                       1234  ok",
        ]


@pytest.mark.parametrize(
    ("keys", "cursor"),
    [
        ("j", 1),
        ("jjjk", 2),
        ("G", 99),
        ("Ggj", 1),
        ("Gk", 98),
        ("k", 0),
        (["pagedown"], 9),
        (["pagedown", "pagedown", "pageup"], 9),
        (["end", "pageup"], 90),
        (["down", "down", "up"], 1),
        (["end", "home"], 0),
    ],
)
async def test_keys_move_the_cursor_and_keep_it_in_sight(keys: Iterable[str], cursor: int) -> None:
    async with table_of(rows(*range(100))) as (pilot, table):
        await pilot.press(*keys)
        await pilot.pause()
        assert table.cursor == cursor
        assert any(f"row {cursor} " in line for line in screen_text(pilot))


async def test_keys_reach_rows_that_are_still_read() -> None:
    async with table_of(rows(*range(5))) as (pilot, table):
        for keys, cursor in (
            (["G"], 99),
            (["G", "g"], 0),
            (["pagedown", "pagedown", "pageup"], 9),
            (["end"], 99),
            (["G", "g", "j"], 1),
            (["j"] * 7, 7),
        ):
            table.set_rows(rows(*range(5)), more=True)
            await pilot.press("g", *keys)
            table.set_rows(rows(*range(50)), more=True)
            table.set_rows(rows(*range(100)))
            assert table.cursor == cursor, keys
            table.set_rows(rows(*range(101)))  # one that is new later moves nothing
            assert table.cursor == cursor, keys


async def test_the_cursor_stays_on_its_row_while_rows_come_go_and_move() -> None:
    chance = random.Random(7)
    async with table_of(rows(*range(50))) as (pilot, table):
        table.move_to(25)
        for _ in range(40):
            keys = chance.sample(range(200), 60)
            if 25 not in keys:
                keys.insert(chance.randrange(60), 25)
            table.set_rows(rows(*keys))
            await pilot.pause()
            assert table.key == 25
            assert any("row 25 " in line for line in screen_text(pilot))
        assert app_of(pilot).moved == [25]


async def test_a_row_that_goes_leaves_the_cursor_where_it_was() -> None:
    async with table_of(rows(*range(8))) as (pilot, table):
        table.move_to(3)
        keys = []
        for left in ([0, 1, 2, 4, 5], [0, 1], []):
            table.set_rows(rows(*left))
            keys.append(table.key)
        assert keys == [4, 1, None]
        await pilot.press("j", "k", "enter", "G", "pagedown")
        await pilot.pause()
        assert app_of(pilot).moved == [3, 4, 1, None]
        assert app_of(pilot).chosen == []


async def test_rows_that_go_do_not_leave_the_view_below_the_end() -> None:
    async with table_of(rows(*range(100))) as (pilot, table):
        await pilot.press("G")
        table.set_rows(rows(*range(20)))
        await pilot.pause()
        assert "row 19" in screen_text(pilot)[-1]


@pytest.mark.usefixtures("drawn")
async def test_only_lines_that_differ_are_painted() -> None:
    async with table_of(rows(*range(9))) as (pilot, table):
        table.set_rows(rows(*range(9)))
        await pilot.pause()
        assert table.painted == []
        changed = rows(*range(9))
        changed[4] = row(4, count=7)
        table.set_rows(changed)
        await pilot.pause()
        assert table.painted == [5]
        table.painted.clear()
        await pilot.press("j")
        await pilot.pause()
        assert sorted(table.painted) == [1, 2]


async def test_a_new_row_at_the_end_paints_itself_only() -> None:
    async with table_of(rows(*range(5))) as (pilot, table):
        table.set_rows(rows(*range(6)))
        await pilot.pause()
        assert set(table.painted) <= {6}


async def test_a_million_rows_cost_what_is_on_screen() -> None:
    async with table_of([]) as (pilot, table):
        table.set_rows(Many())
        await pilot.pause()
        await pilot.press("G")
        await pilot.pause()
        assert "row 999999" in screen_text(pilot)[-1]
        assert len(table.painted) < 50


async def test_a_click_moves_and_a_double_click_chooses() -> None:
    async with table_of(rows(*range(30))) as (pilot, table):
        await pilot.click(Painted, offset=(3, 4))
        assert (table.key, app_of(pilot).chosen) == (3, [])
        await pilot.click(Painted, offset=(3, 6), times=2)
        assert app_of(pilot).chosen == [5]
        await pilot.click(Painted, offset=(3, 0))
        assert table.key == 5


async def test_a_click_counts_from_what_is_scrolled_to() -> None:
    async with table_of(rows(*range(30)), one_click=True) as (pilot, _):
        await pilot.press("G")
        await pilot.click(Painted, offset=(3, 1))
        assert app_of(pilot).chosen == [20]


async def test_a_click_below_the_rows_does_nothing() -> None:
    async with table_of(rows(0, 1), one_click=True) as (pilot, table):
        await pilot.click(Painted, offset=(3, 7))
        assert (table.key, app_of(pilot).chosen) == (0, [])


async def test_the_wheel_scrolls_and_leaves_the_cursor() -> None:
    async with table_of(rows(*range(50))) as (pilot, table):
        table.scroll_to(y=20, animate=False)
        await pilot.pause()
        assert "row 20" in screen_text(pilot)[1]
        assert table.key == 0


async def test_rows_are_drawn_again_for_what_changes_how_they_look() -> None:
    async with table_of(rows(*range(9))) as (pilot, table):
        changes: Sequence[Callable[[], object]] = (
            lambda: table.search(Pattern("row [4-8]")),
            lambda: setattr(pilot.app, "theme", "textual-light"),
            lambda: table.select({6}),
            lambda: table.set_columns(COLUMNS[::-1]),
            lambda: table.set_rows([row(key, "another row 5") for key in range(9)]),
        )
        for change in changes:
            before = [table.render_line(line) for line in range(8)]
            change()
            await pilot.pause()
            after = [table.render_line(line) for line in range(8)]
            table._drawn.clear()
            assert after == [table.render_line(line) for line in range(8)] != before


async def test_a_search_keeps_the_cursor_on_what_it_finds() -> None:
    async with table_of(rows(*range(40))) as (pilot, table):
        table.move_to(31)
        table.search(Pattern("row 3"))
        assert [shown.key for shown in table.rows] == [3, *range(30, 40)]
        assert (table.key, len(table.all_rows)) == (31, 40)
        table.set_rows(rows(31, 32, 5))
        assert [shown.key for shown in table.rows] == [31, 32]
        table.search(None)
        await pilot.pause()
        assert (table.key, len(table.rows)) == (31, 3)


async def test_wide_characters_leave_the_columns_aligned() -> None:
    names = [
        "plain",
        "模型注册表",
        "モデル登録簿の名前が長い場合",
        "e\u0301a\u0308",
        "한국어",
        "a模b型c",
    ]
    async with table_of([row(i, name, i) for i, name in enumerate(names)]) as (pilot, _):
        for line in screen_text(pilot)[1 : len(names) + 1]:
            before, _, _ = line.partition("ok")
            assert cell_len(before) == 35


async def test_text_from_outside_is_drawn() -> None:
    hostile = "[/b] \x1b[2J\r\n\u202e\ud800[link=x]"
    async with table_of([row(1, hostile)]) as (pilot, table):
        table.styles.width = 100
        await pilot.resize_terminal(100, 11)
        await pilot.pause()
        assert r"[/b] \x1b[2J\r\n\u202e\ud800[link=x]" in screen_text(pilot)[1]


async def test_a_lower_screen_keeps_the_cursor_in_sight() -> None:
    async with table_of(rows(*range(9))) as (pilot, table):
        await pilot.press("G")
        await pilot.resize_terminal(40, 5)
        await until(pilot, lambda: "row 8" in screen_text(pilot)[-1])
        table.scroll_to(y=0, animate=False)
        await pilot.resize_terminal(40, 6)
        await until(pilot, lambda: "row 0" in screen_text(pilot)[1])


async def test_resizing_shares_the_width_anew() -> None:
    async with table_of(rows(1)) as (pilot, _):
        await pilot.resize_terminal(60, 11)
        await until(pilot, lambda: screen_text(pilot)[0].index("note") == 60 - 5)


@given(st.text(), st.integers(0, 40), st.booleans())
def test_a_fitted_text_takes_exactly_its_cells(text: str, width: int, right: bool) -> None:
    assert cell_len(fitted(text, width, right=right)) == width


COLUMN = st.builds(
    Column,
    title=st.just("title"),
    width=st.integers(0, 20),
    flex=st.integers(0, 9),
    from_width=st.sampled_from([0, 60]),
    whole_from=st.sampled_from([60, 1_000]),
)


@given(
    st.lists(st.tuples(COLUMN, st.integers(5, 60)), min_size=1, max_size=8), st.integers(20, 200)
)
def test_nothing_is_cut_beside_free_space(described: list[tuple[Column, int]], width: int) -> None:
    columns, natural = [column for column, _ in described], [cells for _, cells in described]
    given = column_widths(columns, width, [[TextSize(cells, cells)] for cells in natural])
    free = width - 2 - sum(given.values()) - 2 * (len(given) - 1)
    cut = [place for place, cells in given.items() if cells < natural[place]]
    least = {place: min(columns[place].width or natural[place], natural[place]) for place in given}
    assert set(given) == {
        place for place in range(len(columns)) if width >= columns[place].from_width
    }
    assert not cut or free <= 0
    columns = [replace(one, flex=0) if width >= one.whole_from else one for one in columns]
    if any(cells < least[place] for place, cells in given.items()):
        assert free <= 0  # too narrow for what they need
    assert free >= 0 or all(given[place] <= 4 for place in given if columns[place].flex)
    assert all(cells >= least[place] for place, cells in given.items() if not columns[place].flex)
    wider = [place for place, cells in given.items() if cells > natural[place]]
    assert not (wider and cut)
    if any(not columns[place].flex for place in cut):  # those that are not flexible come first
        assert all(given[place] <= least[place] for place in given if columns[place].flex)


async def test_columns_take_what_the_rows_in_sight_need() -> None:
    async with table_of(rows(*range(200))) as (pilot, table):
        assert table.needed_width == 21
        long = "a name that only one row has"
        table.set_rows([*rows(*range(199)), row(199, long)])
        await pilot.pause()
        assert table.needed_width == 21
        await pilot.press("G")
        await until(pilot, lambda: long[:20] in screen_text(pilot)[-1])
        assert table.needed_width == 21 + len(long) - len("row 99")


async def test_a_short_form_makes_room_for_the_other_columns() -> None:
    async with table_of(rows(1)) as (pilot, table):
        table.set_columns((Column("long", 4, flex=1), Column("state", 6, flex=1, aligned=True)))
        for name, shown, state in (
            ("x" * 24, "x" * 24, "! open 2"),
            ("x" * 40, f"{'x' * 27}…", "! open 2"),  # short while the other is cut
            ("x" * 10, "x" * 10, "! circuit open 2"),
        ):
            cells = Cell(name), Cell("! circuit open 2", short="! open 2")
            table.set_rows([Row(1, cells)])
            await pilot.pause()
            assert any(text.split() == [shown, *state.split()] for text in screen_text(pilot))
        for whole_from, shown, bars in ((40, f"{'x' * 29}…", "▁▂█ 12"), (41, "x" * 32, "12")):
            count = Column("24 h", 4, flex=1, right=True, aligned=True, whole_from=whole_from)
            table.set_columns((Column("long", 4, flex=1), count))
            table.set_rows([Row(1, (Cell("x" * 32), Cell("▁▂█ 12", short="12")))])
            await pilot.pause()
            assert any(text.split() == [shown, *bars.split()] for text in screen_text(pilot))


async def test_cells_that_are_free_in_a_row_go_to_the_text_beside_them() -> None:
    async with table_of(rows(1)) as (pilot, table):
        table.set_columns((Column("name", 6, flex=1), Column("what", 6, flex=1)))
        texts = [
            ("a" * 9, "b" * 25),
            ("c" * 20, "d" * 12),
            ("e" * 9, "f" * 40),
            ("g" * 11, "h" * 25),
        ]
        table.set_rows([Row(name, (Cell(name), Cell(what))) for name, what in texts])
        await pilot.pause()
        shown = [line.split() for line in screen_text(pilot)[1:5]]
        assert shown[:2] == [list(pair) for pair in texts[:2]]  # in columns that fit most of them
        assert shown[2] == ["e" * 9, f"{'f' * 26}…"]
        assert shown[3][1] == "h" * 25
        assert screen_text(pilot)[1].index("b") == screen_text(pilot)[0].index("what")
        table.set_columns((Column("name", 6, flex=1), Column("state", 6, flex=1, aligned=True)))
        texts = [("a" * 26, "b" * 10), ("c" * 10, "d" * 20), ("e" * 30, "f"), ("g" * 26, "h" * 10)]
        table.set_rows([Row(name, (Cell(name), Cell(state))) for name, state in texts])
        await pilot.pause()
        assert {line.rindex("  ") for line in screen_text(pilot)[1:3]} == {27}

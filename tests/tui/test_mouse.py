"""The mouse on every screen: headings, titles of columns, beside dialogs, and the wheel."""

import pytest
from textual.command import CommandPalette
from textual.containers import VerticalScroll
from textual.events import MouseScrollDown
from textual.pilot import Pilot
from textual.scroll_view import ScrollView
from textual.widget import Widget

from firetower.tui.page import Dialog
from firetower.tui.widgets.feed_table import FeedTable
from firetower.tui.widgets.table import Table
from tui.scene import Scene
from tui.screens import open_app, press, screen_text, settled
from tui.test_every_key import SCREENS, go

pytestmark = pytest.mark.anyio

LOW = (80, 16)
DIALOGS = {
    "question": ("enter", "d"),
    "fields": ("c",),
    "picker": ("enter", "N"),
    "endpoint": ("5", "n"),
    "test": ("5", "t"),
    "help": ("question_mark",),
}
HEADINGS = {
    "automation": "Registries",
    "collection": "Registries",
    "version": "Registries",
    "run": "acme/vision",
    "endpoint": "Endpoints",
}
"""Screens with a heading of steps, each with the first of them."""
FEW = ["endpoint"]
some = pytest.mark.parametrize(
    "names", [FEW, pytest.param(list(SCREENS), marks=pytest.mark.slow)], ids=["some", "all"]
)


def rolling(pilot: Pilot[None]) -> list[Widget]:
    """Return what can be scrolled and is in sight."""
    return [
        one
        for one in pilot.app.screen.query("*").results(Widget)
        if isinstance(one, (VerticalScroll, ScrollView))
        and one.is_on_screen
        and one.max_scroll_y > 0
        and one.region.height > 0
    ]


async def check_wheel(pilot: Pilot[None], name: str) -> None:
    for pane in rolling(pilot):
        if pane.scroll_y < pane.max_scroll_y:
            before = pane.scroll_y
            await pilot._post_mouse_events([MouseScrollDown], pane, offset=(2, 1), button=0)
            await settled(pilot)
            assert pane.scroll_y > before, (name, pane)


async def check_titles(pilot: Pilot[None], name: str) -> None:
    for table in pilot.app.screen.query(Table):
        in_sight = table.region.height > 1 and table.header_lines and table.rows
        if in_sight and table.SORTS and not isinstance(table, FeedTable):
            await pilot.click(table, offset=(2, 0))
            await settled(pilot)
            assert table.sorted_by is not None, (name, table)
            assert any("↑" in line or "↓" in line for line in screen_text(pilot)), name


async def check_heading(pilot: Pilot[None], name: str) -> None:
    step, there = HEADINGS[name], pilot.app.screen
    row, line = next(
        (row, line) for row, line in enumerate(screen_text(pilot)) if f"{step} ›" in line
    )
    await pilot.click(offset=(line.index(step) + 1, row))
    await settled(pilot)
    assert pilot.app.screen is not there, name


@some
async def test_wheel_headings_and_titles_work_everywhere(scene: Scene, names: list[str]) -> None:
    scene.tower.runs.log_metrics(scene.tower.runs.start("acme/vision"), {"loss": 0.5, "acc": 0.5})
    async with open_app(scene, LOW) as pilot:
        for name in names:
            await go(pilot, SCREENS[name])
            await check_titles(pilot, name)
            await check_wheel(pilot, name)
            if name in HEADINGS:
                await check_heading(pilot, name)


@pytest.mark.slow
async def test_click_beside_closes_every_dialog(scene: Scene) -> None:
    async with open_app(scene, (100, 30)) as pilot:
        for name, keys in DIALOGS.items():
            await go(pilot, keys)
            dialog = pilot.app.screen
            assert isinstance(dialog, Dialog), name
            await pilot.click(".dialog--title")
            await settled(pilot)
            assert pilot.app.screen is dialog, name
            await pilot.click(offset=(0, 0))
            await settled(pilot)
            assert pilot.app.screen is not dialog, name
        await press(pilot, "ctrl+p")
        assert isinstance(pilot.app.screen, CommandPalette)
        await pilot.click(offset=(0, 29))
        await settled(pilot)
        assert len(pilot.app.screen_stack) == 1

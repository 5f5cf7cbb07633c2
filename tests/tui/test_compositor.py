"""What a key has changed is drawn, and no more; it looks as Textual draws it."""

from random import Random
from typing import Any

import pyte
import pytest
from textual._compositor import ChopsUpdate, Compositor, CompositorUpdate
from textual.app import App
from textual.geometry import Region
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

from firetower.tui.compositor import RowCompositor
from firetower.tui.key_queue import KeyQueue
from tui.scene import Scene
from tui.screens import SMALL, WIDE, open_app, press
from tui.test_every_key import SCREENS, go

pytestmark = pytest.mark.anyio


def painted(pilot: Pilot[None], regions: list[Region]) -> str:
    """Return what is written to the terminal if these regions are dirty."""
    app, screen = pilot.app, pilot.app.screen
    screen._compositor._dirty_regions.update(regions)
    update = screen._compositor.render_update(screen_stack=app._background_screens)
    assert isinstance(update, ChopsUpdate)
    return update.render_segments(app.console)


def some_regions(pilot: Pilot[None], chance: Random) -> list[Region]:
    width, height = pilot.app.size
    corners = [(chance.randrange(width), chance.randrange(height)) for _ in range(3)]
    return [Region(x, y, chance.randint(1, width - x), 1) for x, y in corners]


@pytest.mark.usefixtures("drawn")
async def test_rows_are_drawn_as_textual_draws_all(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = Random(7)
    async with open_app(scene) as pilot:
        for key in ("enter", "d", "escape", "3", "4", "5"):
            await press(pilot, key)
            assert isinstance(pilot.app.screen._compositor, RowCompositor), key
            for _ in range(10):
                regions = some_regions(pilot, chance)
                ours = painted(pilot, regions)
                with monkeypatch.context() as patch:
                    patch.setattr(RowCompositor, "_get_renders", Compositor._get_renders)
                    assert painted(pilot, regions) == ours, (key, regions)


@pytest.mark.usefixtures("drawn")
async def test_a_key_does_no_more_than_it_changes(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    layouts: list[Screen[Any]] = []
    waits: list[MessagePump] = []
    render_lines, lay_out, wait = Widget.render_lines, Screen._refresh_layout, KeyQueue._passed

    def note_rows(widget: Widget, crop: Region) -> Any:
        drawn.append(crop.height if widget.has_focus else 0)
        return render_lines(widget, crop)

    def note_layout(screen: Screen[Any], *arguments: Any, **named: Any) -> None:
        layouts.append(screen)
        lay_out(screen, *arguments, **named)

    async def note_wait(queue: KeyQueue, node: MessagePump) -> None:
        waits.append(node)
        await wait(queue, node)

    async with open_app(scene, SMALL) as pilot:
        await press(pilot, "enter")
        monkeypatch.setattr(Widget, "render_lines", note_rows)
        monkeypatch.setattr(Screen, "_refresh_layout", note_layout)
        monkeypatch.setattr(KeyQueue, "_passed", note_wait)
        for key in "jk":
            await press(pilot, key)
        assert max(drawn) == 2
        assert layouts == []
        assert len(waits) == 4  # twice through the widgets for each


KEYS = (
    *("j", "k", "down", "up", "pageup", "pagedown", "home", "end", "left", "right", "h", "l"),
    *("tab", "shift+tab", "enter", "enter", "escape", "escape", "space", "backspace", "delete"),
    *("question_mark", "slash", "ctrl+p", "a", "c", "d", "e", "f", "g", "i", "n", "o", "p", "s"),
    *("t", "u", "v", "w", "x", "y", "z", "R", "U"),
)


@pytest.mark.slow
@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize(("size", "seed"), [((100, 30), 0), (SMALL, 1), (WIDE, 2)])
async def test_after_any_keys_the_terminal_shows_the_screen(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], seed: int
) -> None:
    chance = Random(seed)
    terminal = pyte.Screen(*size)
    written = pyte.Stream(terminal)

    def display(app: App[None], screen: Screen[Any], update: object) -> None:
        if screen is app.screen and isinstance(update, CompositorUpdate):
            written.feed(update.render_segments(app.console))

    monkeypatch.setattr(App, "_display", display)
    async with open_app(scene, size) as pilot:
        pilot.app.screen.refresh(layout=True)
        for name in chance.sample(list(SCREENS), 6):
            await go(pilot, SCREENS[name])
            keys: list[str] = []
            for _ in range(5):
                keys += chance.choices(KEYS, k=3)
                for key in keys[-3:]:
                    await press(pilot, key)
                assert cells(terminal) == cells(drawn_anew(pilot)), (name, keys)


def drawn_anew(pilot: Pilot[None]) -> pyte.Screen:
    """Return a terminal to which the whole screen is written."""
    app = pilot.app
    terminal = pyte.Screen(*app.size)
    stack = app._background_screens
    update: Any = app.screen._compositor.render_update(full=True, screen_stack=stack)
    pyte.Stream(terminal).feed(update.render_segments(app.console))
    return terminal


def cells(terminal: pyte.Screen) -> list[list[Any]]:
    rows, columns = range(terminal.lines), range(terminal.columns)
    return [[terminal.buffer[y][x] for x in columns] for y in rows]

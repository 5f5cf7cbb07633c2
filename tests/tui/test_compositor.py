"""What a key has changed is drawn, and no more; it looks as Textual draws it."""

from random import Random
from typing import Any

import pytest
from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

from firetower.tui.compositor import RowCompositor
from firetower.tui.key_queue import KeyQueue
from tui.scene import Scene
from tui.screens import SMALL, open_app, press

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

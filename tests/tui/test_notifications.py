"""Where notifications stand: at the bottom, never over buttons, the newest line or the keys."""

import pytest
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widgets._toast import Toast

from firetower.tui import app as app_module
from firetower.tui.app import READ_IN_A_SECOND
from firetower.tui.widgets.feed_table import FeedTable
from tui.scene import Scene
from tui.screens import SMALL, open_app, press, settled

pytestmark = pytest.mark.anyio

FEW = [["1"], ["enter"], ["n"], ["escape", "d"]]
MANY = [
    ["1", "enter"],
    ["l"],
    ["h", "N"],
    ["escape", "d"],
    ["escape", "h", "h", "n"],
    ["escape", "2", "enter", "h", "h", "n"],
    ["escape", "3"],
    ["r"],
    ["escape", "4"],
    ["5"],
    ["n"],
    ["escape", "t"],
    ["escape", "S"],
    ["n"],
]
"""Keys that lead from one place to the next."""


def kept_free(pilot: Pilot[None]) -> list[Region]:
    """Return the regions that no notification may cover."""
    screen = pilot.app.screen
    regions = [one.region for one in screen.query("Button, KeyLine") if one.is_on_screen]
    for table in screen.query(FeedTable):
        if table.is_on_screen:
            top = (table.region.x, table.region.y + table.header_lines)
            regions.append(Region(*top, table.region.width, 1))
    return regions


@pytest.mark.parametrize("places", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
async def test_notifications_cover_no_button_and_no_newest_line(
    scene: Scene, places: list[list[str]]
) -> None:
    async with open_app(scene, SMALL) as pilot:
        for keys in places:
            await press(pilot, *keys)
            pilot.app.clear_notifications()
            for number in (1, 2):
                pilot.app.notify(f"{number} Saved it. " + "When an alias is added, record it. " * 2)
            await settled(pilot)
            assert {one.timeout for one in pilot.app._notifications} == {
                app_module.READING + len(one.message) / READ_IN_A_SECOND
                for one in pilot.app._notifications
            }
            toasts = [one.region for one in pilot.app.screen.query(Toast)]
            assert len(toasts) == 2
            assert kept_free(pilot), keys
            for toast in toasts:
                for region in kept_free(pilot):
                    assert not toast.overlaps(region), (keys, toast, region)

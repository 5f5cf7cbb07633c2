"""Every key of every screen: none ends the app, and none that the key line shows is silent."""

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from firetower.tui import navigation
from firetower.tui.app import FiretowerApp
from firetower.tui.screens.container import ContainerScreen
from tui.scene import MODELS, Scene
from tui.screens import SMALL, open_app, press, screen_text, settled

pytestmark = pytest.mark.anyio

LEAVING = {"ctrl+q", "ctrl+z", "q"}
"""They are meant to leave the app or to stop it."""
SCREENS = {
    "registry": (),
    "collections": ("enter", "h"),
    "automations": ("enter", "j"),
    "history": ("enter", "l"),
    "project": ("2", "enter"),
    "runs": ("2", "end", "enter", "h"),
    "run": ("2", "end", "enter", "h", "enter"),
    "automation": ("enter", "j", "enter"),
    "automation that records": ("enter", "j", "j", "enter"),
    "execution that was recorded": ("enter", "j", "j", "enter", "enter"),
    "execution in shadow": ("enter", "enter", "enter"),
    "why": ("enter", "j", "x"),
    "collection": ("enter", "h", "enter"),
    "version": ("enter", "h", "enter", "enter"),
    "feed": ("3",),
    "execution": ("3", "enter"),
    "event": ("3", "enter", "x"),
    "every automation": ("4",),
    "endpoints": ("5",),
    "endpoint": ("5", "enter"),
    "disabled endpoint": ("5", "space", "enter"),
    "secrets": ("S",),
    "help": ("question_mark",),
    "dialog": ("c",),
}
"""The keys that lead to each from the list of registries."""


async def leave_all(pilot: Pilot[None]) -> None:
    """Leave what is open over a mode's own screen."""
    while len(pilot.app.screen_stack) > 1:
        pilot.app.screen.dismiss(None)
        await settled(pilot)


async def go(pilot: Pilot[None], keys: tuple[str, ...]) -> None:
    """Go to a screen from the list of registries, whatever is open."""
    app = pilot.app
    assert isinstance(app, FiretowerApp)
    app.clear_notifications()
    await leave_all(pilot)
    for mode in ("project", "registry"):
        await app.show_mode(mode)
        await leave_all(pilot)
        screen = app.screen
        assert isinstance(screen, ContainerScreen)
        screen.tabs.active = "tab-automations"
        await settled(pilot)
        screen.step_back()
        screen.containers.table.move_to(MODELS)
    await settled(pilot)
    for key in keys:
        await press(pilot, key)
    if isinstance(app.focused, Input) and len(app.screen_stack) == 1:
        await press(pilot, "escape")  # a filter that was left open in this mode


def bound(pilot: Pilot[None]) -> list[tuple[str, bool]]:
    """Return the keys that work here, and whether the key line shows them."""
    active = pilot.app.screen.active_bindings
    first = {one.binding.action: key for key, one in reversed(active.items())}
    return [
        (key, one.binding.show and first[one.binding.action] == key)
        for key, one in active.items()
        if one.enabled and not LEAVING & set(one.binding.key.split(","))
    ]


async def silent_keys(pilot: Pilot[None], keys: tuple[str, ...]) -> list[str]:
    """Press every key of a screen; return those of the key line that show nothing."""
    silent = []
    await go(pilot, keys)
    there, focus = pilot.app.screen, pilot.app.screen.focused
    for key, shown in bound(pilot):
        if (pilot.app.screen, there.focused) != (there, focus):
            await go(pilot, keys)
            there, focus = pilot.app.screen, pilot.app.screen.focused
        pilot.app.clear_notifications()
        await settled(pilot)
        before = screen_text(pilot)
        await press(pilot, key)
        assert pilot.app.is_running, key
        if shown and pilot.app.screen is there and before == screen_text(pilot):
            silent.append(key)
    return silent


@pytest.mark.slow
@pytest.mark.parametrize("name", SCREENS)
async def test_every_key_of_a_screen_shows_something(scene: Scene, name: str) -> None:
    scene.tower.runs.log_metrics(scene.tower.runs.start("acme/vision"), {"loss": 0.5, "acc": 0.5})
    async with open_app(scene, SMALL) as pilot:
        assert await silent_keys(pilot, SCREENS[name]) == []


@pytest.mark.slow
@pytest.mark.parametrize("mode", navigation.MODES)
async def test_every_key_shows_something_where_nothing_is(empty_scene: Scene, mode: str) -> None:
    async with open_app(empty_scene, SMALL) as pilot:
        number = str(list(navigation.MODES).index(mode) + 1)
        assert await silent_keys(pilot, (number,)) == []


@pytest.mark.slow
async def test_every_key_of_the_first_screen_shows_something(empty_scene: Scene) -> None:
    async with open_app(empty_scene, SMALL) as pilot:
        assert await silent_keys(pilot, ()) == []

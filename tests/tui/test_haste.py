"""Who is quicker than the app: keys that are pressed twice, answers that come late."""

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from firetower.tui.screens.registry import RegistryScreen
from tui.haste import late, type_ahead
from tui.scene import Scene
from tui.screens import open_app, press, settled, shows, until

pytestmark = pytest.mark.anyio


async def at(pilot: Pilot[None], automation: str) -> RegistryScreen:
    """Put the cursor on an automation of the registry that is open."""
    screen = pilot.app.screen
    assert isinstance(screen, RegistryScreen)
    await press(pilot, "enter")
    screen.automations.table.move_to(automation)
    await settled(pilot)
    return screen


@pytest.mark.parametrize(
    ("before", "key"),
    [
        ((), "d"),
        ((), "n"),
        ((), "e"),
        ((), "t"),
        ((), "x"),
        ((), "enter"),
        ((), "c"),
        (("s",), "s"),
        (("h",), "enter"),
        (("h",), "n"),
        (("h",), "t"),
        (("h", "enter"), "a"),
        (("h", "enter"), "U"),
        (("h", "enter"), "enter"),
        (("enter",), "e"),
        (("enter",), "x"),
        (("enter",), "enter"),
        (("i",), "n"),
        (("i",), "d"),
        (("S",), "n"),
        (("S",), "e"),
        (("S",), "d"),
        (("3",), "enter"),
        (("3",), "x"),
        (("3",), "R"),
        (("n",), "enter"),
        (("question_mark",), "ctrl+p"),
    ],
    ids=lambda value: value if isinstance(value, str) else ">".join(value),
)
async def test_a_key_pressed_twice_at_once_opens_one_screen(
    scene: Scene, before: tuple[str, ...], key: str
) -> None:
    async with open_app(scene) as pilot:
        await at(pilot, "deploy-on-prod")
        await press(pilot, *before)
        if before == ("n",):
            pilot.app.screen.set_focus(pilot.app.screen.query_one("#endpoint"))
        stack = len(pilot.app.screen_stack)
        await type_ahead(pilot, key, key)
        assert len(pilot.app.screen_stack) == stack + 1


@pytest.mark.parametrize("way", ["enter", "click"])
async def test_an_answer_given_twice_at_once_leaves_one_screen(scene: Scene, way: str) -> None:
    async with open_app(scene) as pilot:
        screen = await at(pilot, "deploy-on-prod")
        await press(pilot, "d")
        if way == "enter":
            await type_ahead(pilot, "enter", "enter")
        else:
            for _ in range(2):
                pilot.app.screen.query_one("#cancel", Button).press()
        await settled(pilot)
        assert pilot.app.screen is screen
        assert pilot.app.is_running


async def test_a_row_is_edited_though_the_cursor_goes_on_at_once(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        screen = await at(pilot, "deploy-on-prod")
        screen.automations.action_edit()
        screen.automations.table.action_first()
        await settled(pilot)
        assert shows(pilot, "Edit deploy-on-prod")


@pytest.mark.parametrize("what", ["shadow", "redeliver", "explain"])
async def test_a_question_that_comes_late_is_not_asked_over_another_screen(
    scene: Scene, what: str
) -> None:
    async with open_app(scene) as pilot:
        screen = await at(pilot, "canary-f1")
        if what != "shadow":
            await press(pilot, "3")
        async with late(pilot) as held:
            await pilot.press({"shadow": "s", "redeliver": "R", "explain": "x"}[what])
            await until(pilot, lambda: held)
            await pilot.press("i")
        await settled(pilot)
        assert type(pilot.app.screen).__name__ == "EndpointsScreen"
        assert screen.is_attached

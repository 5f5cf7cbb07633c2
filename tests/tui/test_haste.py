"""Who is quicker than the app: keys that are pressed twice, answers that come late."""

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from firetower.tui.screens.container import RegistryScreen
from firetower.tui.widgets.ask import Confirm
from tui.haste import late, type_ahead
from tui.scene import Scene
from tui.screens import open_app, press, settled, shows, until

pytestmark = pytest.mark.anyio


async def at(pilot: Pilot[None], automation: str) -> RegistryScreen:
    """Put the cursor on an automation of the registry that is open."""
    screen = pilot.app.screen
    assert isinstance(screen, RegistryScreen)
    if screen.containers.table.has_focus:
        await press(pilot, "enter")
    await pilot.click("#tab-automations")
    await settled(pilot)
    screen.automations.table.move_to(automation)
    await settled(pilot)
    return screen


OPENING = [
    ((), "dnetx"),
    ((), ["enter", "c"]),
    (("s",), "s"),
    (("h",), ["enter", "n", "t"]),
    (("h", "enter"), ["a", "U", "enter"]),
    (("enter",), ["e", "x", "enter"]),
    (("5",), "nd"),
    (("S",), "ned"),
    (("3",), ["enter", "x", "R"]),
    (("question_mark",), ["ctrl+p"]),
]
"""What leads to a place, and the keys that open a screen there."""


@pytest.mark.slow
async def test_key_pressed_twice_at_once_opens_one_screen(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        for before, keys in OPENING:
            await back(pilot)
            await at(pilot, "deploy-on-prod")
            await press(pilot, *before)
            stack = list(pilot.app.screen_stack)
            for key in keys:
                await type_ahead(pilot, key, key)
                assert len(pilot.app.screen_stack) == len(stack) + 1, (before, key)
                await press(pilot, "escape")
                if isinstance(pilot.app.screen, Confirm):  # the second one was text
                    await press(pilot, "right", "enter")
                assert pilot.app.screen_stack == stack, (before, key)


async def back(pilot: Pilot[None]) -> None:
    """Go back to the registries."""
    for _ in range(5):
        if isinstance(pilot.app.screen, RegistryScreen):
            break
        await press(pilot, "escape" if len(pilot.app.screen_stack) > 1 else "1")


async def test_an_answer_given_twice_at_once_leaves_one_screen(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        for way in ("enter", "click"):
            screen = await at(pilot, "deploy-on-prod")
            await press(pilot, "d")
            if way == "enter":
                await type_ahead(pilot, "enter", "enter")
            else:
                for _ in range(2):
                    pilot.app.screen.query_one("#cancel", Button).press()
            await settled(pilot)
            assert pilot.app.screen is screen, way
            assert pilot.app.is_running
            await back(pilot)


async def test_a_row_is_edited_though_the_cursor_goes_on_at_once(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        screen = await at(pilot, "deploy-on-prod")
        screen.automations.action_edit()
        screen.automations.table.action_first()
        await settled(pilot)
        assert shows(pilot, "Edit deploy-on-prod")


async def test_a_question_that_comes_late_is_not_asked_over_another_screen(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        for mode, key in (("1", "s"), ("3", "R"), ("3", "x")):  # shadow, redeliver, explain
            await press(pilot, "1")
            screen = await at(pilot, "canary-f1")
            await press(pilot, mode)
            async with late(pilot) as held:
                await pilot.press(key)
                await until(pilot, lambda: held)
                await pilot.press("5")
                await until(pilot, lambda: type(pilot.app.screen).__name__ == "EndpointsScreen")
            await settled(pilot)
            assert type(pilot.app.screen).__name__ == "EndpointsScreen", key
            assert screen.is_attached

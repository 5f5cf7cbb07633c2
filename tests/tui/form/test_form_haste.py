"""Who is quicker than the form: saving twice, leaving while it saves."""

import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot

from firetower.tui.form.screen import FormScreen
from firetower.tui.screens.container import ContainerScreen
from firetower.tui.widgets.ask import Confirm
from tui.form.driving import automation, fill, new_form, to
from tui.haste import Held, late, type_ahead
from tui.scene import Scene
from tui.screens import open_app, press, settled, shows, until

pytestmark = pytest.mark.anyio


async def filled(pilot: Pilot[None]) -> FormScreen:
    """Fill in what records only, under the name mine."""
    form = await new_form(pilot)
    await to(pilot, "action-type")
    await press(pilot, "left")
    await fill(pilot, automation_name="mine")
    return form


async def saving(pilot: Pilot[None], held: Held) -> None:
    """Begin to save; the database has done so, and its answer is on its way."""
    await pilot.press("ctrl+o")
    await until(pilot, lambda: held)


async def saved(pilot: Pilot[None]) -> None:
    """Expect the list with the cursor on what was saved."""
    await settled(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, ContainerScreen)
    assert screen.automations.table.key == "mine"
    assert shows(pilot, "Saved mine.")
    assert not shows(pilot, "exists already")


@pytest.mark.slow
async def test_saving_twice_at_once_saves_once(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await filled(pilot)
        await type_ahead(pilot, "ctrl+o", "ctrl+o")
        await saved(pilot)


@pytest.mark.slow
async def test_saving_again_while_it_saves_does_nothing(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await filled(pilot)
        async with late(pilot) as held:
            await saving(pilot, held)
            await pilot.press("f2")
        await saved(pilot)


async def test_it_is_not_left_while_it_saves(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await filled(pilot)
        async with late(pilot) as held:
            await saving(pilot, held)
            await pilot.press("escape")
            assert not isinstance(pilot.app.screen, Confirm)
        await saved(pilot)


@pytest.mark.slow
async def test_it_is_left_from_under_the_palette_when_that_closes(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await filled(pilot)
        async with late(pilot) as held:
            await saving(pilot, held)
            await pilot.press("ctrl+p")
            await until(pilot, lambda: isinstance(pilot.app.screen, CommandPalette))
        await until(pilot, lambda: automation(scene, "mine"))
        await until(pilot, lambda: shows(pilot, "Saved mine."))
        assert isinstance(pilot.app.screen, CommandPalette)
        await press(pilot, "escape")
        await saved(pilot)

"""No key is offered for what cannot be done, and what is empty says what to do next."""

import pytest
from textual.pilot import Pilot

from firetower.tui.screens.framed import ListPage
from firetower.tui.widgets.listing import Listing
from tui.scene import MODELS, Scene
from tui.screens import SMALL, open_app, press, settled, shows

pytestmark = pytest.mark.anyio


def offered(pilot: Pilot[None]) -> set[str]:
    """Return the actions whose keys work here."""
    active = pilot.app.screen.active_bindings.values()
    return {one.binding.action for one in active if one.enabled}


def about_a_row(pilot: Pilot[None]) -> set[str]:
    """Return the actions of the list in focus that need a row."""
    screen, found = pilot.app.screen, set[str]()
    if isinstance(screen, ListPage):
        found |= screen.ROW_ACTIONS
    if screen.focused is not None:
        for one in screen.focused.ancestors_with_self:
            if isinstance(one, Listing):
                found |= one.ROW_ACTIONS
    return found


async def test_empty_list_offers_no_action_on_a_row(empty_scene: Scene) -> None:
    empty_scene.tower.create_registry("models")
    async with open_app(empty_scene, SMALL) as pilot:
        await press(pilot, "enter")
        assert about_a_row(pilot)
        assert not offered(pilot) & about_a_row(pilot)
        assert "new" in offered(pilot)
        assert shows(pilot, "Press n to make one, N")
        assert not shows(pilot, "e Edit")
        for keys in ("h", "3", "S"):
            await press(pilot, keys)
            assert not offered(pilot) & about_a_row(pilot), keys
        await press(pilot, "1")
        assert shows(pilot, "No version is linked here yet.")
        assert shows(pilot, "Press n to link one.")
        empty_scene.automate("mine")
        await press(pilot, "l")
        await settled(pilot)
        assert about_a_row(pilot) - {"undo"} <= offered(pilot)


async def test_new_on_an_empty_database_makes_what_is_needed_first(empty_scene: Scene) -> None:
    async with open_app(empty_scene, SMALL) as pilot:
        await press(pilot, "4", "n")
        assert shows(pilot, "everything in the organization")
        await press(pilot, "escape", "1", "n", *MODELS.name, "ctrl+o")
        assert [str(one.reference) for one in empty_scene.tower.registries()] == ["models"]
        await press(pilot, "n")
        assert shows(pilot, "New automation", "models")

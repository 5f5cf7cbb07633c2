"""Going to endpoints and secrets from anywhere, and back to a mode's own screen."""

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from firetower.tui.messages import OpenContainer
from firetower.tui.screens.collection import CollectionScreen, VersionScreen
from firetower.tui.screens.container import ProjectScreen, RegistryScreen
from firetower.tui.screens.endpoints import EndpointsScreen
from firetower.tui.screens.feed import FeedScreen
from firetower.tui.screens.secrets import SecretsScreen
from firetower.tui.themes import NAMES
from tui.scene import VISION, Scene
from tui.screens import SMALL, open_app, press, screen_text, settled, shows, until

pytestmark = pytest.mark.anyio


def stands_on(pilot: Pilot[None], kind: type[Screen[None]]) -> bool:
    return isinstance(pilot.app.screen, kind)


async def test_secrets_open_once_and_a_modes_key_closes_them(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "S", "S")
        assert stands_on(pilot, SecretsScreen)
        assert len(pilot.app.screen_stack) == 2
        await press(pilot, "5")
        assert stands_on(pilot, EndpointsScreen)
        await press(pilot, "S", "escape")
        assert stands_on(pilot, EndpointsScreen)
        await press(pilot, "1")
        assert stands_on(pilot, RegistryScreen)


async def test_a_modes_key_goes_to_its_own_screen(scene: Scene) -> None:
    scene.automate("record-all")
    async with open_app(scene) as pilot:
        pilot.app.push_screen(CollectionScreen("models/resnet"))
        await press(pilot, "1")
        assert stands_on(pilot, RegistryScreen)
        pilot.app.push_screen(CollectionScreen("models/resnet"))
        await press(pilot, "S", "3")
        assert stands_on(pilot, FeedScreen)
        scene.fire(1)
        await until(pilot, lambda: shows(pilot, "← b0"))
        await press(pilot, "1")
        assert stands_on(pilot, CollectionScreen)
        assert shows(pilot, "v0", "b0")
        await press(pilot, "5", "enter")
        await pilot.click("ModeLink")
        await settled(pilot)
        assert stands_on(pilot, CollectionScreen)


async def test_a_place_is_opened_from_a_visit(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "2", "5")
        pilot.app.post_message(OpenContainer(VISION))
        await settled(pilot)
        assert stands_on(pilot, ProjectScreen)
        assert shows(pilot, "Projects › acme/vision")


@pytest.mark.slow
async def test_dialog_is_drawn_in_every_theme(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        await press(pilot, "5", "n", "tab", "tab", "enter")
        for theme in NAMES.values():
            pilot.app.theme = theme
            await settled(pilot)
            assert shows(pilot, "new secret …")
        await press(pilot, "end", "enter")
        assert shows(pilot, "its value")


async def test_each_step_of_a_heading_goes_there_by_a_click(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        pilot.app.push_screen(VersionScreen("models/resnet:v3"))
        await settled(pilot)
        for label, kind, title in (
            ("resnet", CollectionScreen, "Registries › models › resnet"),
            ("models", RegistryScreen, "Registries › models"),
            ("Registries", RegistryScreen, "datasets"),
        ):
            row, line = next(
                (row, line) for row, line in enumerate(screen_text(pilot)) if "Registries ›" in line
            )
            await pilot.click(offset=(line.index(label) + 1, row))
            await settled(pilot)
            assert stands_on(pilot, kind)
            assert shows(pilot, title)
        assert pilot.app.screen.focused is pilot.app.screen.query_one("#containers Table")

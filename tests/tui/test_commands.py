"""The command palette: every action by its name, every registry and project by its own."""

import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import Input

from firetower.core.references import ContainerReference
from firetower.tui import themes
from firetower.tui.form.screen import FormScreen
from firetower.tui.palette import HelpScreen
from firetower.tui.screens.automation import AutomationScreen
from firetower.tui.screens.collection import CollectionScreen, VersionScreen
from firetower.tui.screens.container import ContainerScreen
from firetower.tui.screens.endpoint import EndpointScreen
from firetower.tui.screens.endpoints import EndpointsScreen
from firetower.tui.screens.execution import ExecutionScreen
from firetower.tui.screens.secrets import SecretsScreen
from tui.scene import Scene
from tui.screens import SMALL, open_app, press, screen_text, settled, shows, until, write

pytestmark = pytest.mark.anyio

HOSTILE = "[b] [red] x\ue000y"


async def search(pilot: Pilot[None], words: str, found: str) -> None:
    """Open the palette and type, until the search of it all shows what is looked for.

    While it searches, the palette still lists what fewer letters found.
    """
    await pilot.press("ctrl+p")
    await until(pilot, lambda: isinstance(pilot.app.screen, CommandPalette))
    await pilot.press(*words)
    await until(pilot, lambda: pilot.app.screen.query_one(Input).value == words)
    await settled(pilot)
    await until(pilot, lambda: any(found in line for line in screen_text(pilot)[4:]))


async def run(pilot: Pilot[None], words: str, found: str) -> None:
    """Choose what the palette finds first."""
    await search(pilot, words, found)
    await pilot.press("enter")
    await until(pilot, lambda: not isinstance(pilot.app.screen, CommandPalette))
    await settled(pilot)


@pytest.mark.slow
async def test_it_runs_the_actions_of_the_place(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "enter")
        for typed, first, second in (
            ("feed", "Feed  3", "Fold feed"),
            ("res", "models/resnet", "Secrets"),
        ):
            await search(pilot, typed, first)
            found = "".join(screen_text(pilot)[4:])
            assert found.index(first) < found.index(second)
            await press(pilot, "escape")
        await run(pilot, "New", "New  n")
        assert isinstance(pilot.app.screen, FormScreen)
        await run(pilot, "Save", "Save  ctrl+o")
        assert shows(pilot, "1 error")
        await run(pilot, "Back", "Back  q")
        assert isinstance(pilot.app.screen, ContainerScreen)


@pytest.mark.slow
async def test_palette_runs_the_actions_of_the_app(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        for name, said, screen in (
            ("Endpoints", "Endpoints  5", EndpointsScreen),
            ("Secrets", "Secrets  S", SecretsScreen),
            ("Help", "Help  ?", HelpScreen),
        ):
            await run(pilot, name, said)
            assert isinstance(pilot.app.screen, screen)
        await press(pilot, "escape")
        await run(pilot, "Theme: light", "the config file keeps it")
        assert pilot.app.theme == themes.LIGHT.name


@pytest.mark.slow
async def test_palette_opens_a_registry_or_project_by_name(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        for words, reference in (
            ("datasets", ContainerReference.registry("datasets")),
            ("acme/vi", ContainerReference.project("acme/vision")),
        ):
            await run(pilot, words, f"open the {reference.kind}")
            screen = pilot.app.screen
            assert isinstance(screen, ContainerScreen)
            assert screen.open == reference
            assert screen.is_open
            assert shows(pilot, f"s › {reference}")


async def test_hostile_names_are_drawn_and_opened(scene: Scene) -> None:
    scene.tower.create_registry(HOSTILE)
    async with open_app(scene) as pilot:
        await run(pilot, "[b] [red]", "[b] [red] x\\ue000y")
        screen = pilot.app.screen
        assert isinstance(screen, ContainerScreen)
        assert str(screen.open) == HOSTILE
        assert shows(pilot, "Registries › [b] [red] x\\ue000y")


async def test_it_lists_the_actions_before_anything_is_typed(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "enter")
        await search(pilot, "", "New  n")
        await write(pilot, "nothing like it")
        await until(pilot, lambda: shows(pilot, "No matches"))
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, ContainerScreen)


async def test_palette_finds_everything_by_name(scene: Scene) -> None:
    newest = scene.tower.executions.newest(1)[0]
    scene.open_circuit("ci-deploy")
    async with open_app(scene, SMALL) as pilot:
        for words, found, screen, shown in (
            ("canary", "automation in registry models", AutomationScreen, "canary-f1"),
            ("ci-dep", "endpoint webhook", EndpointScreen, "circuit open"),
            ("models/resnet", "collection model", CollectionScreen, "resnet"),
            ("resnet:production", "version v3", VersionScreen, "models › resnet › v3"),
            (f"#{newest.id}", "execution of", ExecutionScreen, newest.automation),
        ):
            await run(pilot, words, found)
            assert isinstance(pilot.app.screen, screen), words
            assert shows(pilot, shown), words

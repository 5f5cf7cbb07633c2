"""Making registries, projects, versions and links from the app."""

from pathlib import Path

import pytest

from firetower.core.errors import Conflict, NotFound
from firetower.tui.screens.catalog import new_container
from firetower.tui.screens.container import ContainerScreen, RegistryScreen
from firetower.tui.widgets.ask import Ask
from tui.scene import MODELS, VISION, Scene
from tui.screens import SMALL, open_app, press, settled, shows, until, write

pytestmark = pytest.mark.anyio

HOSTILE = 'path [;foo] {"a": [true, false]} [b'


async def test_a_first_registry_is_made_by_keys(empty_scene: Scene) -> None:
    async with open_app(empty_scene, SMALL) as pilot:
        await press(pilot, "c", "ctrl+o")
        assert shows(pilot, "Name is needed")
        await press(pilot, *"a/b", "ctrl+o")
        assert shows(pilot, 'registry name "a/b" contains "/"')
        await press(pilot, *["backspace"] * 2)
        await write(pilot, "models")
        await press(pilot, "tab")
        await write(pilot, "What serves")
        await press(pilot, "enter", "enter")
        assert shows(pilot, "Registries › amodels")
    [place] = empty_scene.tower.registries()
    assert (str(place.reference), place.description) == ("amodels", "What serves")


@pytest.mark.slow
async def test_a_project_is_made_by_mouse_and_opened(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "2", "c")
        await write(pilot, "acme/audio")
        await pilot.click("#save")
        await settled(pilot)
        assert shows(pilot, "Projects › acme/audio", "0 collections")
        await press(pilot, "c")
        await write(pilot, "acme/nlp")
        await press(pilot, "ctrl+o")
        assert shows(pilot, "acme/nlp exists already")
        assert isinstance(pilot.app.screen, Ask)
        await pilot.click("#cancel")
        await settled(pilot)
        assert shows(pilot, "What you typed is lost.")
        await press(pilot, "right", "enter")
        assert isinstance(pilot.app.screen, ContainerScreen)


async def test_a_hostile_name_is_drawn(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "c", *HOSTILE, "ctrl+o")
        assert shows(pilot, 'registry name "path [;foo] {\\"a\\": [true')
        name = pilot.app.screen.query_one("Input")
        assert getattr(name, "value", "") == HOSTILE
        await press(pilot, "escape", "right", "enter")
        assert isinstance(pilot.app.screen, RegistryScreen)


@pytest.mark.slow
async def test_a_version_of_files_is_logged_where_the_cursor_is(
    scene: Scene, tmp_path: Path
) -> None:
    (tmp_path / "model.pt").write_bytes(b"weights")
    async with open_app(scene) as pilot:
        await press(pilot, "2")
        screen = pilot.app.screen
        assert isinstance(screen, ContainerScreen)
        screen.containers.table.move_to(VISION)
        await press(pilot, "enter", "h", "h")
        screen.collections.table.move_to("acme/vision/resnet")
        await press(pilot, "n")
        await write(pilot, f"'{tmp_path}/model.pt'")
        await press(pilot, "ctrl+o")
        assert shows(pilot, "Logged acme/vision/resnet:v4.")
        await press(pilot, "n")
        await write(pilot, f"'{tmp_path}/model.pt'")
        await pilot.click("#save")
        await settled(pilot)
        assert shows(pilot, "Nothing new: acme/vision/resnet:v4 has the same")
        await press(pilot, "n")
        await write(pilot, "'open")
        await press(pilot, "ctrl+o")
        assert shows(pilot, "has a quote that is not closed")
    [entry] = scene.tower.version("acme/vision/resnet:v4").entries
    assert (entry.path, entry.size) == ("model.pt", 7)


async def test_a_version_is_linked_into_a_registry(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, ContainerScreen)
        screen.open_container(MODELS)
        await press(pilot, "h", "n", "enter", *"acme/nlp", "enter")
        assert shows(pilot, "Version", "acme/nlp/bert:v0", "model")
        await press(pilot, "tab", *["backspace"] * 9)
        await write(pilot, "large")
        await press(pilot, "tab")
        await write(pilot, "staging")
        await press(pilot, "ctrl+o")
        assert shows(pilot, "Linked models/large:v0.")
        assert screen.collections.table.key == "models/large"
        await press(pilot, "n", "ctrl+o")
        assert shows(pilot, "Version is needed")
        await press(pilot, "enter", "end", "enter")
        await write(pilot, "acme/nlp/none")
        await press(pilot, "ctrl+o")
        assert shows(pilot, '"acme/nlp/none" does not name a version')
        await press(pilot, *":v0", "ctrl+o")
        assert shows(pilot, "acme/nlp/none")
        assert pilot.app.screen.query_one(".ask--error").display
        await press(pilot, "escape", "right", "enter")
    assert scene.tower.version("models/large:staging").version.source == "acme/nlp/bert:v0"


async def test_a_collections_tags_are_changed(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, ContainerScreen)
        screen.open_container(MODELS)
        await press(pilot, "h")
        screen.collections.table.move_to("models/resnet")
        await press(pilot, "t")
        await write(pilot, "a, b")
        await press(pilot, "tab", "enter", "down", "down", "enter")
        assert shows(pilot, "Remove", "vision")
        await pilot.click("#save")
        await settled(pilot)
        assert shows(pilot, "resnet", "a b served")
        screen.collections.table.move_to("models/bert")
        await press(pilot, "t", "enter")
        assert shows(pilot, "New tags are needed")


async def test_what_failed_in_saving_is_shown_and_can_be_tried_again(scene: Scene) -> None:
    calls = []

    def refuse(*_: object) -> None:
        calls.append(1)
        raise NotFound("it is [/gone] today", "Come back.\x1b[31m")

    async with open_app(scene) as pilot:
        dialog = Ask("What [/now]?", (), refuse, detail="so [b")
        pilot.app.push_screen(dialog)
        await settled(pilot)
        await pilot.click("#save")
        await settled(pilot)
        assert shows(pilot, "What [/now]?")
        assert shows(pilot, "it is [/gone] today")
        assert shows(pilot, "Come back.\\x1b[31m")
        save = pilot.app.screen.query_one("#save")
        await until(pilot, lambda: not save.has_class("-active"))  # it takes no click so long
        await pilot.click("#save")
        await until(pilot, lambda: len(calls) == 2)


async def test_a_conflict_about_no_field_stands_at_the_bottom(scene: Scene) -> None:
    def refuse(*_: object) -> None:
        raise Conflict("taken", "Choose another.")

    async with open_app(scene) as pilot:
        dialog = Ask("Title", new_container(MODELS.kind)._fields, refuse)
        pilot.app.push_screen(dialog)
        await settled(pilot)
        await press(pilot, *"x", "ctrl+o")
        assert dialog.query_one(".ask--error").display

"""The versions of a collection, and what can be done with them."""

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from firetower.tui.messages import DatabaseChanged
from firetower.tui.screens.collection import CollectionScreen, VersionScreen, version_text
from tui.scene import Scene
from tui.screens import SMALL, line_with, open_app, press, settled, shows, write

pytestmark = pytest.mark.anyio

HOSTILE = 'path [/foo] {"a": [true, false]} [b\x1b[31m'
DRAWN = 'path [/foo] {"a": [true, false]} [b'
PROJECT, REGISTRY = "acme/vision/resnet", "models/resnet"


async def opened(pilot: Pilot[None], reference: str) -> CollectionScreen:
    screen = CollectionScreen(reference)
    pilot.app.push_screen(screen)
    await settled(pilot)
    return screen


def aliases(scene: Scene, reference: str) -> tuple[str, ...]:
    return scene.tower.version(reference).version.aliases


def tags(scene: Scene, reference: str) -> tuple[str, ...]:
    return scene.tower.version(reference).version.tags


async def test_it_shows_the_versions_and_one_of_them(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        await opened(pilot, PROJECT)
        assert shows(pilot, "acme/vision › resnet", "model, 4 versions")
        assert shows(pilot, "v3", "latest", "3 h", "ada")
        assert shows(pilot, "linked", "models/resnet:v3")
        await press(pilot, "j")
        assert shows(pilot, "made", "9 d ago, by ada")
        assert shows(pilot, '"f1": 0.')


async def test_it_opens_from_a_place_and_goes_back(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await pilot.click("#tab-collections")
        await settled(pilot)
        await press(pilot, "down", "enter")
        assert shows(pilot, "models › resnet")
        assert shows(pilot, "source", "acme/vision/resnet:v3")
        await press(pilot, "y")
        assert pilot.app.clipboard == "models/resnet:v3"
        await press(pilot, "escape")
        assert shows(pilot, "Registries › models")


async def test_enter_and_a_double_click_show_a_version_in_full(scene: Scene) -> None:
    scene.tower.log(PROJECT, type="model", references=[f"s3://many/{n:03}" for n in range(50)])
    async with open_app(scene) as pilot:
        await opened(pilot, PROJECT)
        assert shows(pilot, "… 30 more, enter shows more")
        await pilot.click("#versions Table", offset=(3, 1), times=2)
        await settled(pilot)
        assert isinstance(pilot.app.screen, VersionScreen)
        await press(pilot, "end")
        assert shows(pilot, "s3://many/049")
        await press(pilot, "y")
        assert pilot.app.clipboard == "acme/vision/resnet:v4"
        await press(pilot, "escape", "enter")
        assert isinstance(pilot.app.screen, VersionScreen)


async def test_aliases_come_and_go_by_keys(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await opened(pilot, REGISTRY)
        await press(pilot, "end", "a")
        assert shows(pilot, "An alias names one version of the collection")
        await write(pilot, "latest")
        await press(pilot, "enter")
        assert shows(pilot, 'alias "latest" is moved by logging a version')
        await press(pilot, *["backspace"] * 6)
        await write(pilot, "gold, prod-us")
        await press(pilot, "enter")
        assert aliases(scene, "models/resnet:v0") == ("gold", "prod-us")
        assert aliases(scene, "models/resnet:v1") == ()
        assert shows(pilot, "v0", "gold prod-us")
        await press(pilot, "A", "enter", "down", "enter", "tab", "tab", "enter")
        assert aliases(scene, "models/resnet:v0") == ("gold",)
        await press(pilot, "home", "down", "down", "A")
        assert shows(pilot, "v1 has no alias to remove")


async def test_a_projects_alias_says_that_the_registry_does_not_see_it(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await opened(pilot, PROJECT)
        await press(pilot, "a")
        assert shows(pilot, "It is an alias in acme/vision/resnet only")


async def test_tags_come_and_go_by_mouse(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await opened(pilot, PROJECT)
        await press(pilot, "T")
        assert shows(pilot, "v3 has no tag to remove")
        await press(pilot, "t")
        await write(pilot, "fast")
        await pilot.click("#save")
        await settled(pilot)
        assert tags(scene, "acme/vision/resnet:v3") == ("fast",)
        await press(pilot, "T")
        assert shows(pilot, "Remove tag fast from acme/vision/resnet:v3?")
        await pilot.click("#save")
        await settled(pilot)
        assert tags(scene, "acme/vision/resnet:v3") == ()


async def test_a_version_is_linked_from_its_project(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        screen = await opened(pilot, PROJECT)
        assert screen.check_action("unlink", ()) is False
        await press(pilot, "L", "tab", "end", *"-b", "tab")
        await write(pilot, "staging")
        await press(pilot, "ctrl+o")
        assert shows(pilot, "Linked datasets/resnet-b:v0")
        assert shows(pilot, "│", "datasets/resnet-b:v0")
    assert aliases(scene, "datasets/resnet-b:staging") == ("latest", "staging")


async def test_unlinking_asks(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        screen = await opened(pilot, REGISTRY)
        assert screen.check_action("link", ()) is False
        await press(pilot, "U", "enter")
        assert len(scene.tower.versions(REGISTRY)) == 4
        await press(pilot, "U")
        assert shows(pilot, "Unlink models/resnet:v3?")
        await pilot.click("Confirm Button.-error")
        await settled(pilot)
        assert len(scene.tower.versions(REGISTRY)) == 3
        assert shows(pilot, "models/resnet:v2")


async def test_the_last_one_unlinked_leaves_an_empty_list(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        screen = await opened(pilot, "models/bert")
        await press(pilot, "U", "right", "enter")
        assert shows(pilot, "No version is left here.")
        assert screen.check_action("add_alias", ()) is False
        await press(pilot, "a", "U", "y", "enter")
        assert pilot.app.screen is screen


async def test_it_follows_what_others_change(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        screen = await opened(pilot, REGISTRY)
        await press(pilot, "end")
        scene.tower.link("acme/nlp/bert:v0", REGISTRY, aliases=["odd"])
        screen.post_message(DatabaseChanged())
        await settled(pilot)
        assert shows(pilot, "v4", "odd")
        assert screen.listing.table.key == "models/resnet:v0"


async def test_a_version_is_logged_by_keys_and_nothing_is_lost_on_an_error(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await opened(pilot, PROJECT)
        await press(pilot, "n")
        await write(pilot, "/no/such/file")
        await press(pilot, "tab", "tab")
        await write(pilot, "fresh")
        await press(pilot, "tab", "tab")
        await write(pilot, "loss=0.1 'by=ada l'")
        await press(pilot, "ctrl+o")
        assert shows(pilot, "/no/such/file cannot be read")
        await press(pilot, *["shift+tab"] * 4, *["backspace"] * 13, "tab")
        await write(pilot, "s3://new/1")
        await press(pilot, "ctrl+o")
        assert shows(pilot, "Logged acme/vision/resnet:v4.")
        assert line_with(pilot, "v4", "fresh latest")
    detail = scene.tower.version("acme/vision/resnet:fresh")
    assert detail.version.metadata == {"loss": 0.1, "by": "ada l"}
    assert [entry.uri for entry in detail.entries] == ["s3://new/1"]


async def test_hostile_text_is_drawn(scene: Scene) -> None:
    hostile = HOSTILE.replace("/", "|").replace(":", ";").replace("\x1b", "")
    tower = scene.tower
    tower.log(
        f"acme/vision/{hostile}",
        type=hostile,
        aliases=[hostile, "x" + hostile],
        tags=[hostile, "x" + hostile],
        metadata={HOSTILE: HOSTILE},
        references=["s3://x/" + HOSTILE.replace("\x1b", "")],
    )
    async with open_app(scene) as pilot:
        await opened(pilot, f"acme/vision/{hostile}")
        assert shows(pilot, f"acme/vision › {hostile}")
        await press(pilot, "a")
        assert shows(pilot, "Add an alias to acme/vision/path [|f")
        await press(pilot, "escape")
        for key, title in (("A", "Remove which alias"), ("T", "Remove which tag")):
            await press(pilot, key, "enter")
            assert shows(pilot, title)
            await press(pilot, "escape", "escape")
        await press(pilot, "enter")
        assert shows(pilot, "\\\\x1b[31m" if shows(pilot, "\\\\x1b") else "\\u001b[31m")
        assert shows(pilot, "s3://x/" + DRAWN)
        await press(pilot, "escape", "n")
        assert pilot.app.screen.query(Input).first().value == hostile


def test_the_edits_of_a_version_are_shown(scene: Scene) -> None:
    scene.tower.update(f"{PROJECT}:v3", metadata={"f1": 0.5}, description="On cleaned data")
    detail = scene.tower.version(f"{PROJECT}:v3")
    said = version_text(detail, scene.now, 80, most=10, hint="enter shows all").plain.splitlines()
    assert any(line.split() == ["about", "On", "cleaned", "data"] for line in said)
    assert any("by ada: metadata.f1" in line and line.endswith("→ 0.5") for line in said)

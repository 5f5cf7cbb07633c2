"""The rows of the organization and of entities, above the registries and projects they cover."""

import pytest

from firetower.core.references import ContainerKind, ContainerReference
from firetower.core.scopes import ContainerScope
from firetower.tui.container_view import read_containers
from firetower.tui.screens.container import ContainerScreen
from tui.form.driving import automation, fill, to
from tui.scene import VISION, Scene
from tui.screens import SMALL, open_app, press, screen_text, settled, shows, until

pytestmark = pytest.mark.anyio

ORGANIZATION = ContainerReference.organization()
ACME = ContainerReference.entity_named("acme")


def test_without_a_project_there_is_no_row(empty_scene: Scene) -> None:
    assert read_containers(empty_scene.tower, ContainerKind.PROJECT) == []
    empty_scene.automate("everywhere", scope=ContainerScope(container=ORGANIZATION))
    found = read_containers(empty_scene.tower, ContainerKind.PROJECT)
    assert [one.reference for one in found] == [ORGANIZATION]


def test_an_entity_stands_before_its_projects(scene: Scene) -> None:
    scene.tower.create_project("zoo/birds")
    found = read_containers(scene.tower, ContainerKind.PROJECT)
    names = [str(one.reference) for one in found]
    assert names == ["organization", "acme", "acme/nlp", "acme/vision", "zoo", "zoo/birds"]
    found = read_containers(scene.tower, ContainerKind.REGISTRY)
    names = [str(one.reference) for one in found]
    assert names == ["organization", "datasets", "models", "prompts"]


async def test_organization_and_entity_are_opened_by_keys(scene: Scene) -> None:
    scene.automate("of-acme", scope=ContainerScope(container=ACME))
    async with open_app(scene, SMALL) as pilot:
        await press(pilot, "g", "enter")
        screen = pilot.app.screen
        assert isinstance(screen, ContainerScreen)
        assert shows(pilot, "Registries › organization", "every registry and project")
        assert shows(pilot, "Automations", "History")
        assert not shows(pilot, "Collections")
        await press(pilot, "n")
        assert shows(pilot, "New automation in the organization")
        await to(pilot, "action-type")
        await press(pilot, "left")
        await fill(pilot, automation_name="everywhere")
        await press(pilot, "ctrl+o")
        assert shows(pilot, "everywhere", "alias added", "✓ on")
        assert automation(scene, "everywhere").definition.scope.container == ORGANIZATION
        await press(pilot, "l")
        assert shows(pilot, "✓", "count-versions", "acme/vision/resnet:v3")
        scene.tower.log("acme/vision/resnet", type="model", empty=True, aliases=["x1"])
        scene.turn()
        await until(pilot, lambda: shows(pilot, "everywhere", ":v4 ← x1"))
        await press(pilot, "l")
        assert screen.tab == "automations"
        # In Projects each entity has its row too.
        await press(pilot, "2", "g", "j", "enter")
        assert shows(pilot, "Projects › all of acme", "every project of acme")
        assert shows(pilot, "of-acme", "✓ on")
        await press(pilot, "q", "j", "enter")
        assert shows(pilot, "1 collection · 1 version · also watched by organization")
        await press(pilot, "q", "g", "enter")
        assert shows(pilot, "Projects › organization")
        # Its automation leads back to it, and the palette finds both.
        await press(pilot, "enter")
        assert shows(pilot, "Registries › organization › everywhere")
        await press(pilot, "escape", "ctrl+p", *"acme")
        await until(pilot, lambda: shows(pilot, "acme", "open the entity"))


@pytest.mark.slow
async def test_the_tab_that_a_row_has_not_comes_back_after_it(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "2")
        screen = pilot.app.screen
        assert isinstance(screen, ContainerScreen)
        await until(pilot, lambda: screen.open == VISION)
        await pilot.click("#tab-collections")
        await settled(pilot)
        row = next(i for i, line in enumerate(screen_text(pilot)) if line.startswith(" all of"))
        await pilot.click(offset=(3, row))
        await settled(pilot)
        assert (screen.open, screen.tab) == (ACME, "automations")
        assert screen.automations.table.has_focus
        assert not shows(pilot, "Artifacts")
        await pilot.click(offset=(3, row + 2))
        await settled(pilot)
        assert (screen.open, screen.tab) == (VISION, "collections")
        await press(pilot, "q", "k", "k", "k")
        assert (screen.open, screen.tab) == (ORGANIZATION, "automations")
        assert screen.containers.table.has_focus

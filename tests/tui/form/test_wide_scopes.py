"""The form of an automation that watches an entity or the organization."""

import pytest

from firetower.core.drafts import Draft
from firetower.core.references import ContainerReference
from firetower.core.scopes import ContainerScope
from firetower.tui.form.screen import FormScreen
from tui.form.driving import automation, choose, fill
from tui.scene import Scene
from tui.screens import SMALL, open_app, press, settled, shows

pytestmark = pytest.mark.anyio

WIDE_SCOPES = [ContainerReference.organization(), ContainerReference.entity_named("acme")]


@pytest.mark.slow
async def test_automation_of_the_organization_or_an_entity_is_edited(scene: Scene) -> None:
    for number, container in enumerate(WIDE_SCOPES):
        scene.automate(f"wide-{number}", scope=ContainerScope(container=container))
    said = ["everything in the organization", "every project of acme"]
    async with open_app(scene, SMALL) as pilot:
        for number, container in enumerate(WIDE_SCOPES):
            found = automation(scene, f"wide-{number}")
            pilot.app.push_screen(FormScreen(Draft.of(found), found))
            await settled(pilot)
            assert shows(pilot, "Scope", said[number])
            await choose(pilot, "event-type", "new version")
            await fill(pilot, about_text="x")
            await press(pilot, "ctrl+o")
            assert shows(pilot, f"Saved wide-{number}.")
            definition = automation(scene, f"wide-{number}").definition
            assert definition.event_type == "CREATE_ARTIFACT"
            assert definition.scope == ContainerScope(container=container)

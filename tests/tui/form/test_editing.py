"""Editing: every field comes back, what others did meanwhile is seen, leaving asks."""

from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from firetower.core.actions import Severity, SlackAction, WebhookAction
from firetower.core.automations import Mode
from firetower.core.events import EventType
from firetower.core.filters.filter import Filter, regex_filter
from firetower.core.filters.patterns import Pattern
from firetower.core.references import CollectionReference
from firetower.core.scopes import CollectionScope, CollectionsScope
from firetower.tui.form.screen import FormScreen
from firetower.tui.widgets.automations import AutomationList
from tui.form.driving import automation, fill, focused, form_of, to, value
from tui.scene import VISION, Scene
from tui.screens import open_app, press, screen_text, shows, until, write

pytestmark = pytest.mark.anyio

HOSTILE = "[/b] [red]\x1b[31m\u202e"


async def edit(pilot: Pilot[None], name: str, mode: str = "1") -> FormScreen:
    """Open the form of an automation that there is."""
    await press(pilot, mode)
    if not pilot.app.screen.query_one(AutomationList).table.has_focus:
        await press(pilot, "enter")
    pilot.app.screen.query_one(AutomationList).table.move_to(name)
    await press(pilot, "e")
    return form_of(pilot)


async def clear(pilot: Pilot[None], line: str) -> None:
    await to(pilot, line)
    pilot.app.screen.query_one(f"#{line}", Input).clear()


DEFINITIONS: list[tuple[str, dict[str, Any]]] = [
    (
        "1",
        {
            "scope": CollectionScope(collection=CollectionReference.parse("models/bert")),
            "filter": regex_filter("^a", None, Filter.of({"metadata.f1": {"$gt": 1}})),
            "action": WebhookAction(endpoint="ci-deploy", payload='{"a":\n\t"${alias}"}'),
            "cooldown": timedelta(seconds=90),
            "description": HOSTILE,
        },
    ),
    (
        "2",
        {
            "scope": CollectionsScope(container=VISION, regex=Pattern("^r"), artifact_type="model"),
            "event_type": EventType.REMOVE_ARTIFACT_TAG,
            "filter": regex_filter(None, "[/b]", None),
            "action": SlackAction(
                endpoint="team-ml",
                title="[/b] ${tag}",
                message="one\n  two",
                severity=Severity.WARN,
            ),
        },
    ),
    (
        "2",
        {
            "scope": CollectionsScope(container=VISION, glob="[ab]*"),
            "event_type": EventType.CREATE_ARTIFACT,
        },
    ),
]


@pytest.mark.slow
async def test_edit_keeps_every_field_but_the_changed_name(scene: Scene) -> None:
    for number, (_, given) in enumerate(DEFINITIONS):
        scene.automate(f"to-edit-{number}", Mode.SHADOW if number else Mode.ENABLED, **given)
    async with open_app(scene) as pilot:
        for number, (place, _) in enumerate(DEFINITIONS):
            before = automation(scene, f"to-edit-{number}")
            await edit(pilot, before.name, place)
            assert not any("\x1b" in line or "\u202e" in line for line in screen_text(pilot))
            await press(pilot, "escape")
            assert shows(pilot, before.name)  # left without being asked
            await press(pilot, "e")
            await clear(pilot, "automation-name")
            await write(pilot, f"renamed-{number}")
            await press(pilot, "ctrl+o")
            assert shows(pilot, f"Saved renamed-{number}.")
            assert shows(pilot, f"renamed-{number}", "▸ shadow" if number else "✓ on")
            after = automation(scene, f"renamed-{number}")
            assert after.id == before.id
            assert after.mode is before.mode
            renamed = before.definition.model_copy(update={"name": f"renamed-{number}"})
            assert after.definition == renamed


async def test_edit_saves_only_what_was_changed(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await edit(pilot, "deploy-on-prod")
        await press(pilot, "ctrl+o")
        assert automation(scene, "deploy-on-prod").revision.number == 1
        await edit(pilot, "tell-compliance")
        assert shows(pilot, "Disabled: it does not fire.")
        await fill(pilot, cooldown_span="1h")
        await press(pilot, "ctrl+o")
        assert automation(scene, "tell-compliance").mode is Mode.DISABLED
        await edit(pilot, "canary-f1")
        await fill(pilot, cooldown_span="1h")
        await to(pilot, "shadow")
        await press(pilot, "space", "ctrl+o")
        assert shows(pilot, "canary-f1", "✓ on")
        after = automation(scene, "canary-f1")
        assert after.mode is Mode.ENABLED
        assert after.definition.cooldown == timedelta(hours=1)


@pytest.mark.slow
async def test_save_over_a_change_by_others_asks_first(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await edit(pilot, "deploy-on-prod")
        await fill(pilot, about_text="mine")
        scene.tower.automations.set_mode("deploy-on-prod", Mode.DISABLED)
        await press(pilot, "ctrl+o")
        assert shows(pilot, "deploy-on-prod was changed meanwhile by ada.")
        scene.tower.add_alias("models/bert:v0", "brand-new")
        await until(pilot, lambda: shows(pilot, "not brand-new"))
        assert shows(pilot, "deploy-on-prod was changed meanwhile by ada.")
        assert value(pilot, "about-text") == "mine"
        assert automation(scene, "deploy-on-prod").definition.description == ""
        await press(pilot, "ctrl+o")
        assert shows(pilot, "Saved deploy-on-prod.")
    after = automation(scene, "deploy-on-prod")
    assert after.definition.description == "mine"
    assert after.mode is Mode.ENABLED


@pytest.mark.slow
async def test_save_after_a_deletion_by_others_creates_again(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await edit(pilot, "deploy-on-prod")
        await fill(pilot, about_text="mine")
        scene.tower.automations.delete("deploy-on-prod")
        await press(pilot, "ctrl+o")
        assert shows(pilot, "deploy-on-prod was deleted or renamed meanwhile.")
        await press(pilot, "ctrl+o")
    assert automation(scene, "deploy-on-prod").definition.description == "mine"


async def test_leaving_asks_only_after_a_change(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await edit(pilot, "deploy-on-prod")
        await press(pilot, "q")
        assert not isinstance(pilot.app.screen, FormScreen)
        await press(pilot, "e")
        await to(pilot, "payload-json")
        await press(pilot, "x", "escape")
        assert shows(pilot, "Leave without saving?")
        await press(pilot, "enter")  # Cancel has the focus
        assert focused(pilot) == "payload-json"
        await pilot.click("#cancel")
        await press(pilot)
        await press(pilot, "right", "enter")
        assert not isinstance(pilot.app.screen, FormScreen)
    assert automation(scene, "deploy-on-prod").revision.number == 1

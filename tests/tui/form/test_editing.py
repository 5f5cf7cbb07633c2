"""Editing: every field comes back, what others did meanwhile is seen, leaving asks."""

from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from firetower.core.actions import Severity, SlackAction, WebhookAction
from firetower.core.automations import Mode
from firetower.core.events import EventType
from firetower.core.filters.filter import Filter, alias_and_tag_filter
from firetower.core.filters.patterns import Pattern
from firetower.core.references import CollectionReference
from firetower.core.scopes import CollectionScope, CollectionsScope
from firetower.tui.form.screen import FormScreen
from firetower.tui.widgets.automations import Automations
from tui.form.driving import automation, fill, focused, form_of, to, value, write
from tui.scene import VISION, Scene
from tui.screens import open_app, press, screen_text, shows, until

pytestmark = pytest.mark.anyio

HOSTILE = "[/b] [red]\x1b[31m\u202e"


async def edit(pilot: Pilot[None], name: str, mode: str = "1") -> FormScreen:
    """Open the form of an automation that there is."""
    await press(pilot, mode)
    await press(pilot, "enter")
    pilot.app.screen.query_one(Automations).table.move_to(name)
    await press(pilot, "e")
    return form_of(pilot)


async def clear(pilot: Pilot[None], line: str) -> None:
    await to(pilot, line)
    await pilot.press("end", *["backspace"] * len(value(pilot, line)))


DEFINITIONS: list[tuple[str, dict[str, Any]]] = [
    (
        "1",
        {
            "scope": CollectionScope(collection=CollectionReference.parse("models/bert")),
            "filter": alias_and_tag_filter("^a", None, Filter.of({"metadata.f1": {"$gt": 1}})),
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
            "filter": alias_and_tag_filter(None, "[/b]", None),
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


@pytest.mark.parametrize(("place", "given"), DEFINITIONS, ids=["one", "regex", "glob"])
@pytest.mark.parametrize("mode", [Mode.ENABLED, Mode.SHADOW])
async def test_every_field_comes_back(
    scene: Scene, place: str, given: dict[str, Any], mode: Mode
) -> None:
    scene.automate("to-edit", mode, **given)
    before = automation(scene, "to-edit")
    async with open_app(scene) as pilot:
        await edit(pilot, "to-edit", place)
        assert not any("\x1b" in line or "\u202e" in line for line in screen_text(pilot))
        await press(pilot, "escape")
        assert shows(pilot, "to-edit")  # left without being asked
        await press(pilot, "e")
        await clear(pilot, "automation-name")
        await write(pilot, "renamed")
        await press(pilot, "ctrl+o")
        assert shows(pilot, "Saved renamed.")
        assert shows(pilot, "renamed", "▸ shadow" if mode is Mode.SHADOW else "✓ on")
    after = automation(scene, "renamed")
    assert after.id == before.id
    assert after.mode is mode
    assert after.definition == before.definition.model_copy(update={"name": "renamed"})


async def test_saving_what_is_as_it_was_makes_no_revision(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await edit(pilot, "deploy-on-prod")
        await press(pilot, "ctrl+o")
    assert automation(scene, "deploy-on-prod").revision.number == 1


async def test_taken_out_of_shadow_and_changed_at_once(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await edit(pilot, "canary-f1")
        await fill(pilot, cooldown_span="1h")
        await to(pilot, "shadow")
        await press(pilot, "space", "ctrl+o")
        assert shows(pilot, "canary-f1", "✓ on")
    after = automation(scene, "canary-f1")
    assert after.mode is Mode.ENABLED
    assert after.definition.cooldown == timedelta(hours=1)


async def test_a_disabled_one_stays_disabled(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await edit(pilot, "tell-compliance")
        assert shows(pilot, "It is off: nothing fires it.")
        await fill(pilot, cooldown_span="1h")
        await press(pilot, "ctrl+o")
    assert automation(scene, "tell-compliance").mode is Mode.DISABLED


async def test_what_someone_else_changed_is_not_undone_in_silence(scene: Scene) -> None:
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


async def test_what_someone_else_deleted_can_be_made_anew(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await edit(pilot, "deploy-on-prod")
        await fill(pilot, about_text="mine")
        scene.tower.automations.delete("deploy-on-prod")
        await press(pilot, "ctrl+o")
        assert shows(pilot, "deploy-on-prod was deleted or renamed meanwhile.")
        await press(pilot, "ctrl+o")
    assert automation(scene, "deploy-on-prod").definition.description == "mine"


async def test_leaving_asks_only_when_something_was_written(scene: Scene) -> None:
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

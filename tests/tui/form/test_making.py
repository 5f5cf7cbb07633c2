"""Making an automation: by keys alone, and by mouse alone."""

from datetime import timedelta

import pytest

from firetower.core.actions import NoAction, Severity, SlackAction, WebhookAction
from firetower.core.automations import Mode
from firetower.core.drafts import Part
from firetower.core.events import EventType
from firetower.core.filters.filter import Filter, regex_filter
from firetower.core.filters.patterns import Pattern
from firetower.core.runs import RunState, StateCondition
from firetower.core.scopes import CollectionScope, CollectionsScope, ContainerScope
from tui.form.driving import automation, choose, click, fill, focused, new_form, to
from tui.scene import MODELS, VISION, Scene
from tui.screens import SMALL, open_app, press, settled, shows, write

pytestmark = pytest.mark.anyio


async def test_form_filled_by_keys_saves_a_registry_automation(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        await new_form(pilot)
        assert focused(pilot) == "whole"
        await fill(
            pilot, by="tab", alias_regex="^prod", filter_json='{"metadata.f1": {"$gte": 0.9}}'
        )
        await choose(pilot, "endpoint", "ci-deploy", by="tab")
        await fill(
            pilot,
            by="tab",
            payload_json='{"ref": "${artifact_version_string}",\n"n": 1}',
            automation_name="roll-out",
            about_text="What ada asked for",
            cooldown_span="10m",
        )
        await to(pilot, "shadow", "tab")
        await press(pilot, "space", "ctrl+o")
        assert shows(pilot, "roll-out", "▸ shadow")
        assert shows(pilot, "Saved roll-out.")
    made = automation(scene, "roll-out")
    definition = made.definition
    assert made.mode is Mode.SHADOW
    assert definition.scope == ContainerScope(container=MODELS)
    assert definition.event_type is EventType.ADD_ARTIFACT_ALIAS
    f1 = Filter.of({"metadata.f1": {"$gte": 0.9}})
    assert definition.filter == regex_filter("^prod", None, f1)
    assert definition.action == WebhookAction(
        endpoint="ci-deploy", payload='{"ref": "${artifact_version_string}",\n"n": 1}'
    )
    assert definition.description == "What ada asked for"
    assert definition.cooldown == timedelta(minutes=10)


@pytest.mark.slow
async def test_form_of_a_collection_suggests_its_name(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await new_form(pilot)
        await press(pilot, "right")
        await choose(pilot, "collection", "bert")
        await choose(pilot, "event-type", "collection tagged")
        await fill(pilot, tag_regex="^eu")
        await to(pilot, "action-type")
        await press(pilot, "l", "l")
        assert shows(pilot, "When a tag matching ^eu is added to a")
        await press(pilot, "f2")
        assert shows(pilot, "Saved bert-collection-tagged.")
    definition = automation(scene, "bert-collection-tagged").definition
    assert isinstance(definition.scope, CollectionScope)
    assert str(definition.scope.collection) == "models/bert"
    assert definition.filter == regex_filter(None, "^eu", None)
    assert definition.action == NoAction()


@pytest.mark.slow
async def test_form_of_a_project_saves_each_kind_of_scope(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        for name, pattern, type_, scope in (
            ("glob", "resnet*", "", {"glob": "resnet*"}),
            ("regex", "/^(resnet|bert)$/", "", {"regex": Pattern("^(resnet|bert)$")}),
            ("type", "", "dataset", {"artifact_type": "dataset"}),
            ("both", "*net*", "model", {"glob": "*net*", "artifact_type": "model"}),
        ):
            await new_form(pilot, "2")
            assert shows(pilot, "New automation in project acme/vision")
            await press(pilot, "right")
            await fill(pilot, pattern=pattern)
            if type_:
                await choose(pilot, "type", type_)
            assert shows(pilot, "1 of 2 matches now")
            await to(pilot, "action-type")
            await press(pilot, "right", "right")
            await fill(pilot, automation_name=name)
            await press(pilot, "ctrl+o")
            assert shows(pilot, f"Saved {name}.")
            wanted = CollectionsScope.model_validate({"container": VISION, **scope})
            assert automation(scene, name).definition.scope == wanted


@pytest.mark.slow
async def test_form_with_slack_saves_title_message_and_severity(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await new_form(pilot)
        await to(pilot, "action-type")
        await press(pilot, "right")
        await choose(pilot, "endpoint", "team-ml")
        await fill(pilot, slack_title="${alias}!", slack_message="one\ntwo")
        await choose(pilot, "slack-severity", "ERROR")
        await fill(pilot, automation_name="n")
        await press(pilot, "ctrl+o")
        assert shows(pilot, "Saved n.")
    assert automation(scene, "n").definition.action == SlackAction(
        endpoint="team-ml", title="${alias}!", message="one\ntwo", severity=Severity.ERROR
    )


@pytest.mark.slow
async def test_form_filled_by_mouse_saves_a_collection_automation(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        await pilot.click("#containers Table", offset=(3, 2))
        await settled(pilot)
        await press(pilot, "n")
        await click(pilot, "#whole RadioOption:last-of-type")
        for choice, option in (("#collection", 1), ("#event-type", 1), ("#endpoint", 1)):
            await click(pilot, choice)
            await pilot.click(f"{choice} OptionList", offset=(3, option))
            await settled(pilot)
        await click(pilot, "#automation-name")
        await write(pilot, "by-mouse")
        await click(pilot, "#shadow")
        await pilot.click("#save")
        await settled(pilot)
        assert shows(pilot, "by-mouse", "▸ shadow")
    definition = automation(scene, "by-mouse").definition
    assert isinstance(definition.scope, CollectionScope)
    assert str(definition.scope.collection) == "models/bert"
    assert definition.event_type is EventType.UNLINK_ARTIFACT
    assert definition.action == WebhookAction(endpoint="ci-deploy")


async def test_form_on_a_runs_state_asks_for_it_and_no_collection(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        form = await new_form(pilot, "2")
        await choose(pilot, "event-type", "run state")
        assert shows(pilot, "failed", "When a run fails in project")
        assert not form.fields.row(Part.ALIAS).display
        await choose(pilot, "run-state", "finished, failed")
        await fill(pilot, run_name_regex="^resnet", automation_name="ended")
        await choose(pilot, "endpoint", "ci-deploy")
        await press(pilot, "ctrl+o")
        assert shows(pilot, "Saved ended.")
    definition = automation(scene, "ended").definition
    assert definition.condition == StateCondition(states=(RunState.FINISHED, RunState.FAILED))
    assert definition.filter == regex_filter(None, None, None, run_name="^resnet")

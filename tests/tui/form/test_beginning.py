"""What a form begins from: a sample, another automation, or what is under the cursor."""

import pytest
from textual.widgets import OptionList

from firetower.core.commands import create_command
from firetower.tui.widgets.ask import Picker
from tui.form.driving import automation, click, form_of, value
from tui.scene import Scene
from tui.screens import open_app, press, settled, shows
from tui.test_haste import at

pytestmark = pytest.mark.anyio


async def test_form_begins_from_the_gallery_or_a_duplicate(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await at(pilot, "deploy-on-prod")
        await press(pilot, "N")
        assert isinstance(pilot.app.screen, Picker)
        assert shows(pilot, "Tell Slack of a new dataset")
        assert shows(pilot, "POST the version whenever the alias production is set")
        options = pilot.app.screen.query_one(OptionList)
        assert options.virtual_size.height == options.option_count  # none is folded
        await press(pilot, "down", "enter")
        assert value(pilot, "alias-regex") == "^production$"
        assert form_of(pilot).fields.draft.event_type.value == "REMOVE_ARTIFACT_ALIAS"
        await press(pilot, "f6")
        assert shows(pilot, "Choose an endpoint to test it.")
        await press(pilot, "escape", "D")
        await click(pilot, "#test")
        assert shows(pilot, "Test ci-deploy?")
        await press(pilot, "escape")
        assert value(pilot, "automation-name") == "deploy-on-prod-copy"
        await press(pilot, "ctrl+o")
        copy = automation(scene, "deploy-on-prod-copy").definition
        before = automation(scene, "deploy-on-prod").definition
        assert copy.model_copy(update={"name": before.name}) == before
        await press(pilot, "Y")
        assert pilot.app.clipboard == create_command(automation(scene, "deploy-on-prod-copy"))
        await press(pilot, "enter", "Y", "D")
        assert value(pilot, "automation-name") == "deploy-on-prod-copy-copy"


@pytest.mark.slow
async def test_form_begins_from_a_collection_or_version(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        screen = await at(pilot, "deploy-on-prod")
        await press(pilot, "h")
        screen.collections.table.move_to("models/resnet")
        await press(pilot, "w")
        assert form_of(pilot).fields.draft.collection == "resnet"
        assert form_of(pilot).fields.draft.event_type.value == "LINK_ARTIFACT"
        await press(pilot, "escape", "enter", "w")
        assert value(pilot, "alias-regex") == "^(candidate|production)$"
        await press(pilot, "escape", "enter", "w")
        await settled(pilot)
        assert value(pilot, "alias-regex") == "^(candidate|production)$"

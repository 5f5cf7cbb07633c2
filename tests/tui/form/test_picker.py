"""Choosing from a list: narrowed by typing where there is much to choose from."""

import pytest
from textual.widgets import Input, OptionList

from firetower.tui.widgets.choice import Choice, Picker
from tui.form.driving import new_form, to
from tui.scene import Scene
from tui.screens import SMALL, open_app, press, shows, write

pytestmark = pytest.mark.anyio

HOSTILE = "z [b] [red] \u202ex"


async def test_picker_with_many_options_narrows_by_typing(scene: Scene) -> None:
    for number in range(12):
        scene.tower.link("acme/nlp/bert:v0", f"models/part-{number:02d}")
    scene.tower.link("acme/nlp/bert:v0", f"models/{HOSTILE}")
    async with open_app(scene, SMALL) as pilot:
        form = await new_form(pilot)
        await press(pilot, "right")
        await to(pilot, "collection")
        await press(pilot, "enter")
        picker = pilot.app.screen
        assert isinstance(picker, Picker)
        assert isinstance(picker.focused, Input)
        await write(pilot, "PART-1")
        assert picker.query_one(OptionList).option_count == 2
        await press(pilot, "down", "down", "enter")
        assert form.query_one("#collection", Choice).value == "part-11"
        await press(pilot, "enter")
        await write(pilot, "none of them")
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, Picker)
        await press(pilot, "escape")
        assert form.query_one("#collection", Choice).value == "part-11"
        await press(pilot, "enter")
        await write(pilot, "[b]")
        assert shows(pilot, "z [b] [red] \\u202ex")
        await press(pilot, "enter")
        assert form.query_one("#collection", Choice).value == HOSTILE
        assert shows(pilot, "Collection", "z [b] [red] \\u202ex ▾")


async def test_picker_opens_on_the_chosen_option(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await new_form(pilot)
        await to(pilot, "event-type")
        await press(pilot, "space")
        options = pilot.app.screen.query_one(OptionList)
        assert options.highlighted_option is not None
        assert str(options.highlighted_option.prompt).startswith("alias added")

"""Choosing from a list, in a field and in a dialog, with search where there is much to choose."""

import pytest
from textual.widgets import Input, OptionList

from firetower.tui.widgets.ask import Picker
from firetower.tui.widgets.entries import Choice, Offer
from tui.form.driving import new_form, open_list, to
from tui.scene import Scene
from tui.screens import SMALL, open_app, press, settled, shows, write

pytestmark = pytest.mark.anyio

HOSTILE = "z [b] [red] \ue000x"


@pytest.mark.slow
async def test_choice_search_goes_to_the_match(scene: Scene) -> None:
    for number in range(12):
        scene.tower.link("acme/nlp/bert:v0", f"models/part-{number:02d}")
    scene.tower.link("acme/nlp/bert:v0", f"models/{HOSTILE}")
    async with open_app(scene, SMALL) as pilot:
        form = await new_form(pilot)
        choice = form.query_one("#collection", Choice)
        await press(pilot, "right")
        await to(pilot, "collection")
        await press(pilot, "enter")
        await press(pilot, *"PART-1", "down", "enter")
        assert choice.chosen == "part-11"
        await press(pilot, "enter")
        await press(pilot, *"z [b]")
        assert shows(pilot, "z [b] [red] \\ue000x")
        await press(pilot, "escape")
        assert choice.chosen == "part-11"
        await press(pilot, "enter")
        await press(pilot, *"z [b]")
        await press(pilot, "enter")
        assert choice.chosen == HOSTILE
        assert shows(pilot, "Collection", "z [b] [red] \\ue000x")


async def test_choice_opens_on_the_chosen_option(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await new_form(pilot)
        await to(pilot, "event-type")
        await press(pilot, "space")
        highlighted = open_list(pilot, "event-type").highlighted_option
        assert highlighted is not None
        assert str(highlighted.prompt).startswith("alias added")


async def test_choice_keeps_a_value_no_longer_offered(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        form = await new_form(pilot)
        choice = form.query_one("#endpoint", Choice)
        choice.value = "ci-deploy"
        choice.offer([Offer("validator", "validator")])
        await settled(pilot)
        assert choice.chosen == "ci-deploy"
        assert shows(pilot, "Endpoint", "ci-deploy")


async def test_picker_with_many_options_narrows_by_typing(scene: Scene) -> None:
    offers = [Offer(str(number), f"part-{number:02d}") for number in range(12)]
    picked: list[str | None] = []
    async with open_app(scene, SMALL) as pilot:
        await pilot.app.push_screen(Picker("Which?", offers), picked.append)
        picker = pilot.app.screen
        assert isinstance(picker.focused, Input)
        await write(pilot, "PART-1")
        assert picker.query_one(OptionList).option_count == 2
        await press(pilot, "down", "down", "enter")
        assert picked == ["11"]
        await pilot.app.push_screen(Picker("Which?", offers), picked.append)
        await write(pilot, "none of them")
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, Picker)
        await press(pilot, "escape")
        assert picked == ["11", None]

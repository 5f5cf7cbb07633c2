"""The filter of the form, written as rows."""

import pytest

from tui.form.driving import focused, new_form, value
from tui.scene import Scene
from tui.screens import SMALL, line_with, open_app, press, settled, shows, write

pytestmark = pytest.mark.anyio


async def test_filter_is_written_in_rows_with_keys_completed(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        form = await new_form(pilot, "2")
        form.fields.choices["event_type"].value = "CREATE_ARTIFACT"
        await settled(pilot)
        await press(pilot, "f7")
        assert shows(pilot, "Fire only if")
        assert shows(pilot, "Fields:", "metadata.f1")
        # A key of the newest versions' metadata is completed, an operator chosen.
        await press(pilot, *"metadata.fr", "right")
        assert line_with(pilot, "If", "metadata.framework", "=")
        await press(pilot, "tab", "tab")
        await write(pilot, "torch")
        await press(pilot, "enter")
        await write(pilot, "metadata.f1")
        await press(pilot, "tab", "enter", "down", "down", "down", "enter", "tab")
        await write(pilot, "0.9")
        await press(pilot, "ctrl+o")
        asked = '{"metadata.framework": {"$eq": "torch"}}, {"metadata.f1": {"$gte": 0.9}}'
        assert value(pilot, "filter-json") == f'{{"$and": [{asked}]}}'
        assert focused(pilot) == "filter-json"
        # It reads back as the same rows; what is wrong stands under its row.
        await press(pilot, "f7")
        assert line_with(pilot, "and", "metadata.f1", "≥", "0.9")
        await press(pilot, "home", "x", "ctrl+o")
        assert shows(pilot, "a filter cannot ask for the field")
        await press(pilot, "escape", "right", "enter")
        form.fields.lines["filter"].value = '{"$or": [{"author": "ada"}, {"author": "bo"}]}'
        await press(pilot, "f7")
        assert shows(pilot, "This filter says more than rows can: edit its JSON.")

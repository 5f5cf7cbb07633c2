"""What is pasted is taken whole, or refused."""

import json

import pytest
from textual.widgets import Input

from firetower.core.filters import Filter
from tui.form.driving import fill, new_form, to
from tui.scene import Scene
from tui.screens import open_app, press, shows, write

pytestmark = pytest.mark.anyio

PEM = "-----BEGIN KEY-----\nMIIBVQ\nIBADAN\n-----END KEY-----"
FILTER = {"$and": [{"alias": {"$regex": "^prod"}}, {"metadata.f1": {"$gte": 0.9}}]}


async def test_a_secret_of_several_lines_is_kept_whole(scene: Scene) -> None:
    ends = {"PEM_LF": "\n", "PEM_CRLF": "\r\n", "PEM_CR": "\r"}
    async with open_app(scene) as pilot:
        await press(pilot, "S")
        for name, end in ends.items():
            await press(pilot, "n")
            await write(pilot, name)
            await press(pilot, "tab")
            await write(pilot, f"{PEM}\n".replace("\n", end))
            assert not shows(pilot, "BEGIN KEY")
            await press(pilot, "ctrl+o")
            assert shows(pilot, f"Saved {name}, encrypted.")
    for name in ends:
        scene.webhook(name, url="http://ci.test/", signing_secret=name)
        endpoint = scene.tower.endpoints.find(name)
        assert scene.tower.endpoints.open_secrets(endpoint).values[name] == PEM


async def test_one_that_no_header_holds_is_refused_as_a_token(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "5", "n")
        await write(pilot, "gate")
        await press(pilot, "tab")
        await write(pilot, "http://gate.test/")
        await press(pilot, "tab", "enter", "end", "enter")
        await write(pilot, PEM)
        await press(pilot, "ctrl+o")
        assert shows(pilot, "the value cannot be an access token")
    assert "gate" not in {one.name for one in scene.tower.endpoints.list()}


async def test_a_pretty_filter_is_taken_whole(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        form = await new_form(pilot)
        await to(pilot, "filter-json")
        await write(pilot, json.dumps(FILTER, indent=4).replace("\n", "\r"))
        assert json.loads(form.fields.lines["filter"].value) == FILTER
        await to(pilot, "action-type")
        await press(pilot, "left")
        await fill(pilot, automation_name="pasted")
        await press(pilot, "ctrl+o")
    assert scene.tower.automations.get("pasted").definition.filter == Filter.of(FILTER)


async def test_lines_are_joined_and_what_is_selected_is_replaced(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "1", "slash")
        await write(pilot, "old")
        line = pilot.app.screen.focused
        assert isinstance(line, Input)
        line.action_select_all()
        await write(pilot, "one\n  two\n")
        assert line.value == "one two"

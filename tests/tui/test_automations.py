"""All automations in one list: sorting, filtering, selecting, and changing several at once."""

from datetime import datetime
from threading import Event

import pytest
from textual.pilot import Pilot

from firetower.core.automations import Mode
from firetower.tower import Tower
from firetower.tui.screens import automation as automations_screen
from firetower.tui.screens.automation import AutomationsScreen
from firetower.tui.widgets.table import Table
from tui.scene import Scene
from tui.screens import (
    SMALL,
    TIMEOUT,
    line_with,
    open_app,
    press,
    screen_text,
    settled,
    shows,
    until,
)

pytestmark = pytest.mark.anyio

NAMES = [
    "canary-f1",
    "count-versions",
    "deploy-on-prod",
    "note-candidates",
    "tell-compliance",
    "validate-resnet",
]


def table_of(pilot: Pilot[None]) -> Table:
    screen = pilot.app.screen
    assert isinstance(screen, AutomationsScreen)
    return screen.automations.table


def shown(pilot: Pilot[None]) -> list[object]:
    return [row.key for row in table_of(pilot).rows]


def modes(scene: Scene) -> dict[str, Mode]:
    return {one.name: one.mode for one in scene.tower.automations.list()}


async def test_every_automation_is_listed_sorted_and_filtered(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firetower.tui.screens.automation._FIRST", 2)  # the others follow
    scene.open_circuit("ci-deploy")
    async with open_app(scene, (160, 40)) as pilot:
        await press(pilot, "4")
        assert shown(pilot) == NAMES
        assert shows(pilot, "where", "name", "when", "action", "state", "last", "24 h", "failed")
        assert shows(pilot, "acme/vision", "count-versions", "version")
        assert shows(pilot, "models", "deploy-on-prod", "alias added ~ ^prod", "█   4")
        assert "models" in line_with(pilot, "validate-resnet", "▁")
        # By keys: the columns one after another, and the other way round.
        await press(pilot, "less_than_sign", "less_than_sign")
        assert shows(pilot, "24 h ↓")
        assert shown(pilot)[0] == "deploy-on-prod"
        await press(pilot, "equals_sign")
        assert shown(pilot)[-1] == "deploy-on-prod"
        # By mouse: a title sorts, again turns the order.
        await pilot.click(Table, offset=(2, 0))
        await settled(pilot)
        assert shown(pilot)[0] == "count-versions"
        await pilot.click(Table, offset=(2, 0))
        await settled(pilot)
        assert shown(pilot)[-1] == "count-versions"
        # A key for each state, the same again for all.
        for key, words, names in (
            ("o", "circuit open", ["deploy-on-prod"]),
            ("z", "in shadow", ["canary-f1"]),
            ("i", "disabled", ["tell-compliance"]),
            ("f", "failing", []),
        ):
            await press(pilot, key)
            assert shown(pilot) == names
            assert shows(pilot, f"{len(names)} of 6 {words}")
            assert line_with(pilot, f"{key} {words} {len(names)}")
        await press(pilot, "escape")
        assert len(shown(pilot)) == 6
        # By mouse, on the line that names the keys.
        line = next(text for text in screen_text(pilot) if "f failing 0" in text)
        for names in (["canary-f1"], NAMES):
            await pilot.click(offset=(line.index("in shadow"), 1))
            await settled(pilot)
            assert sorted(map(str, shown(pilot))) == names
        await press(pilot, "slash", *"prod", "enter")
        assert shown(pilot) == ["deploy-on-prod"]
        assert shows(pilot, "1 of 6")
        await press(pilot, "escape")
        assert len(shown(pilot)) == 6


async def test_last_one_is_reached_while_the_others_are_read(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, go_on = automations_screen.read_all, Event()

    def held(tower: Tower, now: datetime, limit: int | None) -> object:
        assert limit or go_on.wait(TIMEOUT)
        return read(tower, now, limit)

    monkeypatch.setattr(automations_screen, "_FIRST", 2)
    monkeypatch.setattr(automations_screen, "read_all", held)
    async with open_app(scene, SMALL) as pilot:
        await pilot.press("4", "G")
        await until(pilot, lambda: shown(pilot) == NAMES[:2])
        go_on.set()
        await until(pilot, lambda: table_of(pilot).key == NAMES[-1])


async def test_several_are_changed_at_once_and_back(scene: Scene) -> None:
    before = modes(scene)
    async with open_app(scene, SMALL) as pilot:
        await press(pilot, "4", "j", "v", "j", "V")
        assert table_of(pilot).selected == {"count-versions", "deploy-on-prod", "note-candidates"}
        assert shows(pilot, "3 selected")
        await press(pilot, "space")
        assert shows(pilot, "Disable 3 automations?")
        assert shows(pilot, "count-versions, deploy-on-prod and note-candidates")
        await press(pilot, "escape", "s")
        assert shows(pilot, "Put in shadow 3 automations?")
        await press(pilot, "escape", "r")
        assert shows(pilot, "Nothing failed in the last 24 h.")
        assert modes(scene) == before
        await press(pilot, "space", "right", "enter")
        assert [name for name, mode in modes(scene).items() if mode is Mode.DISABLED] == [
            "count-versions",
            "deploy-on-prod",
            "note-candidates",
            "tell-compliance",
        ]
        await press(pilot, "u")
        await until(pilot, lambda: modes(scene) == before)
        await press(pilot, "d")
        assert shows(pilot, "Delete 3 automations?")
        await press(pilot, "right", "right", "enter")
        assert set(modes(scene)) == {"canary-f1", "tell-compliance", "validate-resnet"}
        await until(pilot, lambda: len(shown(pilot)) == 3)
        assert table_of(pilot).selected == set()
        await press(pilot, "u")
        await until(pilot, lambda: modes(scene) == before)
        await press(pilot, "v", "escape")
        assert table_of(pilot).selected == set()


async def test_on_a_small_screen_a_state_is_short_and_its_keys_are_named(scene: Scene) -> None:
    scene.open_circuit("ci-deploy")
    async with open_app(scene, SMALL) as pilot:
        await press(pilot, "4")
        assert shows(pilot, "f failing 0", "o circuit open 1", "z in shadow 1", "i disabled 1")
        assert shows(pilot, "deploy-on-prod", "alias added ~", "! open 2")
        assert screen_text(pilot)[-1].startswith(" / Filter n New N Gallery e Edit space Disable")
        await pilot.resize_terminal(200, 50)
        await settled(pilot)
        assert shows(pilot, "deploy-on-prod", "alias added ~ ^prod", "! circuit open 2")

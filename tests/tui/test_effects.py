"""What each action does beyond the screen: it asks first or can be undone, or read-only refuses."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from firetower.delivery import endpoint_test
from firetower.store.store import Store
from firetower.tui.actions import ACTIONS, Action, Effect, has_effect
from firetower.tui.app import FiretowerApp
from tui.scene import NOW, Scene, StillTower
from tui.screens import WIDE, open_app, press, settled, shows, until, write
from tui.test_redeliver import fail_all

pytestmark = pytest.mark.anyio

PLACES: Mapping[str, tuple[str, ...]] = {
    "container": (),
    "automations": ("enter", "home", "j"),
    "automation": ("enter", "home", "j", "enter"),
    "collections": ("enter", "h"),
    "collection": ("enter", "end", "enter", "down"),
    "version": ("enter", "end", "enter", "down", "enter"),
    "feed": ("3", "home"),
    "executions": ("3", "home"),
    "execution": ("3", "home", "enter"),
    "endpoints": ("5",),
    "secrets": ("S",),
}
"""The keys from the first screen to where the actions of a part of the app work, one by one: the
tab of the collections stays open."""
ELSEWHERE: Mapping[str, tuple[str, ...]] = {
    "runs.automate": ("2", "end", "enter", "h"),
    "run.automate": ("2", "end", "enter", "enter"),
    "run.stop": ("2", "end", "enter", "enter"),
    "collection.link": ("2", "enter", "h", "end", "enter"),
    "endpoints.close-circuit": ("5", "end"),
    "form.test": ("enter", "l", "home", "j", "e"),
}
ASKED_ALREADY = {"endpoint-test.test"}
"""Its dialog says all that it does, and is opened for that."""
UNDO = "app.undo"


def effects(part: str) -> list[Action]:
    return [
        one
        for one in ACTIONS
        if one.screen == part and one.effect is not Effect.NONE and one.id not in ELSEWHERE
    ]


def effect_of(action: Action) -> bool:
    return action.effect is not Effect.NONE


def content(scene: Scene) -> list[str]:
    """Return all that is in the database."""
    with closing(sqlite3.connect(scene.path)) as connection:
        return list(connection.iterdump())


def state(scene: Scene) -> list[object]:
    """Return what can be seen of automations and endpoints, whatever the history of it."""
    automations = scene.tower.automations.list()
    return [
        [(one.id, one.mode, one.definition, one.fired_24h) for one in automations],
        [(one.endpoint.settings, one.endpoint.state) for one in scene.tower.endpoints.details()],
    ]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The tests that would have been sent."""
    requests: list[object] = []
    monkeypatch.setattr(endpoint_test, "send_test", lambda *given: requests.append(given))
    return requests


@pytest.fixture
def full_scene(scene: Scene) -> Scene:
    """A database where each action has something to act on."""
    for index in range(4):
        scene.tower.add_tag(f"models/resnet:v{index}", "reviewed")
        scene.tower.add_alias(f"models/resnet:v{index}", f"a{index}")
    scene.tower.runs.start("acme/vision")
    fail_all(scene)
    scene.open_circuit("validator")
    return scene


async def go(pilot: Pilot[None], keys: Sequence[str]) -> Screen[object]:
    """Go from anywhere to a place."""
    await press(pilot, "escape", "escape", "escape", "1", "escape", *keys)
    return pilot.app.screen


async def check_asks_or_undoes(pilot: Pilot[None], scene: Scene, action: Action) -> None:
    screen, before, seen = pilot.app.screen, content(scene), state(scene)
    await press(pilot, action.keys.partition(",")[0])
    if pilot.app.screen is not screen:
        assert content(scene) == before, action.id
        await press(pilot, "escape")
    else:
        assert content(scene) != before, action.id
        assert action.effect is Effect.CHANGE, action.id
        said = [one.message for one in pilot.app._notifications]
        assert any("u undoes" in one for one in said), action.id
        pilot.app.clear_notifications()
        await press(pilot, "u")
        assert state(scene) == seen, action.id
        await settled(pilot)
    assert pilot.app.screen is screen


def test_a_verb_has_an_effect_everywhere_or_nowhere() -> None:
    for action in ACTIONS:
        assert has_effect(action.binding.action) is (action.effect is not Effect.NONE), action.id


def test_each_action_with_an_effect_has_a_place_here() -> None:
    placed = {one.id for part in PLACES for one in effects(part)} | ELSEWHERE.keys()
    acting = {one.id for one in ACTIONS if one.effect is not Effect.NONE}
    assert acting == placed | ASKED_ALREADY | {UNDO}


@pytest.mark.slow
async def test_each_action_asks_first_or_is_undone(full_scene: Scene, sent: list[object]) -> None:
    scene = full_scene
    async with open_app(scene) as pilot:
        for part, keys in PLACES.items():
            await go(pilot, keys)
            for action in effects(part):
                await check_asks_or_undoes(pilot, scene, action)
        for name, keys in ELSEWHERE.items():
            await go(pilot, keys)
            [action] = [one for one in ACTIONS if one.id == name]
            await check_asks_or_undoes(pilot, scene, action)
    assert sent == []


@pytest.mark.slow
async def test_actions_of_automations_ask_first_or_are_undone(full_scene: Scene) -> None:
    async with open_app(full_scene) as pilot:
        await press(pilot, "enter", "j")
        for action in effects("automations"):
            await check_asks_or_undoes(pilot, full_scene, action)


@pytest.mark.slow
async def test_each_other_action_only_shows(full_scene: Scene, sent: list[object]) -> None:
    before = content(full_scene)
    async with open_app(full_scene) as pilot:
        for part, keys in PLACES.items():
            shows_only = [one for one in ACTIONS if one.screen == part and not effect_of(one)]
            for key in ["enter", *(one.keys.partition(",")[0] for one in shows_only)]:
                await go(pilot, keys)
                await press(pilot, key)
                assert content(full_scene) == before, (part, key)
    assert sent == []


@pytest.mark.parametrize(
    "parts",
    [("automations",), pytest.param(PLACES.keys(), marks=pytest.mark.slow)],
    ids=["some", "all"],
)
async def test_read_only_refuses_and_hides_each_effect(
    scene: Scene, sent: list[object], parts: Iterable[str]
) -> None:
    def open_tower() -> StillTower:
        return StillTower(Store.open(str(scene.path), read_only=True, clock=scene.clock))

    app = FiretowerApp(open_tower, clock=scene.clock)
    before = content(scene)
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await until(pilot, lambda: shows(pilot, "read-only") and shows(pilot, "canary-f1"))
        await press(pilot, "1", "ctrl+p")
        await write(pilot, "new")
        await until(pilot, lambda: shows(pilot, "No matches"))
        await press(pilot, "escape")
        for part in parts:
            screen = await go(pilot, PLACES[part])
            for action in effects(part):
                assert action.id not in [
                    one.binding.id for one in screen.active_bindings.values()
                ], action.id
                app.clear_notifications()
                await press(pilot, action.keys.partition(",")[0])
                assert app.screen is screen, action.id
                assert shows(pilot, "opened read-only"), action.id
    assert content(scene) == before
    assert sent == []


async def test_read_only_hints_at_nothing_that_is_refused(empty_scene: Scene) -> None:
    path = str(empty_scene.path)
    app = FiretowerApp(lambda: StillTower(Store.open(path, read_only=True)), clock=lambda: NOW)
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await until(pilot, lambda: shows(pilot, "read-only") and shows(pilot, "No registry yet."))
        await press(pilot, "5")
        assert shows(pilot, "No endpoint yet.")
        assert not shows(pilot, "Press n")

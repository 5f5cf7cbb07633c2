"""A fresh user's way to a first firing, with its keys counted, on the smallest screen."""

import contextlib
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.app import App
from textual.pilot import Pilot

from firetower.tui.container_view import FirstSteps, read_first_steps
from firetower.tui.widgets.first_steps import FirstStepsPanel
from tui.scene import Scene
from tui.screens import SMALL, open_app, press, shows, until, write
from tui.test_tour import on_tour, says

pytestmark = pytest.mark.anyio

MOST_ON_TOUR, MOST_FROM_NOTHING = 12, 20
"""Keys to one's own firing, beside names and paths that are typed."""


class Keys:
    """Presses keys, and counts those that type no name."""

    def __init__(self, pilot: Pilot[None]) -> None:
        self._pilot = pilot
        self.count = 0

    async def press(self, *keys: str) -> None:
        self.count += len(keys)
        await press(self._pilot, *keys)

    async def type(self, text: str) -> None:
        await write(self._pilot, text)


@pytest.mark.slow
async def test_from_the_demos_tour_it_is_12_keys_to_ones_own_firing(scene: Scene) -> None:
    async with on_tour(scene, SMALL) as pilot:
        keys = Keys(pilot)
        await until(pilot, lambda: says(pilot, "enter opens models."))
        await keys.press("enter")
        await until(pilot, lambda: says(pilot, "n begins your own."))
        await keys.press("n", "tab", "tab", "tab", "tab", "left")
        assert shows(pilot, "(•) only record")
        await keys.press("ctrl+o")
        scene.tower.add_alias("models/bert:v0", "the-teams-own")  # as it does every few seconds
        scene.turn()
        await until(pilot, lambda: says(pilot, "models-alias-added has fired."))
        await keys.press("3", "enter")
        await until(pilot, lambda: shows(pilot, "models-alias-added", "✓ finished"))
        assert keys.count <= MOST_ON_TOUR


@pytest.mark.slow
async def test_from_nothing_it_is_20_keys_to_a_firing(empty_scene: Scene, tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"model-{number}.pt").write_text(str(number))
    async with open_app(empty_scene, SMALL) as pilot:
        keys = Keys(pilot)
        assert shows(pilot, "▸ 1  Create a project")
        assert shows(pilot, "2 shows the projects, c creates one")
        await keys.press("2", "c")
        await keys.type("acme/vision")
        await keys.press("ctrl+o")
        assert shows(pilot, "✓ 1  Create a project")
        assert shows(pilot, "▸ 2  Log a version")
        assert shows(pilot, "n in the project's Artifacts tab")
        await keys.press("n")
        for text in ("resnet", "model"):
            await keys.type(text)
            await keys.press("enter")
        await keys.type(str(tmp_path / "model-1.pt"))
        await keys.press("ctrl+o")
        assert shows(pilot, "▸ 3  Automate it")
        await keys.press("w", "tab", "tab", "tab", "tab", "tab", "left")
        assert shows(pilot, "(•) only record")
        await keys.press("ctrl+o")
        assert shows(pilot, "✓ 3  Automate it")
        assert shows(pilot, "Nothing has fired yet. n in Artifacts logs another version.")
        await keys.press("n")
        await keys.type(str(tmp_path / "model-2.pt"))
        await keys.press("ctrl+o")
        empty_scene.turn()
        await until(pilot, lambda: shows(pilot, "✓  vision-new-version", "resnet:v1"))
        assert not pilot.app.screen.query_one(FirstStepsPanel).display
        assert pilot.app.screen.check_action("demo", ()) is False
        assert keys.count <= MOST_FROM_NOTHING
    [execution] = empty_scene.tower.executions.newest(5)
    assert execution.automation == "vision-new-version"


def test_steps_are_over_once_something_has_fired(empty_scene: Scene) -> None:
    assert read_first_steps(empty_scene.tower) == FirstSteps(False, False, False)
    empty_scene.tower.create_registry("models")
    empty_scene.automate("mine")
    assert read_first_steps(empty_scene.tower) == FirstSteps(False, False, True)
    empty_scene.tower.log("acme/vision/resnet", type="model", empty=True)
    empty_scene.tower.link("acme/vision/resnet:v0", "models/resnet", aliases=["production"])
    empty_scene.turn()
    assert read_first_steps(empty_scene.tower) is None


async def test_demo_is_one_key_away_on_an_empty_database(
    empty_scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: list[Sequence[str]] = []

    def note(command: Sequence[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        run.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", note)
    async with open_app(empty_scene, SMALL) as pilot:
        await until(pilot, lambda: shows(pilot, "M for the demo:"))
        await press(pilot, "M")  # no terminal can be handed on here
        assert not run
        assert shows(pilot, "the demo cannot be run")
        with monkeypatch.context() as patch:
            patch.setattr(App, "suspend", lambda _: contextlib.nullcontext())
            await press(pilot, "M")
            assert [list(started[-2:]) for started in run] == [["demo", "--tour"]]

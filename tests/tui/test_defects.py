"""Defects of the app itself: said in two lines, kept in a log, and the app keeps working."""

import re
from pathlib import Path
from typing import NoReturn

import pytest

from firetower.settings import app_log
from firetower.tower import Tower
from firetower.tui import database_watch
from firetower.tui.app import FiretowerApp
from firetower.tui.screens.container import ContainerScreen
from firetower.tui.widgets import automations
from tui.conftest import SHOW_ERROR
from tui.scene import Scene
from tui.screens import SMALL, open_app, press, screen_text, shows, until

pytestmark = pytest.mark.anyio


def fail(*_: object) -> NoReturn:
    raise TypeError("no such thing")


@pytest.fixture(autouse=True)
def _logged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(FiretowerApp, "show_error", SHOW_ERROR)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


async def test_a_defect_is_said_and_logged_and_the_app_works(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app(scene, SMALL) as pilot:

        async def check(keys: list[str], patched: object, name: str) -> None:
            """Fail unless keys that meet a defect say so, and do their work without it."""
            app_log().unlink(missing_ok=True)
            with monkeypatch.context() as patch:
                patch.setattr(patched, name, fail)
                await press(pilot, *keys)
            said = re.sub(r"[\s▌│█…]", "", "".join(screen_text(pilot)))
            assert "somethingwentwrongthatmustnot:TypeError:nosuchthing" in said
            assert "Pleasereportitwith" in said
            assert "Traceback" in app_log().read_text()
            assert "TypeError: no such thing" in app_log().read_text()
            pilot.app.clear_notifications()

        # of a key
        await check(["f"], ContainerScreen, "action_fold_feed")
        await press(pilot, "f")
        assert not shows(pilot, "prod-us")
        # in the background of a list
        await press(pilot, "enter", "j")
        await check(["space"], automations, "_mode_words")
        await press(pilot, "space")
        assert shows(pilot, "deploy-on-prod is disabled")
        # of a dialog, in a thread of the database
        await press(pilot, "1", "c", *"new")
        await check(["ctrl+o"], Tower, "create_registry")
        await press(pilot, "ctrl+o")
        assert "new" in [str(one.reference) for one in scene.tower.registries()]


async def test_a_defect_of_the_watch_is_said_and_it_watches_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_watch, "RETRY_DELAY", 0.02)
    async with open_app(scene, SMALL) as pilot:
        with monkeypatch.context() as patch:
            patch.setattr(Tower, "mark", fail)
            scene.tower.create_registry("new")
            await until(pilot, lambda: shows(pilot, "something went wrong that must not"))
            assert not shows(pilot, " new ")
        await until(pilot, lambda: shows(pilot, " new "))
        assert app_log().read_text().count("Traceback") == 1


async def test_a_log_that_cannot_be_written_is_not_named(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")
    monkeypatch.setattr(ContainerScreen, "action_fold_feed", fail)
    async with open_app(scene, SMALL) as pilot:
        await press(pilot, "f", "f")
        [said] = [one.message for one in pilot.app._notifications]
        assert said.endswith("nothing of yours is lost. Please report it.")

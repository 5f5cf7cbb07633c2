"""What a list says while it loads, when it failed, and when there is nothing to show."""

import threading
from typing import cast

import pytest

from firetower.core.errors import StoreLocked
from firetower.tower import Tower
from firetower.tui.app import FiretowerApp
from firetower.tui.messages import StatusChanged
from firetower.tui.widgets.table import Table
from tui.scene import Scene
from tui.screens import SMALL, app_of, open_app, press, screen_text, settled, shows, until

pytestmark = pytest.mark.anyio


async def test_an_empty_database_says_what_to_do(empty_scene: Scene) -> None:
    async with open_app(empty_scene) as pilot:
        assert shows(pilot, "No registry yet.")
        assert shows(pilot, "Press c to create one")
        assert shows(pilot, "Nothing has fired yet.")
        await press(pilot, "2")
        assert shows(pilot, "No project yet.")
        await press(pilot, "3")
        said = "in the Automations tab of a registry (1) or project (2); each firing shows here."
        assert shows(pilot, f"Make an automation {said}")  # as wide as the screen: no empty pane


async def test_an_empty_tab_says_what_to_do(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "G", "enter")
        assert shows(pilot, "Registries › prompts")
        assert shows(pilot, "No automation watches here yet.")
        assert shows(pilot, "Press n to make one, N")
        await press(pilot, "right")
        assert shows(pilot, "Nothing has fired here yet.")


async def test_what_is_still_read_says_so(scene: Scene) -> None:
    may_open = threading.Event()

    def open_slowly() -> Tower:
        may_open.wait(30)
        return scene.open_tower()

    app = FiretowerApp(open_slowly, clock=scene.clock)
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: shows(pilot, "Loading …"))
        assert not shows(pilot, "No registry yet")
        await press_without_waiting(pilot)
        may_open.set()
        await until(pilot, lambda: shows(pilot, "models"))
        await settled(pilot)


async def press_without_waiting(pilot: object) -> None:
    await pilot.press("j", "enter", "right", "slash", "escape", "space")  # type: ignore[attr-defined]


async def test_what_failed_says_why_and_recovers(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = StoreLocked("the database is locked", "Wait until the other program has ended.")

    def refuse(tower: Tower) -> None:
        raise locked

    async with open_app(scene) as pilot:
        with monkeypatch.context() as patch:
            patch.setattr(Tower, "registries", refuse)
            await press(pilot, "2", "1")
            assert shows(pilot, "the database is locked")
            assert shows(pilot, "Wait until the other")
        pilot.app.post_message(StatusChanged())  # else nothing happens in an idle database
        await until(pilot, lambda: shows(pilot, "models") and not shows(pilot, "is locked"))
        assert not cast("FiretowerApp", pilot.app).session.missed


async def test_filter_hides_rows_until_escape_clears_it(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "enter", *"/PROD")
        assert shows(pilot, "deploy-on-prod", "alias added")
        await until(pilot, lambda: not shows(pilot, "canary-f1", "▸ shadow"))
        await press(pilot, "escape")
        assert shows(pilot, "canary-f1", "▸ shadow")
        assert shows(pilot, "Registries › models")
        # A regex that cannot be read is marked and hides nothing.
        await press(pilot, *"/prod", "(")
        assert pilot.app.focused is not None
        assert pilot.app.focused.has_class("-invalid")
        assert shows(pilot, "deploy-on-prod", "alias added")
        await press(pilot, ")")
        assert not pilot.app.focused.has_class("-invalid")
        await press(pilot, "escape")
        # Letters that are keys elsewhere are only typed.
        await press(pilot, *"/q123")
        assert pilot.app.is_running
        assert shows(pilot, "q123")
        assert "Registries › models" in "\n".join(screen_text(pilot))
        await press(pilot, "escape", *"/zzz")
        assert shows(pilot, "Nothing here matches the filter. Escape clears it.")
        await press(pilot, *["backspace"] * 3, *"link", "enter", "j")
        assert shows(pilot, "validate-resnet", "version linked")
        assert str(pilot.app.screen.query_one("#automations Table", Table).key) == "validate-resnet"


def test_the_app_needs_no_database_to_be_made(scene: Scene) -> None:
    assert app_of(scene).TITLE == "firetower"

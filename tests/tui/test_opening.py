"""The moment before the first real screen: no key pressed then is lost."""

import asyncio
import os
import resource
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from textual.command import CommandPalette
from textual.events import Key

from firetower.core.errors import InvalidInput
from firetower.tower import Tower
from firetower.tui import app as app_module
from firetower.tui.app import FiretowerApp, OpeningScreen, run_app
from firetower.tui.first_view import read_view, reading_beside, write_view
from firetower.tui.form.screen import FormScreen
from firetower.tui.palette import HelpScreen
from firetower.tui.screens.secrets import SecretsScreen
from tui.form.driving import form_of
from tui.scene import Scene
from tui.screens import WIDE, app_of, open_app, screen_text, settled, shows, until

pytestmark = pytest.mark.anyio


MOMENTS = [
    0,
    *(pytest.param(turns, marks=pytest.mark.slow) for turns in (4, 16, 64)),
]
"""Turns of the event loop between two keys."""


@pytest.fixture
def go_on(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Hold the app at its first paint until this is called."""
    gate = threading.Event()

    def held_import(name: str) -> ModuleType:
        assert gate.wait(60)
        return import_module(name)

    monkeypatch.setattr(app_module, "import_module", held_import)
    return gate.set


@pytest.mark.parametrize(
    ("keys", "mode", "screen"),
    [
        (("3", "question_mark"), "feed", HelpScreen),
        (("2", "S"), "project", SecretsScreen),
        (("ctrl+p",), "registry", CommandPalette),
    ],
)
async def test_keys_pressed_before_the_first_screen_act_on_it(
    scene: Scene, go_on: Callable[[], None], keys: tuple[str, ...], mode: str, screen: type
) -> None:
    app = app_of(scene)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press(*keys)
        assert app.current_mode == "opening"
        assert "firetower" in screen_text(pilot)[0]
        go_on()
        await settled(pilot)
        await until(pilot, lambda: isinstance(app.screen, screen))
        assert app.current_mode == mode


@pytest.mark.parametrize("turns", MOMENTS)
async def test_keys_pressed_while_it_opens_act_in_order(
    scene: Scene, go_on: Callable[[], None], turns: int
) -> None:
    app = app_of(scene)
    async with app.run_test(size=WIDE) as pilot:
        go_on()
        while app.current_mode == "opening":
            await asyncio.sleep(0)
        for key in ("enter", "down", "e"):
            app.post_message(Key(key, None))
            for _ in range(turns):
                await asyncio.sleep(0)
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        await settled(pilot)
        assert form_of(pilot).fields.lines["name"].value == "deploy-on-prod"


async def test_it_can_be_left_before_the_first_screen(
    scene: Scene, go_on: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_of(scene)

    begin, beginning, begun = app._begin, asyncio.Event(), asyncio.Event()

    async def recorded_begin() -> None:
        beginning.set()
        try:
            await begin()
        finally:
            begun.set()

    async def open_while_closed(_: OpeningScreen) -> None:
        go_on()
        await asyncio.wait_for(begun.wait(), 60)

    monkeypatch.setattr(app, "_begin", recorded_begin)
    monkeypatch.setattr(OpeningScreen, "on_unmount", open_while_closed, raising=False)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, beginning.is_set)
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)


async def test_a_mode_asked_for_while_it_is_left_is_not_shown(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        app = pilot.app
        assert isinstance(app, FiretowerApp)
    await app.show_mode("feed")
    assert not app._screen_stacks.get("feed")


async def test_the_first_rows_are_shown_before_the_database_is_opened(scene: Scene) -> None:
    gate = threading.Event()

    def open_late() -> Tower:
        assert gate.wait(60)
        return scene.open_tower()

    written = write_view(scene.tower)
    app = FiretowerApp(open_late, clock=scene.clock, read_first=lambda: read_view(written))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: shows(pilot, "deploy-on-prod", "alias added", "✓ on", "4"))
        assert not app.status.plain
        await pilot.press("enter", "down")
        scene.automate("added-meanwhile")
        gate.set()
        await until(pilot, lambda: shows(pilot, "added-meanwhile"))
        assert app.status.plain


async def test_a_first_view_that_is_late_or_failed_is_not_waited_for(scene: Scene) -> None:
    app = FiretowerApp(scene.open_tower, clock=scene.clock, read_first=lambda: None)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: shows(pilot, "deploy-on-prod"))


@pytest.mark.parametrize("missing", [False, True])
def test_another_process_reads_the_first_view_and_changes_nothing(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: bool
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)  # with one it is not read beside the app
    monkeypatch.chdir(tmp_path)
    (tmp_path / "random.py").write_text("raise SystemExit(1)")
    path = tmp_path / "none.db" if missing else scene.path
    log = scene.path.with_name(f"{scene.path.name}-wal")
    before = log.read_bytes()
    with reading_beside(str(path)) as read:
        while (read_now := read()) is None and not missing:
            pass
    assert missing is (read_now is None)
    if read_now is not None:
        view, _ = read_now
        expected, _ = read_view(write_view(scene.tower))
        assert view.containers == expected.containers
        names = [one.name for one in view.automations.automations]
        assert names == [one.name for one in expected.automations.automations] != []
    assert log.read_bytes() == before
    assert path.exists() is not missing


def test_too_little_memory_is_refused_before_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = 300 << 20
    monkeypatch.setattr(resource, "getrlimit", lambda _: (allowed, allowed))
    with pytest.raises(InvalidInput, match="needs 400 MiB of memory, and may use 300"):
        run_app(None)

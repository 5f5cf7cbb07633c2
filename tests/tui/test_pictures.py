"""How the screens look, as SVG. After a change on purpose: pytest --snapshot-update.

Two sizes only where the layout differs between them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from firetower.core.errors import StoreLocked
from firetower.tower import Tower
from firetower.tui.app import FiretowerApp
from firetower.tui.config import Config
from tui.scene import Scene
from tui.screens import SMALL, WIDE, app_of, press, settled

SIZES = pytest.mark.parametrize("size", [SMALL, WIDE], ids=["80x24", "120x40"])
Compare = Callable[..., bool]


def keys(*pressed: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    """Return what brings the app to a screen."""

    async def go(pilot: Pilot[None]) -> None:
        await settled(pilot)
        for key in pressed:  # each acts on rows that the one before may have let be read
            await press(pilot, key)

    return go


@pytest.fixture
def alike(snap_compare: Any, scene: Scene) -> Compare:
    """Compare what the app shows after some keys with its picture."""
    scene.beat()

    def compare(size: tuple[int, int], *pressed: str, app: FiretowerApp | None = None) -> bool:
        shown = app or app_of(scene)
        same: bool = snap_compare(shown, run_before=keys(*pressed), terminal_size=size)
        return same

    return compare


@SIZES
def test_automations(alike: Compare, size: tuple[int, int]) -> None:
    assert alike(size, "enter", "j")


@SIZES
def test_feed(alike: Compare, size: tuple[int, int]) -> None:
    assert alike(size, "3")


def test_collections(alike: Compare) -> None:
    assert alike(SMALL, "enter", "left")


def test_history(alike: Compare) -> None:
    assert alike(WIDE, "enter", "right")


def test_project(alike: Compare) -> None:
    assert alike(WIDE, "2", "enter")


def test_execution(alike: Compare) -> None:
    assert alike(SMALL, "3", "j", "j", "j", "enter")


def test_confirm(alike: Compare) -> None:
    assert alike(SMALL, "enter", "j", "d")


@pytest.mark.parametrize("pressed", [("enter", "j"), ("5",)], ids=["automations", "endpoints"])
def test_circuit_open(alike: Compare, scene: Scene, pressed: tuple[str, ...]) -> None:
    scene.open_circuit("ci-deploy")
    assert alike(WIDE, *pressed)


def test_circuit_closed(alike: Compare, scene: Scene) -> None:
    scene.at(seconds=1)
    scene.open_circuit("ci-deploy")
    scene.at()
    scene.close_circuit("ci-deploy")
    assert alike(SMALL, "3", "j")


@pytest.mark.parametrize(
    "pressed", [("enter", "j", "x"), ("3", "G", "enter", "x")], ids=["automation", "event"]
)
def test_explain(alike: Compare, pressed: tuple[str, ...]) -> None:
    assert alike(SMALL, *pressed)


def test_empty(snap_compare: Any, empty_scene: Scene) -> None:
    assert snap_compare(app_of(empty_scene), run_before=keys(), terminal_size=WIDE)


def test_loading(snap_compare: Any, scene: Scene) -> None:
    app = app_of(scene)
    app.session.tower = asyncio.Event().wait  # type: ignore[method-assign, assignment]

    async def wait(pilot: Pilot[None]) -> None:
        await pilot.pause()

    assert snap_compare(app, run_before=wait, terminal_size=SMALL)


def test_failed(alike: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(tower: Tower) -> None:
        raise StoreLocked(
            "the database /srv/firetower/tower.db is locked by another process",
            "Try again when it is done.",
        )

    monkeypatch.setattr(Tower, "registries", refuse)
    assert alike(WIDE)


def test_full(alike: Compare, scene: Scene) -> None:
    for number in range(40):
        scene.automate(f"zz-{number:02d}-{'long-name-' * (number % 4)}")
    scene.fire(1)
    assert alike(WIDE, "enter", "G")


@pytest.mark.parametrize("theme", ["light", "ansi"])
def test_themes(alike: Compare, scene: Scene, theme: str) -> None:
    app = FiretowerApp(scene.open_tower, clock=scene.clock, config=Config(theme=theme))
    assert alike(WIDE, "enter", "j", app=app)


def test_without_colour(alike: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert alike(WIDE, "enter", "j")

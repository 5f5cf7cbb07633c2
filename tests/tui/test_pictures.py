"""How the screens look, as SVG. After a change on purpose: pytest --snapshot-update."""

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
        await press(pilot, *pressed)

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
def test_collections(alike: Compare, size: tuple[int, int]) -> None:
    assert alike(size, "enter", "left")


@SIZES
def test_history(alike: Compare, size: tuple[int, int]) -> None:
    assert alike(size, "enter", "right")


@SIZES
def test_project(alike: Compare, size: tuple[int, int]) -> None:
    assert alike(size, "2", "enter")


@SIZES
def test_feed(alike: Compare, size: tuple[int, int]) -> None:
    assert alike(size, "3")


@SIZES
def test_execution(alike: Compare, size: tuple[int, int]) -> None:
    assert alike(size, "3", "k", "k", "k", "enter")


@SIZES
def test_confirm(alike: Compare, size: tuple[int, int]) -> None:
    assert alike(size, "enter", "j", "d")


@SIZES
@pytest.mark.parametrize(
    "pressed", [("enter", "j"), ("3",), ("i",)], ids=["automations", "feed", "endpoints"]
)
def test_circuit(
    alike: Compare, scene: Scene, size: tuple[int, int], pressed: tuple[str, ...]
) -> None:
    scene.open_circuit("ci-deploy")
    assert alike(size, *pressed)


@SIZES
def test_circuit_closed(alike: Compare, scene: Scene, size: tuple[int, int]) -> None:
    scene.at(seconds=1)
    scene.open_circuit("ci-deploy")
    scene.at()
    scene.close_circuit("ci-deploy")
    assert alike(size, "3", "k")


@SIZES
@pytest.mark.parametrize(
    "pressed", [("enter", "j", "x"), ("3", "G", "enter", "x")], ids=["automation", "event"]
)
def test_explain(alike: Compare, size: tuple[int, int], pressed: tuple[str, ...]) -> None:
    assert alike(size, *pressed)


@SIZES
def test_empty(snap_compare: Any, empty_scene: Scene, size: tuple[int, int]) -> None:
    assert snap_compare(app_of(empty_scene), run_before=keys(), terminal_size=size)


def test_loading(snap_compare: Any, scene: Scene) -> None:
    app = app_of(scene)
    app.session.begin = lambda: None  # type: ignore[method-assign]

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

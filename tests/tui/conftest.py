"""One furnished database, a copy of it for each test, and UTC wherever the tests run."""

import inspect
import itertools
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual._compositor import Compositor
from textual.app import App
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.pilot import Pilot

from firetower.core.errors import FiretowerError, Unforeseen
from firetower.settings import SECRET_KEY
from firetower.store.queue import evaluate
from firetower.store.store import Store
from firetower.tui.app import FiretowerApp
from tui import screens
from tui.scene import Scene, furnish
from waiting import TIMEOUT

KEY = "Zmlyc3QtdGhlLXRvd2VyLXRoZW4tdGhlLWZpcmUtNDI="
"""Opens the secrets of each copy of the furnished database."""


DRAW = Compositor.render_update
SHOW_ERROR = FiretowerApp.show_error


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw what has changed as on a terminal, for tests of just that."""
    monkeypatch.setattr(Compositor, "render_update", DRAW)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _everywhere_the_same() -> Iterator[None]:
    # For each test: other tests run in the same process, and their workers have no such key.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        patch.setenv(SECRET_KEY, KEY)
        patch.delenv("NO_COLOR", raising=False)
        patch.setenv("COLORTERM", "truecolor")
        patch.setenv("TERM", "xterm-256color")
        patch.setenv("XDG_STATE_HOME", os.devnull)
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(scope="session", autouse=True)
def _defects_fail() -> Iterator[None]:
    """Let a defect in the background of the app fail the test, which only says so to a user."""

    def show(self: FiretowerApp, error: FiretowerError) -> None:
        if isinstance(error, Unforeseen):
            App._handle_exception(self, error)
        SHOW_ERROR(self, error)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FiretowerApp, "show_error", show)
        yield


@pytest.fixture(scope="session", autouse=True)
def _work_is_not_begun_early() -> Iterator[None]:
    """Refuse to run a coroutine as a worker: one that is cancelled before leaves it unawaited."""
    run_worker = DOMNode.run_worker

    def run(self: DOMNode, work: Any, *options: Any, **named: Any) -> Any:
        frame = work.cr_frame if inspect.iscoroutine(work) else None
        own = frame is not None and frame.f_globals["__name__"].startswith("firetower")
        assert not own, f"give the method, not what it returns: {work}"
        return run_worker(self, work, *options, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DOMNode, "run_worker", run)
        yield


@pytest.fixture(scope="session", autouse=True)
def _soon_idle() -> Iterator[None]:
    """Look more often whether the app has done with a key, and let it rest less between readings.

    Three times 20 ms for each key add up, and so does a quarter of a second for each reading. But
    what a user has little time for lasts as long as a slow machine needs.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textual._wait.SLEEP_GRANULARITY", 1 / 200)
        patch.setattr("textual._wait.SLEEP_IDLE", 1 / 2000)
        patch.setattr("firetower.tui.session.REFRESH_INTERVAL", 0.02)
        patch.setattr("firetower.tui.key_queue.PAINT_TIME", 0)
        patch.setattr("firetower.tui.form.backtest.DEBOUNCE", 0.02)
        patch.setattr("firetower.tui.widgets.listing.DEBOUNCE", 0.02)
        patch.setattr("firetower.tui.form.screen.ERROR_DELAY", 0.02)
        patch.setattr("firetower.tui.app.READING", TIMEOUT)
        patch.setattr("firetower.tui.app.MOST_READING", 2 * TIMEOUT)
        patch.setattr("firetower.tui.app.LEAVE_WITHIN", TIMEOUT)
        yield


@pytest.fixture(scope="session", autouse=True)
def _widgets_awaited_as_they_are() -> Iterator[None]:
    """Ask widgets whether they rest; the pilot sends each a message, and they redraw for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pilot, "_wait_for_screen", screens.widgets_rest)
        yield


@pytest.fixture(scope="session", autouse=True)
def _drawn_when_looked_at() -> Iterator[None]:
    """Leave out the drawing to a terminal that is not there, a quarter of the time.

    `screen_text` and pictures draw the whole screen themselves.
    """

    def draw(self: Compositor, full: bool = False, **options: Any) -> Any:
        if full:
            return DRAW(self, full=True, **options)
        self._dirty_regions.clear()
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compositor, "render_update", draw)
        yield


@pytest.fixture(scope="session", autouse=True)
def _styles_read_once() -> Iterator[None]:
    """Parse each style sheet once for all apps; Textual does so anew for each screen of each."""
    set_variables = Stylesheet.set_variables
    parsed: dict[tuple[tuple[str, str], ...], dict[object, object]] = {}

    def share(self: Any, variables: dict[str, str]) -> None:
        self._parse_cache = {}  # cleared by Textual where the variables change
        set_variables(self, variables)
        self._parse_cache = parsed.setdefault(tuple(variables.items()), {})

    def initialize(self: Any, *, variables: dict[str, str] | None = None) -> None:
        original(self, variables=variables)
        share(self, variables or {})

    original = Stylesheet.__init__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "__init__", initialize)
        patch.setattr(Stylesheet, "set_variables", share)
        patch.setattr(RuleSet, "__hash__", object.__hash__)  # the same, and asked for most often
        yield


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with something of everything."""
    path = tmp_path_factory.mktemp("furnished") / "tower.db"
    numbers = itertools.count(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "webhook_id", lambda *_: f"msg_{next(numbers):026d}")
        patch.setenv(SECRET_KEY, KEY)
        scene = Scene(path)
        furnish(scene)
        scene.close()
    return path


@pytest.fixture(scope="session")
def unfurnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with nothing in it."""
    path = tmp_path_factory.mktemp("unfurnished") / "tower.db"
    Store.open(str(path)).close()
    return path


@pytest.fixture
def scene(furnished: Path, tmp_path: Path) -> Iterator[Scene]:
    """A furnished database of the test's own."""
    yield from _copy(furnished, tmp_path)


@pytest.fixture
def empty_scene(unfurnished: Path, tmp_path: Path) -> Iterator[Scene]:
    """An empty database of the test's own."""
    yield from _copy(unfurnished, tmp_path)


def _copy(template: Path, folder: Path) -> Iterator[Scene]:
    scene = Scene(Path(shutil.copy(template, folder / "tower.db")))
    yield scene
    scene.close()

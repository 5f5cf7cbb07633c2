"""The app on a database of a test, and what its screen shows."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

from textual.app import App
from textual.dom import DOMNode
from textual.events import Paste
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.worker import Worker

from firetower.tui.app import FiretowerApp
from firetower.tui.widgets.listing import DetailPane, Listing
from firetower.worker_process import WorkerProcess
from tui.scene import Scene

WIDE, SMALL = (120, 40), (80, 24)
TIMEOUT = 60.0
"""Seconds after which a condition will not come true, on a busy machine too."""
_POLLS = (0.005, 0.04)
"""Seconds between two looks, at first and at last: to look takes as long as the app needs."""


def app_of(scene: Scene, worker: WorkerProcess | None = None) -> FiretowerApp:
    """Return the app on a database, not yet running."""
    return FiretowerApp(scene.open_tower, clock=scene.clock, worker=worker)


@asynccontextmanager
async def open_app(
    scene: Scene, size: tuple[int, int] = WIDE, worker: WorkerProcess | None = None
) -> AsyncIterator[Pilot[None]]:
    """Run the app until the block ends; it has read what its first screen shows."""
    app = app_of(scene, worker)
    async with app.run_test(size=size, notifications=True, tooltips=True) as pilot:
        await until(pilot, lambda: app.status.plain)
        await settled(pilot)
        yield pilot


async def until(
    pilot: Pilot[None], condition: Callable[[], object], timeout: float = TIMEOUT
) -> None:
    """Let the app go on until a condition holds."""
    deadline = monotonic() + timeout
    pause, longest = _POLLS
    while not condition():
        assert monotonic() < deadline, "\n".join(screen_text(pilot))
        await widgets_rest(pilot)
        pilot.app.screen._on_timer_update()
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, longest)
    if pilot.app.is_running:
        await pilot.pause()  # what changed together is drawn together: one line may come first


async def settled(pilot: Pilot[None]) -> None:
    """Let the app go on until it has opened, nothing is being read, and all is drawn."""
    deadline = monotonic() + TIMEOUT
    while True:
        assert monotonic() < deadline, "\n".join(screen_text(pilot))
        if pilot.app.current_mode == "opening" or _reads(pilot):
            await asyncio.sleep(_POLLS[0])
            continue
        await pilot.pause()  # every widget has handled what it was sent, and is drawn
        rest = all(map(_rests, _widgets(pilot)))
        if rest and not _reads(pilot) and _is_drawn(pilot.app):
            return
        pilot.app.screen._on_timer_update()


def _is_drawn(app: App[Any]) -> bool:
    screen = app.screen
    later = screen._layout_required or screen._scroll_required or screen._repaint_required
    scrolls = app.animator._animations  # at the animator's next tick, though nothing is animated
    return app._exit or not (later or screen._dirty_widgets or screen._callbacks or scrolls)


async def widgets_rest(pilot: Pilot[None], timeout: float = TIMEOUT) -> bool:
    """Wait until every widget of the screen has handled what it was sent."""
    deadline = monotonic() + timeout
    rested = False
    while not rested:
        rested = True
        for widget in _widgets(pilot):
            while not _rests(widget):
                if pilot.app._exception is not None:
                    return False
                if pilot.app._exit or not pilot.app.is_running:
                    return True
                assert monotonic() < deadline, f"{widget} never rests"
                rested = False
                await asyncio.sleep(0)
    return pilot.app._exception is None


def _widgets(pilot: Pilot[None]) -> list[MessagePump]:
    return [pilot.app, *pilot.app.screen.walk_children(with_self=True)]


def _rests(pump: MessagePump) -> bool:
    """Return whether a widget waits for a message, or is gone."""
    waiting: Iterable[asyncio.Future[bool]] = pump._message_queue.ready_event._waiters
    gone = pump._closing or pump._closed or (pump._is_mounted and not pump._running)
    return gone or (not pump._next_callbacks and any(not one.done() for one in waiting))


def _reads(pilot: Pilot[None]) -> bool:
    """Return whether a screen is still reading from the database, or about to."""
    screen = pilot.app.screen
    if not screen.children:  # it is not composed yet
        return True
    if len(_busy(pilot)) > _open_dialogs(pilot):
        return True
    return any(map(_awaits_rows, screen.walk_children()))


def _awaits_rows(node: DOMNode) -> bool:
    if isinstance(node, Listing):
        return node.awaits_rows and all(one.display for one in node.ancestors_with_self)
    return isinstance(node, DetailPane) and node.is_waiting


def _busy(pilot: Pilot[None]) -> list[Worker[object]]:
    return [
        worker
        for worker in pilot.app.workers
        if not worker.is_finished and worker.group not in {"worker-process", "open"}
    ]


def _open_dialogs(pilot: Pilot[None]) -> int:
    """Return how many workers wait for a dialog's answer."""
    return sum(
        back.future is not None and bool(back.future._callbacks)
        for screen in pilot.app.screen_stack
        for back in screen._result_callbacks
    )


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys, and let what they start come to its end."""
    await pilot.press(*keys)
    await settled(pilot)


async def write(pilot: Pilot[None], text: str) -> None:
    """Paste a text where the focus is: a key for each character takes long."""
    assert pilot.app.screen.focused is not None
    pilot.app.post_message(Paste(text))
    await settled(pilot)


def screen_text(pilot: Pilot[None]) -> list[str]:
    """Return the lines of the screen as they are drawn."""
    return [strip.text.rstrip() for strip in pilot.app.screen._compositor.render_strips()]


def line_with(pilot: Pilot[None], *words: str) -> str:
    """Return the first line of the screen that has all these words."""
    for line in screen_text(pilot):
        if all(word in line for word in words):
            return line
    raise AssertionError(f"no line has {words}:\n" + "\n".join(screen_text(pilot)))


def shows(pilot: Pilot[None], *words: str) -> bool:
    """Return whether one line of the screen has all these words."""
    return any(all(word in line for word in words) for line in screen_text(pilot))

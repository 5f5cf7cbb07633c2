"""Keys that come faster than they are answered, and a database that answers late."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest
from textual.events import Key, MouseDown, MouseUp
from textual.keys import key_to_character
from textual.pilot import Pilot

from firetower.tower import Tower
from firetower.tui import key_queue
from firetower.tui.app import FiretowerApp
from tui.screens import TIMEOUT, settled

T = TypeVar("T")


def firetower_of(pilot: Pilot[None]) -> FiretowerApp:
    """Return the app that is driven."""
    assert isinstance(pilot.app, FiretowerApp)
    return pilot.app


async def type_ahead(pilot: Pilot[None], *keys: str) -> None:
    """Press keys that all have come before the first is answered, as on a machine that lags."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(key_queue, "HANDLING_TIMEOUT", TIMEOUT)
        for key in keys:
            pilot.app.post_message(Key(key, key_to_character(key)))
        await settled(pilot)


def click_ahead(pilot: Pilot[None], x: int, y: int) -> None:
    """Click as a terminal does: what comes next does not wait for what the click opens."""
    for kind in (MouseDown, MouseUp):
        pilot.app.post_message(kind(None, x, y, 0, 0, 1, False, False, False, x, y))


class Held:
    """The answers that the database has given and that have not arrived yet."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Event] = []
        self._over = False

    def __len__(self) -> int:
        return len(self._waiting)

    async def hold(self) -> None:
        """Wait until let go."""
        if self._over:
            return
        event = asyncio.Event()
        self._waiting.append(event)
        await event.wait()

    def let_go(self, place: int = 0) -> None:
        """Let an answer arrive: the oldest, or the one at a place."""
        self._waiting.pop(place).set()

    def let_all_go(self) -> None:
        """Let all arrive, also what the database is about to answer."""
        self._over = True
        while self:
            self.let_go()


@asynccontextmanager
async def late(pilot: Pilot[None]) -> AsyncIterator[Held]:
    """Hold what the database answers until it is let go; what is left, at the end."""
    session, held = firetower_of(pilot).session, Held()
    ask = session.ask

    async def ask_late(question: Callable[[Tower], T]) -> T:
        try:
            return await ask(question)
        finally:
            await held.hold()

    session.ask = ask_late  # type: ignore[method-assign]
    try:
        yield held
    finally:
        session.ask = ask  # type: ignore[method-assign]
        held.let_all_go()

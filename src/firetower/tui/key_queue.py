"""Keys and clicks in order: each is handled before the next, which goes to what it has opened."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias, cast

from textual import events
from textual.app import App, ScreenStackError
from textual.dom import DOMNode
from textual.errors import NoWidget
from textual.message import Message
from textual.message_pump import MessagePump
from textual.worker import Worker

from firetower.tui.background import start_worker

Typed: TypeAlias = events.Key | events.Paste | events.MouseUp
HANDLING_TIMEOUT = 1.0
"""Seconds after which the next key no longer waits for what the one before has started."""
ROWS_TIMEOUT = 5.0
"""Seconds after which a key no longer waits for the rows of a list or a form."""
PAINT_TIME = 0.02
"""Seconds in which what a key changed is painted."""
_POLL_INTERVAL = 0.005
_REMOVED_INTERVAL = 0.02
"""Seconds between two looks whether a widget that is waited for is still there."""


class Marker(Message):
    """Follows a key through the widgets: once it reaches the app, the key was handled."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()


class HasRows(Protocol):
    """A list, or a form, whose rows may not be read yet."""

    awaits_rows: bool


class KeyQueue:
    """Hands keys, pastes and the ends of clicks to the app one after another.

    Textual sends each to what has the focus when it comes: what is typed while a screen opens
    would act on the screen below, or on nothing.
    """

    def __init__(self, app: App[None], handle: Callable[[Typed], Awaitable[None]]) -> None:
        self._app = app
        self._handle = handle
        self._waiting: deque[Typed] = deque()
        self._typed = asyncio.Event()
        """Whether more has been typed since the last key was handed on."""
        self._is_running = False
        self._is_settled = False
        """Whether nothing was typed into a field since a key was waited for."""
        self._has_screen = asyncio.Event()
        self._started: list[tuple[Worker[None], object]] = []
        """What keys have started in the background, each with the screen that was shown then."""

    def add(self, event: Typed) -> None:
        self._waiting.append(event)
        self._typed.set()
        if not self._is_running:
            self._is_running = True
            start_worker(self._app, self._run, "keys")

    async def begin(self) -> None:
        """Hand on what was typed before there was a screen to act on, once its list has focus."""
        await self._passed(self._app.screen)
        self._has_screen.set()

    def note_started(self, worker: Worker[None]) -> None:
        """Let keys wait for a worker that one has started, while its screen is shown.

        Not while a dialog that it asks is over its screen, but again once that is left.
        """
        if self._is_running and self._screens:
            self._started.append((worker, self._screens[-1]))

    async def _run(self) -> None:
        try:
            while self._waiting:
                event = self._waiting.popleft()
                await self._opened(event)
                if (
                    self._unread
                    and isinstance(event, events.Key)
                    and self._is_bound_below_app(event.key)
                ):
                    await self.rows_read()
                await self._hand_on(event)
        finally:
            self._is_running = False

    async def _hand_on(self, event: Typed) -> None:
        target = self._under(event) if isinstance(event, events.MouseUp) else self._target
        if target is None or self._is_text_for(target, event):
            self._is_settled = False
            await self._handle(event)
            return
        if not self._is_settled or not isinstance(event, events.Key):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HANDLING_TIMEOUT):
                    await self._passed(target)  # a key of the app's own would overtake the text
        self._is_settled = True
        before = self._screens
        self._typed.clear()
        await self._handle(event)
        if not self._waiting:  # to follow the key at once would delay its paint
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._typed.wait(), PAINT_TIME)
        try:
            async with asyncio.timeout(HANDLING_TIMEOUT):
                await self._settled(target)
        except TimeoutError:
            shown = self._screens[-1:]  # the next key does not wait again
            self._started = [one for one in self._started if one[1] not in shown]
        if self._screens != before and isinstance(event, events.Key):
            self._drop_repeats(event.key)

    async def _settled(self, target: DOMNode) -> None:
        """Wait until a key was handled, and until a screen that it opens has its focus."""
        await self._passed(target)
        await self._passed(target)  # what it sent from there
        passed: DOMNode | None = target
        while (shown := self._target) is not None:
            screens = self._screens
            if shown is not passed:
                await self._passed(shown)
            passed = None
            was_working = self._is_working
            while self._is_working:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(_POLL_INTERVAL)
            if screens == self._screens and not was_working:
                return

    async def _passed(self, node: MessagePump) -> None:
        """Wait until the messages of a widget, and those they sent up from it, are handled.

        One that is removed meanwhile, with its dialog for example, handles no more.
        """
        marker = Marker()
        if not node.post_message(marker):
            return
        while node.is_attached and not marker.reached.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_REMOVED_INTERVAL):
                    await marker.reached.wait()

    def _drop_repeats(self, key: str) -> None:
        """Drop the key if it was pressed again before its screen was seen, unless as text."""
        target = self._target
        while self._waiting and target is not None and key != "escape":
            event = self._waiting[0]
            if not isinstance(event, events.Key) or event.key != key:
                break
            if self._is_text_for(target, event):
                break
            self._waiting.popleft()

    async def _opened(self, event: Typed) -> None:
        """Wait until there is a screen, unless the app offers the key before: to leave it."""
        if self._has_screen.is_set() or (
            isinstance(event, events.Key) and event.key in self._app.active_bindings
        ):
            return
        await self._has_screen.wait()

    async def rows_read(self) -> None:
        """Wait until the list or the form in focus, if there is one, has its rows."""
        target, lists = self._target, self._unread
        if target is None or not lists:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ROWS_TIMEOUT):
                while any(one.awaits_rows for one in lists):
                    if self._target is not target:
                        return
                    await asyncio.sleep(_POLL_INTERVAL)
                await self._passed(target)
                return
        for one in lists:  # the next key does not wait again
            one.awaits_rows = False

    @property
    def _unread(self) -> Sequence[HasRows]:
        """The lists in focus, and the form, whose rows are not read yet."""
        target = self._target
        within = [] if target is None else target.ancestors_with_self
        return [cast("HasRows", one) for one in within if getattr(one, "awaits_rows", False)]

    def _under(self, event: events.MouseUp) -> DOMNode | None:
        """Return the widget that is clicked."""
        try:
            return self._app.get_widget_at(event.x, event.y)[0]
        except (NoWidget, ScreenStackError):
            return None

    def _is_bound_below_app(self, key: str) -> bool:
        if not self._screens:
            return False
        chain = self._app.screen._modal_binding_chain  # noqa: SLF001 - hidden actions too
        return any(key in keys.key_to_bindings for node, keys in chain if node is not self._app)

    def _is_text_for(self, target: DOMNode, event: Typed) -> bool:
        """Return whether the event is text for a field: that opens nothing."""
        if not isinstance(event, events.Key):
            return isinstance(event, events.Paste)
        consumes = getattr(target, "check_consume_key", None)
        return consumes is not None and bool(consumes(event.key, event.character))

    @property
    def _is_working(self) -> bool:
        """Whether what a key has started on the screen that is shown has not ended."""
        self._started = [one for one in self._started if not one[0].is_finished]
        return any(screen is self._screens[-1] for _, screen in self._started)

    @property
    def _screens(self) -> Sequence[object]:
        try:
            return self._app.screen_stack
        except (KeyError, ScreenStackError):
            return ()

    @property
    def _target(self) -> DOMNode | None:
        """What gets the next key."""
        screens = self._screens
        return (self._app.focused or self._app.screen) if screens else None

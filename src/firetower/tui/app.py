"""The app: modes, keys, themes, and the parts that run behind the screens."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import PurePath
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.actions import ActionParseResult
from textual.app import App, ComposeResult
from textual.await_complete import AwaitComplete
from textual.command import CommandPalette
from textual.content import Content
from textual.dom import DOMNode
from textual.filter import LineFilter
from textual.notifications import SeverityLevel
from textual.reactive import reactive
from textual.worker import WorkerFailed, active_worker

from firetower.core.errors import FiretowerError, InvalidInput, Unforeseen
from firetower.core.text import counted, shortened, visible
from firetower.settings import config_file
from firetower.tui import navigation, themes
from firetower.tui.actions import BY_ID, bindings_of, has_effect
from firetower.tui.background import start_worker
from firetower.tui.config import Config, read_config
from firetower.tui.key_queue import KeyQueue, Marker
from firetower.tui.messages import (
    AutomationSaved,
    DatabaseChanged,
    LeaveUnsaved,
    Open,
    OpenCollection,
    OpenContainer,
    OpenSecrets,
    OpenWorkerLog,
    WatchFailed,
    WriteAutomation,
    post,
)
from firetower.tui.page import Page, StyledOnce, Undo, ask, push_undo
from firetower.tui.session import Session, foreseen, in_background
from firetower.tui.signals import end_failed, end_on_signals, restore_terminal, stop_on_signals
from firetower.tui.status_line import StatusLine
from firetower.tui.terminal_driver import TerminalDriver
from firetower.tui.text import Sanitizer, clock
from firetower.tui.widgets.bar import Bar
from firetower.worker_process import WorkerProcess

if TYPE_CHECKING:
    from firetower.tower import Tower
    from firetower.tui.alerts import Alerts
    from firetower.tui.database_watch import DatabaseWatch
    from firetower.tui.first_view import FirstView
    from firetower.tui.tour import Tour


MEMORY = 400 << 20
"""Bytes of address space that the app needs, its threads and imports included."""
IMPORT_DELAY = 3.0
"""Seconds until the other screens are imported: the first screen's list comes first."""
LEAVE_WITHIN = 2.0
"""Seconds within which the key that leaves the app is pressed again."""
READING, MOST_READING = 2.0, 10.0
"""Seconds that a notification is shown, at least and at most."""
READ_IN_A_SECOND = 25
"""Characters read in a second."""
_NEWS_AGE = timedelta(minutes=1)
"""The age from which a change of a circuit is no news: the feed has it."""
_NOTIFIED = 1_000
"""Characters of a notification."""


class OpeningScreen(StyledOnce[None]):
    """The top line at once, for imports take longer; keys pressed meanwhile wait."""

    def compose(self) -> ComposeResult:
        yield Bar("registry")


class FiretowerApp(App[None]):
    """Registries and projects, their automations, and the feed of their executions."""

    TITLE = "firetower"
    CSS_PATH: ClassVar[list[str | PurePath]] = list(themes.style_sheets())
    MODES: ClassVar = {"opening": OpeningScreen, **navigation.MODES}
    COMMANDS: ClassVar = set(navigation.PALETTE)
    DEFAULT_MODE = "opening"
    BINDINGS: ClassVar = bindings_of("app")

    status: reactive[Content] = reactive(Content(""), layout=False, repaint=False)
    """The state of the database and its workers, shown in the top line of every screen."""

    def __init__(
        self,
        open_tower: Callable[[], Tower],
        *,
        clock: Callable[[], datetime],
        worker: WorkerProcess | None = None,
        config: Config | None = None,
        tour: bool = False,
        read_first: Callable[[], FirstView | None] | None = None,
    ) -> None:
        super().__init__(driver_class=TerminalDriver)
        self.stylesheet = themes.StyleSheets(variables=self.get_css_variables())
        self.animation_level = "none"
        for theme in themes.THEMES:
            self.register_theme(theme)
        chosen = config or Config()
        console = self.console
        few_colours = console.color_system in {"standard", "windows"} or console.is_dumb_terminal
        self.theme = themes.NAMES["ansi" if few_colours or self.no_color else chosen.theme]
        self.set_keymap(chosen.keys)
        self.session = Session(open_tower, clock, read_first)
        self.keys = KeyQueue(self, super().on_event)
        self._alerts_kind = chosen.alerts
        self._alerts: Alerts | None = None
        self._worker = worker
        self._status = StatusLine(self, worker, partial(setattr, self, "status"))
        self._watch: DatabaseWatch | None = None
        self._sanitize = Sanitizer()
        self._with_tour = tour
        self._leave_pressed_at = -LEAVE_WITHIN
        self._asks_to_leave = False
        self._stop_job: Callable[[], None] = lambda: None
        self.tour: Tour | None = None
        self.failure: FiretowerError | None = None
        """What ended it, if a defect did."""

    def get_line_filters(self) -> Sequence[LineFilter]:
        colours = [themes.WithoutColour()] if self.no_color else super().get_line_filters()
        return [*colours, self._sanitize]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(themes.VARIABLES)

    def on_mount(self) -> None:
        if not self.is_headless:
            self._stop_job = stop_on_signals(self)
        self.call_after_refresh(lambda: start_worker(self, self._begin, "open"))
        self.set_timer(IMPORT_DELAY, lambda: start_worker(self, self._settle, "open"))

    async def _begin(self) -> None:
        await asyncio.to_thread(import_module, "firetower.tui.screens.container")
        if not self.is_running:
            return
        await self.show_mode("registry")
        await self.keys.begin()
        if self._with_tour:
            from firetower.tui.tour import Tour

            self.tour = Tour(self)
        tower = await self.session.open(self.show_error)
        await self.keys.rows_read()  # what follows would only delay them
        from firetower.tui.alerts import Alerts
        from firetower.tui.database_watch import DatabaseWatch

        self._status.begin(tower)
        self._alerts = Alerts(self._alerts_kind, self._write_to_terminal, os.environ)
        self._watch = DatabaseWatch(tower, self.post_message)

    async def _settle(self) -> None:
        """Import the other screens, whether the database opens or not."""
        await asyncio.to_thread(navigation.import_all)
        if not gc.isenabled():
            gc.freeze()  # what was made by now stays: no collection looks through it again
            gc.enable()

    async def on_event(self, event: events.Event) -> None:
        typed = events.Key | events.Paste | events.MouseUp
        if isinstance(event, typed) and not event.is_forwarded:
            self.keys.add(event)
        else:
            await super().on_event(event)

    @on(Marker)
    def _marker_reached(self, marker: Marker) -> None:
        marker.reached.set()

    def notify(self, message: str, *, markup: bool = False, **options: Any) -> None:  # noqa: ARG002
        """Show a message as long as it takes to read, as plain text: names come from outside."""
        shown = shortened(message, _NOTIFIED)
        options.setdefault("timeout", min(READING + len(shown) / READ_IN_A_SECOND, MOST_READING))
        super().notify(shown, markup=False, **options)

    def _write_to_terminal(self, text: str) -> None:
        if self._driver is not None and not self.is_headless:
            self._driver.write(text)

    def say_wait(self, who: str) -> None:
        """Show what a reading or change waits for; several may wait for the same."""
        self._notify_once(f"Waiting for {who}…")

    def show_error(self, error: FiretowerError) -> None:
        """Show what is wrong and what to do, once while that is shown."""
        self._notify_once(error.text, "error")

    def _notify_once(self, said: str, severity: SeverityLevel = "information") -> None:
        if all(shown.message != said for shown in self._notifications):
            self.notify(said, severity=severity)

    def _handle_exception(self, error: Exception) -> None:
        """Show what failed in the background, and keep working; Textual would end the app."""
        if (self.return_code or 0) > 128:
            self._close_messages_no_wait()  # a signal ends it, maybe before its screen is whole
            return
        if not isinstance(error, WorkerFailed):
            super()._handle_exception(error)
            return
        said, worker = foreseen(error.error), active_worker.get(None)
        node = self if worker is None else worker.node
        is_left = self._exit or node._pruning or node._closing  # noqa: SLF001 - its parts are gone
        if not (is_left and isinstance(said, Unforeseen)):
            self.show_error(said)

    def _fatal_error(self) -> None:
        """End for a defect; `run_app` says which, where Textual would print a traceback."""
        self._close_messages_no_wait()
        if self._exception is not None and not self.is_headless:
            self.failure = foreseen(self._exception)
            end_failed(self, self.failure.text)

    def on_watch_failed(self, event: WatchFailed) -> None:
        self.show_error(event.error)
        self._status.refresh()

    def on_status_changed(self) -> None:
        self._status.refresh()

    @on(DatabaseChanged)
    def _database_changed(self, event: DatabaseChanged) -> None:
        """Tell the screens; those of other modes read again when they are shown."""
        now = self.session.now()
        if self._alerts is not None:
            self._alerts.note(event.executions, event.circuits, now)
        for news in (one for one in event.circuits if now - one.at < _NEWS_AGE):
            said = news.describe(lambda moment: clock(moment, now))
            severity: SeverityLevel = "information" if news.kind == "closed" else "warning"
            self.notify(f"{news.glyph} {said}", severity=severity)
        for screen in self.screen_stack:
            screen.post_message(event)
        if self.tour is not None:
            self.tour.note_fired(event.executions)
        self._status.refresh()

    def on_resize(self) -> None:
        self.call_later(self._status.show)

    @on(Open)
    def _open(self, request: Open) -> None:
        if request.source.is_active:  # else its key was pressed twice, or its data came late
            self.push_screen(navigation.screen_for(request))

    @on(WriteAutomation)
    @in_background
    async def _write_automation(self, request: WriteAutomation) -> None:
        saved = await ask(request.source, navigation.screen_for(request))
        if saved is not None:
            request.source.post_message(AutomationSaved(saved))
            if (before := request.before) is not None:
                said = f"{visible(before.name)} is as it was before the edit"
                undo = Undo(
                    lambda tower: tower.automations.edit(saved, before.definition, before.mode),
                    f"{said}, for events from now on.",
                    before.name,
                )
                push_undo(request.source, undo)
            if self.tour is not None and request.before is None:
                self.tour.created = saved

    @on(LeaveUnsaved)
    @in_background
    async def _leave_unsaved(self, request: LeaveUnsaved) -> None:
        """Close a screen if losing what was typed there is confirmed."""
        from firetower.tui.widgets.ask import Confirm

        question = Confirm("Leave without saving?", request.loss, "Leave")
        if await ask(request.source, question):
            request.source.dismiss(None)

    @on(OpenContainer)
    async def _open_container(self, request: OpenContainer) -> None:
        from firetower.tui.breadcrumbs import mode_of
        from firetower.tui.screens.container import ContainerScreen

        await self.show_mode(mode_of(request.reference, self.current_mode))
        screen = self.screen
        if isinstance(screen, ContainerScreen):
            screen.open_container(request.reference)

    def action_show_secrets(self) -> None:
        navigation.visit(self, OpenSecrets())

    def action_show_worker_log(self) -> None:
        navigation.visit(self, OpenWorkerLog(self._worker))

    async def action_show_first(self, mode: str) -> None:
        """Show a mode's own screen, at its first step."""
        if mode in navigation.MODES:
            await self.show_mode(mode)
            if isinstance(self.screen, Page):
                self.screen.step_back()

    def action_open_container(self, kind: str, name: str) -> None:
        from firetower.core.references import ContainerKind, ContainerReference

        reference = ContainerReference.named(ContainerKind(kind), name)
        post(self.screen, OpenContainer(reference))

    def action_open_collection(self, reference: str) -> None:
        """Show a collection: the one behind this screen, if it is that."""
        behind = self.screen_stack[-2:-1]
        if behind and str(getattr(behind[0], "reference", "")) == reference:
            self.pop_screen()
        else:
            post(self.screen, OpenCollection(reference))

    async def action_switch_mode(self, mode: str) -> None:
        """Show a mode; the key of the current one goes back to its own screen."""
        self.show_mode(mode)

    def show_mode(self, mode: str) -> Awaitable[None]:
        """Show a mode without endpoints or secrets over it; its own screen if it is current.

        While the app is left it does nothing: Textual goes through its screens to close them.
        """
        if not self.is_running:
            return AwaitComplete()
        navigation.close_for_mode(self, mode)
        return self.switch_mode(mode)

    def action_end_tour(self) -> None:
        if self.tour is not None:
            self.tour.end()
            self.tour = None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to end the tour only during it, and only to quit while keys are still kept."""
        if action == "suspend_process":  # a text's own ctrl+z undoes
            return not hasattr(self.focused, "undo")
        if self.current_mode == "opening":
            return action in {"leave", "quit", "redraw"}
        if action == "switch_mode":
            return parameters[0] in navigation.MODES
        if action == "undo_change":
            return isinstance(self.screen, Page) and bool(self.screen.undos)
        return action != "end_tour" or self.tour is not None

    def _check_action_state(self, action: str, default_namespace: DOMNode) -> bool | None:
        """Hide what a read-only database refuses: all that shows keys asks Textual here."""
        if self.session.read_only and has_effect(action):
            return False
        return super()._check_action_state(action, default_namespace)

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Refuse what a read-only database refuses: keys, clicks and commands come through here."""
        tower = self.session.opened
        if tower is not None and has_effect(action if isinstance(action, str) else action[1]):
            try:
                tower.refuse_read_only()
            except FiretowerError as error:
                self.show_error(error)
                return True
        try:
            return await super().run_action(action, default_namespace, namespaces)
        except Exception as error:  # a defect: it must not end the app
            self._handle_exception(WorkerFailed(error))
            return True

    @in_background
    async def action_undo_change(self) -> None:
        """Undo the newest change made on this screen; where that is refused, it can be repeated."""
        screen = self.screen
        if not isinstance(screen, Page) or not screen.undos:
            return
        undo = screen.undos.pop()
        screen.refresh_bindings()
        try:
            await self.session.ask(undo.change)
        except FiretowerError:
            push_undo(screen, undo)
            raise
        self.notify(undo.said)
        for shown in self.screen_stack:
            shown.post_message(DatabaseChanged())
        if undo.automation:
            screen.post_message(AutomationSaved(undo.automation))

    def action_suspend_process(self) -> None:
        """Stop the whole job, as the terminal does on ctrl+z; `fg` resumes it."""
        self._stop_job()

    async def action_leave(self) -> None:
        """Leave at the second press in a row: the first may have been meant for another screen."""
        before, self._leave_pressed_at = self._leave_pressed_at, monotonic()
        if self.current_mode == "opening" or self._leave_pressed_at - before < LEAVE_WITHIN:
            await self.action_quit()
        else:
            key = self.key_of("app.leave")
            self.notify(f"Press {key} again to leave Firetower.", timeout=LEAVE_WITHIN)

    async def action_quit(self) -> None:
        """Leave, after a question if a screen would lose something typed; asked again, at once."""
        screens = (screen for stack in self._screen_stacks.values() for screen in stack)
        losses = [screen.unsaved for screen in screens if isinstance(screen, Page)]
        if not any(losses) or self._asks_to_leave:
            self.exit()
            return
        from firetower.tui.widgets.ask import Confirm

        lost = "\n".join(filter(None, losses))
        self._asks_to_leave = True
        self.push_screen(Confirm("Leave Firetower?", lost, "Leave"), self._leave_or_stay)

    def _leave_or_stay(self, answer: str | None) -> None:
        self._asks_to_leave = False
        if answer is not None:
            self.exit()

    def action_copy_selection(self) -> None:
        """Copy what is selected on the screen or in a field, else say how to leave."""
        hidden = getattr(self.focused, "password", False)
        text = "" if hidden else getattr(self.focused, "selected_text", "")
        text = text or self.screen.get_selected_text()
        if text:
            self.copy_to_clipboard(text)
            self.notify(f"Copied {counted(len(text), 'character')}.")
        else:
            back, leave = self.key_of("page.back"), self.key_of("app.quit")
            self.notify(f"Nothing is selected. {back} goes back, {leave} leaves Firetower.")

    def key_of(self, action: str) -> str:
        """Return the first key of an action, as the user's config has it."""
        return self._keymap.get(action, BY_ID[action].keys).partition(",")[0]

    def action_redraw(self) -> None:
        self.refresh(layout=True)

    def action_command_palette(self) -> None:
        """Find anything by its name: what there is, and what can be done here."""
        if not isinstance(self.screen, CommandPalette):
            placeholder = "an automation, endpoint, version, alias, #execution, or what to do"
            self.push_screen(CommandPalette(placeholder=placeholder))

    def action_help(self) -> None:
        from firetower.tui.palette import HelpScreen

        self.push_screen(HelpScreen(self.screen))

    async def on_unmount(self) -> None:
        if self._watch is not None:
            await self._watch.stop()
        await self._status.stop()
        await self.session.close()


def _check_memory() -> None:
    allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
    if allowed != resource.RLIM_INFINITY and allowed < MEMORY:
        raise InvalidInput(
            f"the app needs {MEMORY >> 20} MiB of memory, and may use {allowed >> 20}",
            f"Raise the limit: ulimit -v {MEMORY >> 9}; commands need less.",
        )


def run_app(
    database: str | None,
    *,
    tour: bool = False,
    read_only: bool = False,
    read_first: Callable[[], FirstView | None] | None = None,
    before_open: Callable[[], None] = lambda: None,
    may_work: Callable[[], bool] = lambda: True,
) -> int:
    """Run the app on a database until it is left, with the tour if asked; return the exit code.

    Raises InvalidInput where it may use too little memory, or its configuration is wrong.

    With `read_only` nothing is changed, and no worker is started. What `read_first` returns is
    shown before the database is opened. It and `before_open`, which is called before the opening,
    are called in a thread; no worker is started before `may_work` says so.
    """

    def connect() -> Tower:
        from firetower.tower import connect  # SQL takes longer to import than the screen

        before_open()

        return connect(database, read_only=read_only, on_wait=partial(app.call_later, app.say_wait))

    _check_memory()
    gc.disable()  # until all is imported: next to nothing is garbage before
    sys.setswitchinterval(0.001)  # else what is drawn waits 5 ms for the thread that writes it
    app = FiretowerApp(
        connect,
        clock=lambda: datetime.now(UTC),
        worker=None if read_only else WorkerProcess(database, may_work=may_work),
        config=read_config(config_file()),
        tour=tour,
        read_first=read_first,
    )

    async def run() -> None:
        end_on_signals(app)
        await app.run_async()

    streams = sys.stdout, sys.stderr  # Textual replaces them meanwhile
    try:
        asyncio.run(run())
    except BaseException as error:  # of the event loop, say: nothing of the app works then
        sys.stdout, sys.stderr = streams
        app.failure = app.failure or foreseen(error)
        end_failed(app, "")  # a thread may not end
    if app.failure is not None:
        restore_terminal(app)
        raise app.failure
    return app.return_code or 0

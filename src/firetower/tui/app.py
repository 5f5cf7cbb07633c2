"""The app: modes, keys, themes, and the parts that run behind the screens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import events, on
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.binding import BindingType
from textual.content import Content
from textual.filter import LineFilter
from textual.reactive import reactive
from textual.screen import Screen

from firetower.core.errors import FiretowerError
from firetower.tui import doors, themes
from firetower.tui.actions import bindings_of
from firetower.tui.config import Config
from firetower.tui.harmless import Harmless
from firetower.tui.screens.opening import OpeningScreen
from firetower.tui.session import Session
from firetower.tui.status import Status
from firetower.tui.styles import style_sheets
from firetower.tui.text import clock
from firetower.tui.widgets.bar import ModeLink
from firetower.tui.widgets.tour_panel import TourPanel

if TYPE_CHECKING:
    from firetower.core.circuit_breaker import CircuitNews
    from firetower.core.executions import Execution
    from firetower.core.references import ContainerReference
    from firetower.tower import Tower
    from firetower.tui.child import WorkerChild
    from firetower.tui.form.screen import FormScreen
    from firetower.tui.garbage import Garbage
    from firetower.tui.live import Live
    from firetower.tui.tour import Tour
    from firetower.tui.widgets.feed import Feed


_AGAIN = 2.0
"""Seconds after which a database that cannot be used is tried again."""
_LATER = 3.0
"""Seconds after which what the first screen leads to is imported: its list comes first."""
_SWEEP = 10.0
"""Seconds between two looks at whether garbage is worth being collected."""


class FiretowerApp(App[None]):
    """Registries and projects, their automations, and the feed of what they fire.

    What its screens need is imported behind the first paint, which would else take twice as long.
    """

    TITLE = "firetower"
    CSS_PATH: ClassVar[list[str | PurePath]] = list(style_sheets())
    MODES: ClassVar = {
        "opening": OpeningScreen,
        "registry": doors.registry,
        "project": doors.project,
        "feed": doors.feed,
    }
    COMMANDS: ClassVar = {doors.actions, doors.places}
    DEFAULT_MODE = "opening"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("app")

    status: reactive[Content] = reactive(Content(""), layout=False, repaint=False)
    """How the database stands, as every screen's top line shows it."""

    def __init__(
        self,
        open_tower: Callable[[], Tower],
        *,
        clock: Callable[[], datetime],
        child: WorkerChild | None = None,
        database: str | None = None,
        config: Config | None = None,
        garbage: Garbage | None = None,
        tour: bool = False,
    ) -> None:
        super().__init__()
        self.animation_level = "none"
        for theme in themes.THEMES:
            self.register_theme(theme)
        chosen = config or Config()
        self.theme = themes.NAMES[chosen.theme]
        self.set_keymap(chosen.keys)
        self.session = Session(open_tower, clock, database)
        self._status = Status(self, child)
        self._garbage = garbage
        self._live: Live | None = None
        self._with_tour = tour
        self.tour: Tour | None = None
        self._harmless = Harmless()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return what every line goes through before it is drawn."""
        return [*super().get_line_filters(), self._harmless]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the colour of what is quiet, for themes that have none of their own."""
        return dict(themes.VARIABLES)

    def on_mount(self) -> None:
        """Show the registries and open the database, behind the first paint."""
        self.call_after_refresh(self.run_worker, self._begin(), group="open")
        self.set_timer(_LATER, lambda: self.run_worker(self._settle(), group="open"))

    async def on_event(self, event: events.Event) -> None:
        """Take in any event."""
        if self._garbage is not None and isinstance(event, events.InputEvent):
            self._garbage.pressed()
        await super().on_event(event)

    async def _begin(self) -> None:
        self.session.begin()
        await asyncio.to_thread(import_module, "firetower.tui.screens.registry")
        if not self.is_running:
            return
        opening = self.screen
        if self.current_mode == "opening":
            await self.show_mode("registry")
        if isinstance(opening, OpeningScreen):
            for key in opening.pressed:
                self.simulate_key(key)
        if self._with_tour:
            from firetower.tui.tour import Tour

            self.tour = Tour(self)
        await self._open()

    async def _settle(self) -> None:
        """Import the other screens and collect garbage, whether the database opens or not."""
        await asyncio.to_thread(doors.prepare)
        if self._garbage is not None:
            self._garbage.settle()
            self.set_interval(_SWEEP, self._garbage.sweep)

    async def _open(self) -> None:
        """Open the database, as soon as it can be: it may be locked, or brought up to date."""
        from firetower.tui.live import Live

        said = ""
        while True:
            try:
                tower = await self.session.tower()
            except FiretowerError as error:
                if error.message != said:
                    said = error.message
                    self.tell(error)
                await asyncio.sleep(_AGAIN)
            else:
                break
        self._status.begin(tower)
        self._live = Live(
            tower, self._changed, self.tell, self._began, self._status.look, heard=self._heard
        )

    def tell(self, error: FiretowerError) -> None:
        """Say what went wrong, and what to do."""
        self.notify(error.text, severity="error", markup=False)

    def _began(self) -> None:
        """Take in what changed before the database was followed."""
        for feed in self._feeds():
            feed.catch_up()
        self._changed([])

    def _feeds(self) -> Iterator[Feed]:
        from firetower.tui.widgets.feed import Feed

        for screen in self.screen_stack:
            yield from screen.query(Feed)

    def _heard(self, news: Sequence[CircuitNews]) -> None:
        """Say which circuits have opened or closed, and tell anew what they hold."""
        from firetower.core.circuit_breaker import Turn

        for one in news:
            severity: Literal["information", "warning"] = (
                "information" if one.turn is Turn.CLOSED else "warning"
            )
            said = one.words(lambda moment: clock(moment, self.session.now()))
            self.notify(f"{one.glyph} {said}", severity=severity, markup=False)
        for feed in self._feeds():
            feed.heard(news)
        self._changed([])

    def _changed(self, executions: Sequence[Execution]) -> None:
        for screen in self.screen_stack:
            if changed := getattr(screen, "changed", None):
                changed(executions)
        if self.tour is not None:
            self.tour.changed(executions)
        self._status.look()

    def on_resize(self) -> None:
        """Say as much of how the database stands as there is room for."""
        self.call_later(self._status.show)

    @on(ModeLink.Clicked)
    def _mode_clicked(self, event: ModeLink.Clicked) -> None:
        self.show_mode(event.mode)

    def action_show_endpoints(self) -> None:
        """Show the webhooks and Slack hooks."""
        from firetower.tui.screens.endpoints import EndpointsScreen

        self._visit(EndpointsScreen)

    def action_show_secrets(self) -> None:
        """Show the secrets."""
        from firetower.tui.screens.secrets import SecretsScreen

        self._visit(SecretsScreen)

    def _visit(self, kind: type[Screen[None]]) -> None:
        """Show one of these screens over the mode's own, in place of the other."""
        if isinstance(self.screen, kind):
            return
        if getattr(self.screen, "ASIDE", False):
            self.switch_screen(kind())
        else:
            self.push_screen(kind())

    async def action_switch_mode(self, mode: str) -> None:
        """Show a mode; the key of the one that is shown goes back to its own screen."""
        self.show_mode(mode)

    def show_mode(self, mode: str) -> Awaitable[None]:
        """Show a mode, without what was visited over it; its own screen where it is shown.

        While the app is left it does nothing: Textual goes through its screens to close them.
        """
        if not self.is_running:
            return AwaitComplete()
        for_good = mode == self.current_mode
        while getattr(self.screen, "ASIDE", None) is True or (
            for_good and getattr(self.screen, "ASIDE", None) is False
        ):
            self.pop_screen()
        return self.switch_mode(mode)

    def on_form_screen_saved(self, event: FormScreen.Saved) -> None:
        """Let the tour know."""
        if self.tour is not None:
            self.tour.saved(event.name)

    @on(TourPanel.Ended)
    def action_end_tour(self) -> None:
        """End the tour."""
        if self.tour is not None:
            self.tour.end()
            self.tour = None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Offer to end the tour only on it, and nothing but to quit while a key is still kept."""
        if self.current_mode == "opening":
            return action == "quit"
        return action != "end_tour" or self.tour is not None

    def action_help(self) -> None:
        """Show what can be done here."""
        from firetower.tui.screens.help import HelpScreen, active_keys

        self.push_screen(HelpScreen(active_keys(self.screen)))

    async def go_to(self, reference: ContainerReference) -> None:
        """Open a registry or project."""
        from firetower.tui.screens.container import ContainerScreen

        await self.show_mode(reference.kind.value)
        screen = self.screen
        if isinstance(screen, ContainerScreen):
            screen.open_place(reference)

    async def on_unmount(self) -> None:
        """End the worker and close the database, however the app is left."""
        if self._live is not None:
            await self._live.stop()
        await self._status.stop()
        await self.session.close()

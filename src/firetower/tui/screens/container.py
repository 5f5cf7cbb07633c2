"""The Registry and the Project screen: the list of places, and one of them open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import ContentSwitcher, Static

from firetower.core.catalog import Container
from firetower.core.errors import FiretowerError
from firetower.core.executions import Execution
from firetower.core.references import ContainerKind, ContainerReference
from firetower.core.text import counted, visible
from firetower.tui import doors, over
from firetower.tui.actions import bindings_of
from firetower.tui.container_view import ContainerView, place_row, read_place
from firetower.tui.refresh import Refresh
from firetower.tui.session import may_change, session_of
from firetower.tui.widgets.automations import Automations
from firetower.tui.widgets.bar import Bar
from firetower.tui.widgets.collections import Collections
from firetower.tui.widgets.feed import Feed
from firetower.tui.widgets.key_line import KeyLine
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.table import Column, Table
from firetower.tui.widgets.tabs import TabRow

_FIRST = 100
"""Automations that are shown before all are read, which takes a second for ten thousand."""
_LOOK = 30.0
"""Seconds after which the ages are told anew though nothing has changed."""

PLACES = (Column("", 10, flex=1), Column("", 5, right=True))


class ContainerScreen(Screen[None]):
    """The places of one kind, and the tabs of the one that is open."""

    KIND: ClassVar[ContainerKind]
    FIRST_TAB: ClassVar[str]
    EMPTY: ClassVar[str]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - Textual's own
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-high")]  # noqa: RUF012 - Textual's own
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("container", "automations.new")

    def __init__(self) -> None:
        super().__init__()
        self.tabs = TabRow((self.FIRST_TAB, "automations", "history"), current="automations")
        self.places = Listing(Table(PLACES, header=False, one_click=True), id="places")
        self.collections = Collections(id=self.FIRST_TAB)
        self.automations = Automations(id="automations")
        self.history = Feed(id="history", empty="Nothing has fired here yet.")
        self.dock = Feed(id="dock", header=False)
        self.open: ContainerReference | None = None
        self._seen: ContainerReference | None = None
        self._containers: dict[str, Container] = {}
        self._reload = Refresh(self, self._read)

    def compose(self) -> ComposeResult:
        """Lay out the list of places, the open one and the feed."""
        yield Bar(self.KIND.value)
        with Horizontal(id="body"):
            yield self.places
            with Vertical(id="place"):
                yield Static("", id="title")
                yield self.tabs
                with ContentSwitcher(initial="automations"):
                    yield self.collections
                    yield self.automations
                    yield self.history
        yield self.dock
        yield KeyLine()

    def on_mount(self) -> None:
        """Read what there is."""
        self.places.set_empty(self.EMPTY)
        self.set_focus(self.places.table)
        self.set_interval(_LOOK, self._look)
        self._reload()

    def _look(self) -> None:
        if self.is_current:
            self._reload()

    def on_screen_resume(self) -> None:
        """Catch up with what happened while another screen was shown."""
        self.dock.catch_up()
        self.history.catch_up()
        self._reload.at_once()

    def changed(self, executions: Sequence[Execution]) -> None:
        """Show what changed in the database."""
        self.dock.changed(executions)
        self.history.changed(executions)
        self._reload()

    async def _read(self) -> None:
        session, reference = session_of(self), self.open
        tab = "collections" if self.tabs.current == self.FIRST_TAB else self.tabs.current
        try:
            view = await session.ask(
                lambda tower: read_place(tower, self.KIND, reference, tab, self._limit(reference))
            )
        except FiretowerError as error:
            self.places.fail(error)
            self.add_class("-failed")
            return
        self.remove_class("-failed")
        if (reference, self.tabs.current) == (self.open, self._tab_of(tab)):
            self._show(view, tab)

    def _limit(self, reference: ContainerReference | None) -> int | None:
        """Return how many automations to read: of a place just come to, those in sight first."""
        return _FIRST if reference != self._seen else None

    def _tab_of(self, tab: str) -> str:
        return self.FIRST_TAB if tab == "collections" else tab

    def _show(self, view: ContainerView, tab: str) -> None:
        self._containers = {str(place.reference): place for place in view.places}
        self.set_class(not view.places, "-empty")
        self.places.set_rows([place_row(place) for place in view.places])
        if view.open is None:
            self._show_none(view.places)
            return
        if self.is_open:  # perhaps by name, before the list was read
            self.places.table.move_to(str(view.open.reference))
        self._show_title(view.open)
        self.tabs.count(self.FIRST_TAB, view.open.collections)
        self.tabs.count("automations", view.open.automations)
        if tab == "collections":
            self.collections.show(view.collections)
        elif tab == "automations":
            self.automations.show(view.automations, view.silent, session_of(self).now())
            if self._seen != view.open.reference:
                self._seen = view.open.reference
                if view.open.automations > len(view.automations):
                    self._reload.at_once()

    def _show_none(self, places: Sequence[Container]) -> None:
        """Show nothing where nothing is open, and look at the busiest place where there is one."""
        self.open = None
        self.action_back()
        if places:
            busiest = max(places, key=lambda place: place.automations)
            self._look_at(busiest.reference)
            self.places.table.move_to(str(busiest.reference))

    @property
    def is_open(self) -> bool:
        """Whether a place was gone into, not only passed by."""
        return self.open is not None and self.focused is not self.places.table

    def _show_title(self, place: Container) -> None:
        said = f"{counted(place.collections, 'collection')} · {counted(place.versions, 'version')}"
        title = Content.from_markup(
            "[dim]$kinds ›[/] [b]$name[/]  [dim]$said[/]",
            kinds=f"{self.KIND.value.capitalize()}",
            name=visible(str(place.reference)),
            said=said,
        )
        static = self.query_one("#title", Static)
        if static.content != title:
            static.update(title)

    def open_place(self, reference: ContainerReference) -> None:
        """Open a registry or project."""
        self._look_at(reference)
        self.add_class("-open")
        self.places.table.move_to(str(reference))
        self._focus_tab()

    def _look_at(self, reference: ContainerReference) -> None:
        if reference == self.open:
            return
        self.open = reference
        self.collections.container = reference
        self.history.show_container(reference)
        self._reload.at_once()

    def _focus_tab(self) -> None:
        self.set_focus(self.query_one(f"#{self.tabs.current}", Listing).table)

    @on(Table.Moved, "#places Table")
    def _place_moved(self, event: Table.Moved) -> None:
        """Show a place as the cursor passes it, where there is room for both."""
        event.stop()
        table = self.places.table
        is_there = event.key is not None and event.key == table.key  # it may have gone on since
        if is_there and not self.is_open and self.has_class("-wide"):
            self._look_at(self._containers[str(event.key)].reference)

    @on(Table.Chosen, "#places Table")
    def _place_chosen(self, event: Table.Chosen) -> None:
        event.stop()
        self.open_place(self._containers[str(event.key)].reference)

    @on(TabRow.Changed)
    def _tab_changed(self, event: TabRow.Changed) -> None:
        event.stop()
        self.query_one(ContentSwitcher).current = event.tab
        self._focus_tab()
        self._reload.at_once()

    @on(Table.Chosen, "Feed FeedTable")
    def _execution_chosen(self, event: Table.Chosen) -> None:
        event.stop()
        over.show(self, doors.execution(int(str(event.key))))

    @on(Automations.Wanted)
    def _automation_wanted(self, event: Automations.Wanted) -> None:
        event.stop()
        chosen = event.automation
        if event.what == "refresh":
            self._reload()
        elif event.what == "new" and self.open is not None:
            self._write(doors.new_automation(self.open))
        elif event.what == "edit" and chosen is not None:
            self._write(doors.edited_automation(chosen))
        elif event.what == "show" and chosen is not None:
            over.show(self, doors.automation(chosen.name, self.KIND))
        elif event.what == "test" and chosen is not None:
            doors.try_out(self, chosen.definition)

    @work(exit_on_error=False)
    async def _write(self, form: Screen[str | None]) -> None:
        """Let an automation be written, and put the cursor on it."""
        if not await may_change(self):
            return
        saved = await over.ask(self, form)
        if saved is not None:
            await self._read()
            self.automations.table.move_to(saved)

    @on(Collections.Wanted)
    def _collection_wanted(self, event: Collections.Wanted) -> None:
        event.stop()
        if event.what == "open" and event.reference is not None:
            over.show(self, doors.collection(event.reference))
        else:
            self._catch_up(event.reference)

    @work(exit_on_error=False)
    async def _catch_up(self, collection: str | None) -> None:
        """Show what was changed, with the cursor on it."""
        await self._read()
        self.collections.table.move_to(collection)

    @work(exit_on_error=False)
    async def action_create(self) -> None:
        """Make a registry or project, and open it."""
        made = await over.ask(self, doors.new_place(self.KIND))
        if made is not None:
            await self._read()
            self.open_place(made)

    def action_tab(self, step: int) -> None:
        """Go to the next tab, or the one before."""
        if self.open is not None:
            self.tabs.step(step)

    def action_back(self) -> None:
        """Go back to the list of places."""
        self.set_focus(self.places.table)
        if self.has_class("-narrow"):
            self.remove_class("-open")

    def action_new(self) -> None:
        """Make what the open tab lists, wherever the cursor is."""
        pane = self.query_one(f"#{self.tabs.current}")
        if self.open is not None and isinstance(pane, Automations | Collections):
            pane.action_new()

    def action_fold_feed(self) -> None:
        """Fold the feed away, or out again."""
        self.dock.display = not self.dock.display

"""The Registry and the Project screen: a list of containers, and the open one's tabs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import ContentSwitcher, Static

from firetower.core.catalog import Container, Version
from firetower.core.errors import FiretowerError
from firetower.core.references import ContainerKind, ContainerReference
from firetower.core.text import counted, visible
from firetower.tui.actions import bindings_of
from firetower.tui.messages import (
    AutomationSaved,
    AutomationsChanged,
    DatabaseChanged,
    NewVersion,
    TagCollection,
)
from firetower.tui.page import ask
from firetower.tui.refresh import Refresh
from firetower.tui.screens.catalog import made_words, new_container, new_version, tag_collection
from firetower.tui.screens.container_view import ContainerView, container_row, read_container
from firetower.tui.session import session_of
from firetower.tui.widgets.ask import Ask
from firetower.tui.widgets.automations import AutomationList
from firetower.tui.widgets.bar import Bar
from firetower.tui.widgets.collections import Collections
from firetower.tui.widgets.feed import Feed
from firetower.tui.widgets.key_line import KeyLine
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.table import Column, Table
from firetower.tui.widgets.tabs import TabRow

_FIRST = 100
"""Automations shown before all are read, which takes a second for ten thousand."""
REFRESH_INTERVAL = 30.0
"""Seconds between two readings while nothing changes: ages grow."""

COLUMNS = (Column("", 10, flex=1), Column("", 5, right=True))


class ContainerScreen(Screen[None]):
    """The containers of one kind, and the tabs of the open one."""

    KIND: ClassVar[ContainerKind]
    FIRST_TAB: ClassVar[str]
    EMPTY: ClassVar[str]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - Textual's own
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-high")]  # noqa: RUF012 - Textual's own
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("container", "automations.new")

    def __init__(self) -> None:
        super().__init__()
        self.tabs = TabRow((self.FIRST_TAB, "automations", "history"), current="automations")
        self.containers = Listing(Table(COLUMNS, header=False, one_click=True), id="containers")
        self.collections = Collections(id=self.FIRST_TAB)
        self.automations = AutomationList(id="automations")
        self.history = Feed(id="history", empty="Nothing has fired here yet.")
        self.dock = Feed(id="dock", header=False)
        self.open: ContainerReference | None = None
        self._seen: ContainerReference | None = None
        self._by_key: dict[str, Container] = {}
        self._reload = Refresh(self, self._read)

    def compose(self) -> ComposeResult:
        yield Bar(self.KIND.value)
        with Horizontal(id="body"):
            yield self.containers
            with Vertical(id="open-container"):
                yield Static("", id="title")
                yield self.tabs
                with ContentSwitcher(initial="automations"):
                    yield self.collections
                    yield self.automations
                    yield self.history
        yield self.dock
        yield KeyLine()

    def on_mount(self) -> None:
        self.containers.set_empty(self.EMPTY)
        self.set_focus(self.containers.table)
        self.set_interval(REFRESH_INTERVAL, self._look)
        self._reload()

    def _look(self) -> None:
        if self.is_current:
            self._reload()

    def on_screen_resume(self) -> None:
        """Catch up with what happened while another screen was shown."""
        self.dock.catch_up()
        self.history.catch_up()
        self._reload.at_once()

    def on_database_changed(self, event: DatabaseChanged) -> None:
        """Show what changed."""
        self.dock.show_change(event)
        self.history.show_change(event)
        self._reload()

    async def _read(self) -> None:
        session, reference = session_of(self), self.open
        tab = "collections" if self.tabs.current == self.FIRST_TAB else self.tabs.current
        try:
            view = await session.ask(
                lambda tower: read_container(
                    tower, self.KIND, reference, tab, self._limit(reference)
                )
            )
        except FiretowerError as error:
            self.containers.fail(error)
            self.add_class("-failed")
            return
        self.remove_class("-failed")
        if (reference, self.tabs.current) == (self.open, self._tab_of(tab)):
            self._show(view, tab)

    def _limit(self, reference: ContainerReference | None) -> int | None:
        """Return how many automations to read: of another container those in sight first."""
        return _FIRST if reference != self._seen else None

    def _tab_of(self, tab: str) -> str:
        return self.FIRST_TAB if tab == "collections" else tab

    def _show(self, view: ContainerView, tab: str) -> None:
        self._by_key = {str(one.reference): one for one in view.containers}
        self.set_class(not view.containers, "-empty")
        self.containers.set_rows([container_row(one) for one in view.containers])
        if view.open is None:
            self._show_none(view.containers)
            return
        if self.is_open:  # perhaps by name, before the list was read
            self.containers.table.move_to(str(view.open.reference))
        self._show_title(view.open)
        self.tabs.count(self.FIRST_TAB, view.open.collections)
        self.tabs.count("automations", view.open.automations)
        if tab == "collections":
            self.collections.show(view.collections)
        elif tab == "automations":
            self.automations.show(view.automations, view.stopped, session_of(self).now())
            if self._seen != view.open.reference:
                self._seen = view.open.reference
                if view.open.automations > len(view.automations):
                    self._reload.at_once()

    def _show_none(self, containers: Sequence[Container]) -> None:
        """Close what is gone, and show the busiest container if there is one."""
        self.open = None
        self.action_back()
        if containers:
            busiest = max(containers, key=lambda one: one.automations)
            self._look_at(busiest.reference)
            self.containers.table.move_to(str(busiest.reference))

    @property
    def is_open(self) -> bool:
        """Whether a container was opened, not only passed with the cursor."""
        return self.open is not None and self.focused is not self.containers.table

    def _show_title(self, container: Container) -> None:
        collections = counted(container.collections, "collection")
        title = Content.from_markup(
            "[dim]$kinds ›[/] [b]$name[/]  [dim]$said[/]",
            kinds=f"{self.KIND.value.capitalize()}",
            name=visible(str(container.reference)),
            said=f"{collections} · {counted(container.versions, 'version')}",
        )
        static = self.query_one("#title", Static)
        if static.content != title:
            static.update(title)

    def open_container(self, reference: ContainerReference) -> None:
        """Open a registry or project."""
        self._look_at(reference)
        self.add_class("-open")
        self.containers.table.move_to(str(reference))
        self._focus_tab()

    def _look_at(self, reference: ContainerReference) -> None:
        if reference == self.open:
            return
        self.open = reference
        self.automations.container = reference
        self.history.show_container(reference)
        self._reload.at_once()

    def _focus_tab(self) -> None:
        self.set_focus(self.query_one(f"#{self.tabs.current}", Listing).table)

    @on(Table.Moved, "#containers Table")
    def _container_moved(self, event: Table.Moved) -> None:
        """Show a container as the cursor passes it, where there is room for both."""
        event.stop()
        table = self.containers.table
        is_there = event.key is not None and event.key == table.key  # it may have moved on
        if is_there and not self.is_open and self.has_class("-wide"):
            self._look_at(self._by_key[str(event.key)].reference)

    @on(Table.Chosen, "#containers Table")
    def _container_chosen(self, event: Table.Chosen) -> None:
        event.stop()
        self.open_container(self._by_key[str(event.key)].reference)

    @on(TabRow.Changed)
    def _tab_changed(self, event: TabRow.Changed) -> None:
        event.stop()
        self.query_one(ContentSwitcher).current = event.tab
        self._focus_tab()
        self._reload.at_once()

    @on(AutomationsChanged)
    def _automations_changed(self) -> None:
        self._reload()

    @work(exit_on_error=False)
    async def on_automation_saved(self, event: AutomationSaved) -> None:
        """Put the cursor on it."""
        await self._read()
        self.automations.table.move_to(event.name)

    @on(NewVersion)
    def _new_version(self, event: NewVersion) -> None:
        if self.open is not None:
            name, type_ = (event.at.reference.name, event.at.type) if event.at else ("", "")
            self._ask(new_version(self.open, event.collections, name=name, type_=type_))

    @on(TagCollection)
    def _tag_collection(self, event: TagCollection) -> None:
        self._ask(tag_collection(event.collection))

    @work(exit_on_error=False)
    async def _ask(self, dialog: Ask[Any]) -> None:
        """Ask, and put the cursor on the collection that was changed."""
        key = self.collections.table.key
        made = await ask(self, dialog)
        if isinstance(made, Version):
            self.notify(made_words(made), markup=False)
            key = str(made.collection)
        await self._read()
        self.collections.table.move_to(key)

    @work(exit_on_error=False)
    async def action_create(self) -> None:
        """Create a registry or project, and open it."""
        made = await ask(self, new_container(self.KIND))
        if made is not None:
            await self._read()
            self.open_container(made)

    def action_tab(self, step: int) -> None:
        """Go to the next tab, or the one before."""
        if self.open is not None:
            self.tabs.step(step)

    def action_back(self) -> None:
        """Go back to the list."""
        self.set_focus(self.containers.table)
        if self.has_class("-narrow"):
            self.remove_class("-open")

    def action_new(self) -> None:
        """Create what the open tab lists."""
        pane = self.query_one(f"#{self.tabs.current}")
        if self.open is not None and isinstance(pane, AutomationList | Collections):
            pane.action_new()

    def action_fold_feed(self) -> None:
        """Hide the feed, or show it."""
        self.dock.display = not self.dock.display


class RegistryScreen(ContainerScreen):
    """The registries: Collections, Automations, History."""

    KIND: ClassVar = ContainerKind.REGISTRY
    FIRST_TAB: ClassVar = "collections"
    EMPTY: ClassVar = "No registry yet.\nPress c to create one."


class ProjectScreen(ContainerScreen):
    """The projects: Artifacts, Automations, History."""

    KIND: ClassVar = ContainerKind.PROJECT
    FIRST_TAB: ClassVar = "artifacts"
    EMPTY: ClassVar = "No project yet.\nPress c to create one, or log a version into one."

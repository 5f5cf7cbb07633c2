"""The Registry and the Project screen: a list of containers, and the open one's tabs."""

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import ContentSwitcher, Static, Tab, Tabs

from firetower.core.catalog import Container, Version
from firetower.core.errors import FiretowerError
from firetower.core.references import ContainerKind, ContainerReference
from firetower.core.text import counted
from firetower.tui.actions import bindings_of
from firetower.tui.breadcrumbs import breadcrumbs, container_steps
from firetower.tui.container_view import (
    FIRST,
    ContainerView,
    FirstSteps,
    read_container,
    read_first_steps,
)
from firetower.tui.messages import (
    AutomationSaved,
    DatabaseChanged,
    NewVersion,
    RowsChanged,
    TagCollection,
)
from firetower.tui.page import ask
from firetower.tui.screens.automation import automation_pane
from firetower.tui.screens.catalog import made_words, new_container, new_version, tag_collection
from firetower.tui.screens.collection import newest_version_pane
from firetower.tui.screens.execution import execution_pane
from firetower.tui.screens.framed import FramedPage
from firetower.tui.screens.run import run_pane
from firetower.tui.session import Refresh, in_background, session_of
from firetower.tui.terminal import look_at_demo
from firetower.tui.text import show_text
from firetower.tui.widgets.ask import Ask
from firetower.tui.widgets.automations import AutomationList
from firetower.tui.widgets.containers import Collections, Containers
from firetower.tui.widgets.feed import Feed
from firetower.tui.widgets.first_steps import FirstStepsPanel
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.runs import RunListing
from firetower.tui.widgets.table import Table

_BESIDE = 100
"""Columns of the terminal from which the open container is beside the list of them."""
_HEADING = 5
"""Rows of the title, the tabs and the columns' titles."""
_LEAST_ROWS = 5
"""Rows of a list that the feed leaves: an empty one says there what to do next."""
_LEAST_PANE = 22
"""Rows that the pane beside a list takes."""
_LEAST_SIDEBAR, _MOST_SIDEBAR = 14, 36
"""Cells that the list takes beside it."""


def _contents(container: Container, containers: Sequence[Container]) -> str:
    """Return what a container holds or covers, and which wider ones have automations for it."""
    reference = container.reference
    match reference.kind:
        case ContainerKind.ORGANIZATION:
            return "every registry and project"
        case ContainerKind.ENTITY:
            return f"every project of {reference}"
    parts = [counted(container.collections, "collection"), counted(container.versions, "version")]
    wider = [
        str(one.reference)
        for one in containers
        if one.automations and one.reference != reference and one.reference.covers(reference)
    ]
    if wider:
        parts.append(f"also watched by {', '.join(wider)}")
    return " · ".join(parts)


class ContainerScreen(FramedPage):
    """The containers of one kind, and the tabs of the open one."""

    KIND: ClassVar[ContainerKind]
    COLLECTIONS: ClassVar[str]
    """What the tab of the collections is called."""
    NO_COLLECTIONS: ClassVar[str]
    """Shown in that tab while it is empty."""
    EMPTY: ClassVar[str]
    BINDINGS: ClassVar = bindings_of("container", "automations.new")

    def __init__(self) -> None:
        super().__init__()
        self.containers = Containers(empty=self.EMPTY)
        self.collections = Collections(
            id="collections", empty=self.NO_COLLECTIONS, detail=newest_version_pane
        )
        self.automations = AutomationList(id="automations", detail=automation_pane)
        self.history = Feed(
            id="history", empty="Nothing has fired here yet.", detail=execution_pane
        )
        self.dock = Feed(id="dock", header=False, days=False, first=FIRST)
        self.runs = (
            RunListing(id="runs", detail=run_pane) if self.KIND is ContainerKind.PROJECT else None
        )
        runs = [] if self.runs is None else [self.runs]
        self.tabs = Tabs(
            Tab(self.COLLECTIONS, id="tab-collections"),
            *(Tab("Runs", id="tab-runs") for _ in runs),
            Tab("Automations", id="tab-automations"),
            Tab("History", id="tab-history"),
            active="tab-automations",
        )
        self.tabs.can_focus = False
        self.panes = ContentSwitcher(
            self.collections, *runs, self.automations, self.history, initial="automations"
        )
        self.open: ContainerReference | None = None
        self._seen: ContainerReference | None = None
        self._was_hidden = False
        self._left_tab = ""
        """The tab that was left where the open container has none of it."""
        self._has_fired = False
        """Whether something has ever fired: the first steps are done then."""
        self._reload = Refresh(self, self._read)

    def body(self) -> ComposeResult:
        with Horizontal(id="body"):
            yield self.containers
            with Vertical(id="open-container"):
                yield Static("", id="title")
                yield self.tabs
                yield self.panes
        yield self.dock
        yield FirstStepsPanel()

    def on_mount(self) -> None:
        self.set_focus(self.containers.table)
        self._reload.repeat()

    def on_screen_suspend(self) -> None:
        self._was_hidden = True

    def on_screen_resume(self) -> None:
        if self._was_hidden:
            self.dock.catch_up()
            self.history.catch_up()
        self._reload.at_once()

    def on_database_changed(self, event: DatabaseChanged) -> None:
        self.dock.show_change(event)
        self.history.show_change(event)
        self._reload()

    @property
    def tab(self) -> str:
        """The tab that is shown: collections, runs, automations or history."""
        return self.panes.current or ""

    async def _read(self) -> None:
        reference, tab = self.open, self.tab
        # Of a container that was just opened, the automations in sight come first.
        limit, metric = None if reference and reference == self._seen else FIRST, ""
        if self.runs is not None and tab == "runs":
            limit, metric = self.runs.limit, self.runs.chosen_metric
        session = session_of(self)
        try:
            first = await session.first_view()
            if first is None:
                view = await session.ask(
                    lambda tower: read_container(
                        tower, self.KIND, reference, tab, limit, metric=metric
                    )
                )
                steps = None if self._has_fired else await session.ask(read_first_steps)
            else:
                view, steps = first
        except FiretowerError as error:
            self.containers.fail(error)
            self.add_class("-failed")
            self._fit_containers()
            return
        if not self._has_fired:
            self._show_first_steps(steps)
        self.remove_class("-failed")
        if (reference, tab) == (self.open, self.tab):
            self._show(view)
        if first is not None:
            self.call_after_refresh(session.may_open.set)

    def _show_first_steps(self, steps: FirstSteps | None) -> None:
        """Show them in place of the feed, until something fires."""
        self._has_fired = steps is None
        shown = steps is not None and not session_of(self).read_only
        if shown != self.has_class("-begins"):
            self.set_class(shown, "-begins")
            self.refresh_bindings()
        if steps is not None:
            self.query_one(FirstStepsPanel).show(steps, self.KIND)

    def _show(self, view: ContainerView) -> None:
        self.set_class(not view.containers, "-empty")
        self.containers.show(view.containers)
        self._fit_containers()
        container = view.open
        if container is None:
            self._close()
            return
        if self.open is None:
            self._set_open(container.reference)
            self.containers.table.move_to(container.reference)
        elif self.is_open:  # perhaps by name, before the list was read
            self.containers.table.move_to(container.reference)
        steps = container_steps(container.reference, self.KIND.value)
        title = breadcrumbs(steps[:-1], steps[-1][0], _contents(container, view.containers))
        show_text(self.query_one("#title", Static), title)
        self._show_count("tab-collections", self.COLLECTIONS, container.collections)
        self._show_count("tab-automations", "Automations", container.automations)
        if view.runs is not None:
            self._show_count("tab-runs", "Runs", view.runs.total)
        self._show_tab(view, container)

    def _show_tab(self, view: ContainerView, container: Container) -> None:
        now = session_of(self).now()
        if self.tab == "runs" and self.runs is not None and view.runs is not None:
            self.runs.show(view.runs, now)
            if self.runs.is_partial:
                self._reload.at_once()
        elif self.tab == "collections":
            self.collections.show(view.collections)
        elif self.tab == "automations":
            more = self._seen != container.reference and (
                container.automations > len(view.automations.automations)
            )
            self.automations.show(view.automations, now, more=more)
            self._seen = container.reference
            if more:
                self._reload.at_once()

    def on_resize(self) -> None:
        self._fit_containers()
        self._fit_dock()
        self.call_after_refresh(self._fit_dock)  # the pane beside the list may have come or gone

    @on(Listing.Filled)
    def _list_filled(self) -> None:
        self.call_after_refresh(self._fit_dock)

    def _fit_dock(self) -> None:
        """Give the feed the rows that neither the lists nor the pane beside them need."""
        listing = self.query_one(f"#{self.tab}", Listing)
        needed = max(len(self.containers.table.all_rows), _LEAST_ROWS)
        if self.has_class("-wide") or self.has_class("-open"):
            needed = max(needed, _HEADING + max(len(listing.table.all_rows), _LEAST_ROWS))
            if listing.pane is not None and listing.pane.display:
                needed = max(needed, _LEAST_PANE)
        least = 5 if self.has_class("-low") else 7
        self.dock.styles.height = max(least, self.size.height - 4 - needed)

    def _fit_containers(self) -> None:
        """Make the list of containers as wide as their names, where what is open is beside it."""
        alone = self.has_class("-empty") or self.has_class("-failed")
        if alone or self.size.width < _BESIDE:
            self.containers.styles.clear_rule("width")
        else:
            needed = self.containers.table.needed_width
            self.containers.styles.width = min(max(needed, _LEAST_SIDEBAR), _MOST_SIDEBAR) + 1

    def _show_count(self, tab: str, label: str, count: int) -> None:
        show_text(
            self.query_one(f"#{tab}", Tab), Content.assemble(f"{label} ", (f"{count:,}", "dim"))
        )

    def _close(self) -> None:
        """Close the container that is gone, and read the busiest one."""
        self.step_back()
        if self.open is not None:
            self.open = None
            self._reload.at_once()

    @property
    def is_open(self) -> bool:
        """Whether a container was opened, not only passed with the cursor."""
        return self.open is not None and self.focused is not self.containers.table

    def open_container(self, reference: ContainerReference) -> None:
        self._preview(reference)
        self.add_class("-open")
        self.containers.table.move_to(reference)
        self._focus_tab()

    def _preview(self, reference: ContainerReference) -> None:
        if reference != self.open:
            self._set_open(reference)
            self.automations.awaits_rows = self.collections.awaits_rows = True
            self._reload.at_once()

    def _set_open(self, reference: ContainerReference) -> None:
        self.open = reference
        self._fit_tabs(reference)
        self.automations.container = reference
        if self.runs is not None:
            self.runs.open(reference)
        self.history.show_container(reference)

    def _fit_tabs(self, reference: ContainerReference) -> None:
        """Leave out the tab of collections where the open container has none of its own."""
        tab = "tab-collections"
        with self.tabs.prevent(Tabs.TabActivated):  # it would take the focus
            if not reference.kind.covers_several:
                self.tabs.show(tab)
                self.tabs.active = self._left_tab or self.tabs.active
                self._left_tab = ""
            elif self.tabs.active == tab:
                self._left_tab, self.tabs.active = tab, "tab-automations"
            if reference.kind.covers_several:
                self.tabs.hide(tab)
        self.panes.current = self.tabs.active.removeprefix("tab-")

    def _focus_tab(self) -> None:
        self.set_focus(self.query_one(f"#{self.tab}", Listing).table)

    @on(Table.Moved, "#containers Table")
    def _container_moved(self, event: Table.Moved) -> None:
        """Show a container as the cursor passes it, where there is room for both."""
        chosen = self.containers.chosen
        is_there = chosen is not None and event.key == chosen  # it may have moved on
        if chosen and is_there and not self.is_open and self.has_class("-wide"):
            self._preview(chosen)

    @on(Table.Chosen, "#containers Table")
    def _container_chosen(self) -> None:
        if chosen := self.containers.chosen:
            self.open_container(chosen)

    @on(Tabs.TabActivated)
    def _tab_activated(self, event: Tabs.TabActivated) -> None:
        tab = str(event.tab.id).removeprefix("tab-")
        if tab != self.tab:
            self.panes.current = tab
            self._focus_tab()
            self._reload.at_once()

    @on(RowsChanged)
    def _rows_changed(self) -> None:
        self._reload.at_once()

    @in_background
    async def on_automation_saved(self, event: AutomationSaved) -> None:
        await self._read()
        self.automations.table.move_to(event.name)

    @on(NewVersion)
    @in_background
    async def _new_version(self, event: NewVersion) -> None:
        if self.open is not None:
            name, type_ = (event.at.reference.name, event.at.type) if event.at else ("", "")
            dialog = await new_version(self, self.open, event.collections, name=name, type_=type_)
            self._ask(dialog)

    @on(TagCollection)
    def _tag_collection(self, event: TagCollection) -> None:
        self._ask(tag_collection(event.collection))

    @in_background
    async def _ask(self, dialog: Ask[Any]) -> None:
        """Ask, and put the cursor on the collection that was changed."""
        key = self.collections.table.key
        made = await ask(self, dialog)
        if isinstance(made, Version):
            self.notify(made_words(made))
            key = str(made.collection)
        await self._read()
        self.collections.table.move_to(key)

    @in_background
    async def action_create(self) -> None:
        made = await ask(self, new_container(self.KIND))
        if made is not None:
            await self._read()
            self.open_container(made)
            if self.KIND is ContainerKind.PROJECT:
                self.tabs.active = "tab-collections"  # what comes first in it

    @on(events.DescendantFocus)
    def _focus_moved(self) -> None:
        """Keep in sight what has the focus, where there is room for one of both only."""
        inside = self.focused and self.focused.ancestors
        if inside and self.containers in inside:
            self.remove_class("-open")
        elif inside and self.query_one("#open-container") in inside:
            self.add_class("-open")
        self._fit_dock()

    def action_tab(self, step: int) -> None:
        """Show the next tab; where only the list of containers is in sight, open one."""
        if self.open is None:
            return
        if self.has_class("-narrow") and not self.has_class("-open"):
            if step > 0:
                self.containers.table.action_choose()
        else:
            (self.tabs.action_next_tab if step > 0 else self.tabs.action_previous_tab)()

    def can_step_back(self) -> bool:
        return self.focused is not self.containers.table or self._covers_containers

    @property
    def _covers_containers(self) -> bool:
        """Whether what is open hides the list of containers: there is no room for both."""
        return self.has_class("-narrow") and self.has_class("-open")

    def step_back(self) -> None:
        """Go from what is open to the list of containers."""
        self.remove_class("-open")
        self.set_focus(self.containers.table)

    def action_new(self) -> None:
        """Create what the open tab lists, or what has to be there first."""
        if self.open is None:
            self.action_create()
        elif self.tab == "collections":
            self.collections.action_new()
        else:
            self.automations.action_new()

    def action_fold_feed(self) -> None:
        self.dock.display = not self.dock.display

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "demo":
            return self.has_class("-begins")
        if action == "fold_feed":
            return not self.has_class("-begins")
        return super().check_action(action, parameters)

    @in_background
    async def action_demo(self) -> None:
        """Hand the terminal to the demo, which has a database of its own, until it is left."""
        look_at_demo(self.app)


class RegistryScreen(ContainerScreen):
    """The registries: Collections, Automations, History."""

    MODE: ClassVar = "registry"
    KIND: ClassVar = ContainerKind.REGISTRY
    COLLECTIONS: ClassVar = "Collections"
    NO_COLLECTIONS: ClassVar = "No version is linked here yet.\nPress n to link one."
    EMPTY: ClassVar = "No registry yet.\nPress c to create one."


class ProjectScreen(ContainerScreen):
    """The projects: Artifacts, Runs, Automations, History."""

    MODE: ClassVar = "project"
    KIND: ClassVar = ContainerKind.PROJECT
    COLLECTIONS: ClassVar = "Artifacts"
    NO_COLLECTIONS: ClassVar = "No version is logged here yet.\nPress n to log one."
    EMPTY: ClassVar = "No project yet.\nPress c to create one, or log a version into one."

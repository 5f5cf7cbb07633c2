"""The versions of one collection."""

from collections.abc import Hashable
from datetime import datetime
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content

from firetower.core.catalog import Version
from firetower.core.gallery import draft_for
from firetower.core.references import CollectionReference, ContainerKind
from firetower.core.text import byte_count, counted
from firetower.tui.actions import bindings_of
from firetower.tui.breadcrumbs import breadcrumbs, container_steps
from firetower.tui.messages import OpenVersion, WriteAutomation, post
from firetower.tui.page import ask
from firetower.tui.screens import catalog
from firetower.tui.screens.framed import ListPage
from firetower.tui.screens.version import version_pane
from firetower.tui.session import Tower, in_background, session_of
from firetower.tui.text import ago, show_text
from firetower.tui.widgets.ask import Ask, Confirm
from firetower.tui.widgets.listing import DetailPane, Listing
from firetower.tui.widgets.rows import Cell, Column, Row
from firetower.tui.widgets.table import Table

COLUMNS = (
    Column("version", 7),
    Column("aliases", 10, flex=3),
    Column("tags", 6, flex=2),
    Column("size", 9, right=True),
    Column("made", 6, right=True),
    Column("by", 6, flex=1, from_width=64),
)


def _version_row(version: Version, now: datetime) -> Row:
    cells = (
        Cell(f"v{version.index}"),
        Cell(" ".join(version.aliases), "accent"),
        Cell(" ".join(version.tags)),
        Cell(byte_count(version.size) if version.size else "–", "dim"),
        Cell(ago(version.created_at, now), "dim"),
        Cell(version.author, "dim"),
    )
    return Row(version.reference, cells)


def _pane(tower: Tower, key: Hashable, now: datetime, width: int) -> Content:
    return version_pane(tower.version(str(key)), now, width)


class CollectionScreen(ListPage[Version]):
    """A collection's versions, and the one under the cursor in full beside them."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - Textual's own
    BINDINGS: ClassVar = bindings_of("collection")
    ROW_ACTIONS: ClassVar = frozenset(
        {"add_alias", "automate", "copy", "link", "remove_alias", "add_tag", "remove_tag", "unlink"}
    )

    def __init__(self, reference: str) -> None:
        empty = "No version is left here.\nEscape goes back."
        super().__init__(Listing(Table(COLUMNS), empty=empty, id="versions"))
        self.pane = DetailPane(self.listing.table, _pane)
        self.reference = CollectionReference.parse(reference)
        self.in_registry = self.reference.container.kind is ContainerKind.REGISTRY

    def body(self) -> ComposeResult:
        yield self.heading
        with Container(id="collection"):
            yield self.listing
            yield self.pane

    async def read(self) -> None:
        name = str(self.reference)
        versions = await session_of(self).ask(lambda tower: tower.versions(name))
        kind = f"{versions[0].type}, " if versions else ""
        said = f"{kind}{counted(len(versions), 'version')}"
        title = breadcrumbs(container_steps(self.reference.container), self.reference.name, said)
        show_text(self.heading, title)
        await self.show_items(versions, _version_row)
        self.pane.look_again()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide what is done in a registry only, or in a project only."""
        if action in {"link", "unlink"} and (action == "unlink") != self.in_registry:
            return False
        return super().check_action(action, parameters)

    @on(Table.Moved)
    def _moved(self) -> None:
        self.pane.look_again()

    @on(Table.Chosen)
    def _row_chosen(self, event: Table.Chosen) -> None:
        post(self, OpenVersion(str(event.key)))

    def action_copy(self) -> None:
        if version := self.chosen:
            self.app.copy_to_clipboard(version.reference)
            self.notify(f"Copied {version.reference}.")

    @in_background
    async def _ask(self, dialog: Ask[Any]) -> None:
        """Ask, and show what it changed."""
        made = await ask(self, dialog)
        if isinstance(made, Version):
            self.notify(catalog.made_words(made))
        self._reload()

    @in_background
    async def action_new(self) -> None:
        type_ = next((version.type for version in self._items.values()), "")
        container, name = self.reference.container, self.reference.name
        self._ask(await catalog.new_version(self, container, name=name, type_=type_))

    def action_automate(self) -> None:
        if version := self.chosen:
            post(self, WriteAutomation(draft_for(self.reference, version.aliases)))

    @in_background
    async def action_add_alias(self) -> None:
        if version := self.chosen:
            detail = await session_of(self).ask(lambda tower: tower.version(version))
            linked = () if self.in_registry else detail.linked_as
            self._ask(catalog.add_alias(version, linked))

    def action_remove_alias(self) -> None:
        version = self.chosen
        if version is not None and catalog.removable_aliases(version):
            self._ask(catalog.remove_alias(version))
        elif version is not None:
            self._warn(f"{version} has no alias to remove; latest always names the newest.")

    def action_add_tag(self) -> None:
        if version := self.chosen:
            self._ask(catalog.add_tag(version))

    def action_remove_tag(self) -> None:
        version = self.chosen
        if version is not None and version.tags:
            self._ask(catalog.remove_tag(version))
        elif version is not None:
            self._warn(f"{version} has no tag to remove.")

    def _warn(self, text: str) -> None:
        self.notify(text, severity="warning")

    @in_background
    async def action_link(self) -> None:
        version = self.chosen
        if version is None:
            return
        registries = await session_of(self).ask(lambda tower: tower.registries())
        if registries:
            self._ask(catalog.link_from(version, [one.reference for one in registries]))
        else:
            self._warn("There is no registry yet: 1 goes to them, c makes one.")

    @in_background
    async def action_unlink(self) -> None:
        version = self.chosen
        if version is None:
            return
        said = f"Its aliases and tags here go with it. {version.source} stays as it is."
        if await ask(self, Confirm(f"Unlink {version}?", said, [("unlink", "Unlink")])):
            await self.change(lambda tower: tower.unlink(version), f"Unlinked {version}.")

"""The versions of one collection."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from firetower.core.catalog import Version
from firetower.core.errors import FiretowerError
from firetower.core.references import CollectionReference, ContainerKind
from firetower.core.text import byte_count, counted, visible
from firetower.tui.actions import bindings_of
from firetower.tui.messages import OpenVersion, post
from firetower.tui.page import ask
from firetower.tui.refresh import Refresh
from firetower.tui.screens import catalog
from firetower.tui.screens.list_screen import ListScreen
from firetower.tui.session import session_of, show_error
from firetower.tui.text import ago
from firetower.tui.version_text import version_text
from firetower.tui.widgets.ask import Ask
from firetower.tui.widgets.bar import Bar
from firetower.tui.widgets.confirm import Confirm
from firetower.tui.widgets.key_line import KeyLine
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.table import Cell, Column, Row, Table

COLUMNS = (
    Column("version", 7),
    Column("aliases", 10, flex=3),
    Column("tags", 6, flex=2),
    Column("size", 9, right=True),
    Column("made", 6, right=True),
    Column("by", 6, flex=1, from_width=64),
)
_MOST_FILES = 20
_ON_A_VERSION = frozenset(
    {"add_alias", "remove_alias", "add_tag", "remove_tag", "link", "unlink", "copy"}
)


def version_row(version: Version, now: datetime) -> Row:
    """Return a version as a row."""
    return Row(
        version.reference,
        (
            Cell(f"v{version.index}"),
            Cell(" ".join(version.aliases), "accent"),
            Cell(" ".join(version.tags)),
            Cell(byte_count(version.size) if version.size else "–", "dim"),
            Cell(ago(version.created_at, now), "dim"),
            Cell(version.author, "dim"),
        ),
    )


class CollectionScreen(ListScreen):
    """A collection's versions, and beside them all there is to tell of one."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - Textual's own
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("collection")

    def __init__(self, reference: str) -> None:
        super().__init__(
            Listing(
                Table(COLUMNS), empty="No version is left here.\nEscape goes back.", id="versions"
            )
        )
        self.reference = CollectionReference.parse(reference)
        self.in_registry = self.reference.container.kind is ContainerKind.REGISTRY
        self._versions: dict[str, Version] = {}
        self._linked: tuple[str, ...] = ()
        self._look = Refresh(self, self._read_detail)

    def compose(self) -> ComposeResult:
        yield Bar(self.reference.container.kind.value)
        yield Static("", classes="heading", id="collection-title")
        with Container(id="collection"):
            yield self.listing
            with VerticalScroll(id="version-pane"):
                yield Static("", id="version-text")
        yield KeyLine()

    async def read(self) -> None:
        """Read what is listed, and show it. Raises FiretowerError."""
        session, name = session_of(self), str(self.reference)
        found = await session.ask(lambda tower: tower.versions(name))
        self._versions = {version.reference: version for version in found}
        self._show_title(found)
        self.listing.set_rows([version_row(version, session.now()) for version in found])
        self.refresh_bindings()
        self._look()

    def _show_title(self, versions: Sequence[Version]) -> None:
        kind = f"{versions[0].type}, " if versions else ""
        title = Content.from_markup(
            "[dim]$place ›[/] [b]$name[/]  [dim]$said[/]",
            place=visible(str(self.reference.container)),
            name=visible(self.reference.name),
            said=visible(f"{kind}{counted(len(versions), 'version')}"),
        )
        self._update("#collection-title", title)

    def _update(self, where: str, said: Content) -> None:
        static = self.query_one(where, Static)
        if static.content != said:
            static.update(said)

    async def _read_detail(self) -> None:
        session, version = session_of(self), self.chosen
        if version is None:
            self._update("#version-text", Content(""))
            return
        try:
            detail = await session.ask(lambda tower: tower.version(version))
        except FiretowerError:  # it was unlinked meanwhile: the list is about to say so
            return
        if self.chosen is not None and self.chosen.reference == version.reference:
            self._linked = detail.linked_as
            self._update("#version-text", version_text(detail, session.now(), _MOST_FILES))

    @property
    def chosen(self) -> Version | None:
        """The version under the cursor."""
        return self._versions.get(str(self.listing.table.key))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Hide what the other kind of place does, and grey out what needs a version."""
        if action in {"link", "unlink"} and (action == "unlink") != self.in_registry:
            return False
        return None if action in _ON_A_VERSION and not self._versions else True

    @on(Table.Moved)
    def _moved(self, event: Table.Moved) -> None:
        event.stop()
        self._look()

    @on(Table.Chosen)
    def _row_chosen(self, event: Table.Chosen) -> None:
        event.stop()
        post(self, OpenVersion(str(event.key)))

    def action_copy(self) -> None:
        """Copy the version's reference."""
        if version := self.chosen:
            self.app.copy_to_clipboard(version.reference)
            self.notify(f"Copied {version.reference}.", markup=False)

    @work(exit_on_error=False)
    async def _ask(self, dialog: Ask[Any]) -> None:
        """Ask, and show what it changed."""
        made = await ask(self, dialog)
        if isinstance(made, Version):
            self.notify(catalog.made_words(made), markup=False)
        self._reload()

    def action_new(self) -> None:
        """Log another version, or link one."""
        types = {version.type for version in self._versions.values()}
        container, name = self.reference.container, self.reference.name
        self._ask(catalog.new_version(container, name=name, type_=next(iter(types), "")))

    def action_add_alias(self) -> None:
        """Give the version an alias."""
        if version := self.chosen:
            self._ask(catalog.add_alias(version, () if self.in_registry else self._linked))

    def action_remove_alias(self) -> None:
        """Take an alias off the version."""
        version = self.chosen
        if version is not None and catalog.removable_aliases(version):
            self._ask(catalog.remove_alias(version))
        elif version is not None:
            self._decline(f"{version} has no alias to remove; latest always names the newest.")

    def action_add_tag(self) -> None:
        """Put a tag on the version."""
        if version := self.chosen:
            self._ask(catalog.add_tag(version))

    def action_remove_tag(self) -> None:
        """Take a tag off the version."""
        version = self.chosen
        if version is not None and version.tags:
            self._ask(catalog.remove_tag(version))
        elif version is not None:
            self._decline(f"{version} has no tag to remove.")

    def _decline(self, why: str) -> None:
        self.notify(why, severity="warning", markup=False)

    @work(exit_on_error=False)
    async def action_link(self) -> None:
        """Link the version into a registry."""
        version = self.chosen
        if version is None:
            return
        try:
            registries = await session_of(self).ask(lambda tower: tower.registries())
        except FiretowerError as error:
            show_error(self, error)
            return
        if not registries:
            self._decline("There is no registry yet: 1 goes to them, c makes one.")
            return
        dialog = catalog.link_from(version, [place.reference for place in registries])
        self._ask(dialog)

    @work(exit_on_error=False)
    async def action_unlink(self) -> None:
        """Ask, then remove the version's link from the registry."""
        version = self.chosen
        if version is None:
            return
        said = "Its aliases and tags here go with it."
        answer = await ask(
            self,
            Confirm(
                f"Unlink {version}?",
                f"{said} {version.source} stays as it is.",
                [("unlink", "Unlink")],
            ),
        )
        if answer is not None:
            try:
                await session_of(self).ask(lambda tower: tower.unlink(version))
            except FiretowerError as error:
                show_error(self, error)
            self._reload()

"""The versions of one collection, and one version in full: its files, metadata, links and edits."""

import json
from collections.abc import Hashable, Iterator
from datetime import datetime
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content

from firetower.core.catalog import Entry, Version, VersionChange, VersionDetail
from firetower.core.gallery import draft_for
from firetower.core.references import CollectionReference, ContainerKind, VersionReference
from firetower.core.text import byte_count, counted, shortened, visible
from firetower.tui.actions import bindings_of, row_actions
from firetower.tui.breadcrumbs import breadcrumbs, collection_steps, container_steps
from firetower.tui.messages import OpenRun, OpenVersion, WriteAutomation, post
from firetower.tui.page import ask
from firetower.tui.screens import catalog
from firetower.tui.screens.framed import ListPage, TextPage
from firetower.tui.session import Tower, in_background, session_of
from firetower.tui.text import age, ago, exact, folded, hanging, json_lines, plain, show_text
from firetower.tui.widgets.ask import Ask, Confirm
from firetower.tui.widgets.listing import DetailPane, Listing
from firetower.tui.widgets.rows import Cell, Column, Row
from firetower.tui.widgets.table import Table

FILES_SHOWN = 20
"""Files shown in the pane beside a list, and links."""
_MOST_FILES = 200
"""Files shown, and links; Y copies all."""


COLUMNS = (
    Column("version", 7),
    Column("aliases", 10, flex=3),
    Column("tags", 6, flex=2),
    Column("size", 9, right=True),
    Column("made", 6, right=True),
    Column("by", 6, flex=1, from_width=64),
)


def newest_version_pane(tower: Tower, key: Hashable, now: datetime, width: int) -> Content:
    """Return a collection's newest version for the pane beside a list. Raises NotFound."""
    return version_pane(tower.version(f"{key}:latest"), now, width)


def version_pane(detail: VersionDetail, now: datetime, width: int) -> Content:
    """Return a version with its name and its first files."""
    title = Content.styled(visible(detail.version.reference), "bold")
    text = version_text(detail, now, width, most=FILES_SHOWN, hint="enter shows more")
    return Content("\n").join([title, text])


def version_text(
    detail: VersionDetail, now: datetime, width: int, *, most: int, hint: str
) -> Content:
    """Return what is known of a version: the first `most` files, `hint` says where the others are.

    Many files and much metadata take long: to be called in a thread.
    """
    version = detail.version
    made = f"{exact(version.created_at)}, {age(version.created_at, now)}, by {version.author}"
    holds = counted(version.file_count, "entry", "entries")
    if version.size:
        holds += f", {byte_count(version.size)}"
    facts = [
        ("aliases", ", ".join(version.aliases)),
        ("tags", ", ".join(version.tags)),
        ("type", version.type),
        ("made", made),
        ("about", version.description or ""),
        *_links(detail, most),
        ("logged by", ", ".join(detail.logged_by[:most])),
        ("used by", ", ".join(detail.used_by[:most])),
    ]
    parts = [
        *(hanging(name, value, width) for name, value in facts if value),
        *_others(len(detail.linked_as) - most, hint),
        Content(""),
        Content.styled("Metadata", "dim"),
        folded(json_lines(version.metadata, hint), width) if version.metadata else Content("none"),
        *_changes(detail.changes, now, most, hint),
        Content(""),
        hanging("holds", holds, width),
        *_entries(detail.entries, width, most),
        *_others(len(detail.entries) - most, hint),
        hanging("digest", version.digest, width),
    ]
    return Content("\n").join(parts)


def _links(detail: VersionDetail, most: int) -> Iterator[tuple[str, str]]:
    version = detail.version
    if version.collection.container.kind is ContainerKind.REGISTRY:
        yield "source", version.source
        return
    name = "linked"
    for reference in detail.linked_as[:most] or ("nowhere: L links it into a registry",):
        yield name, reference
        name = ""


def _changes(
    changes: tuple[VersionChange, ...], now: datetime, most: int, hint: str
) -> Iterator[Content]:
    if changes:
        yield from (Content(""), Content.styled("Edited", "dim"))
    for one in changes[:most]:
        values = (shortened(value or "nothing", 60) for value in (one.old_json, one.new_json))
        said = f"{age(one.changed_at, now)}, by {one.author}: {one.field} {' → '.join(values)}"
        yield plain(said)
    yield from _others(len(changes) - most, hint)


def _entries(entries: tuple[Entry, ...], width: int, most: int) -> Iterator[Content]:
    for entry in entries[:most]:
        size = "" if entry.size is None else f"{byte_count(entry.size):>9}"
        path = entry.uri or entry.path if entry.size is None else entry.path
        yield hanging(size, path, width)


def _others(count: int, hint: str) -> Iterator[Content]:
    if count > 0:
        yield Content.styled(f"… {count:,} more, {hint}", "dim")


class VersionScreen(TextPage):
    """Metadata, every file, every link; it follows changes."""

    BINDINGS: ClassVar = bindings_of("version")

    def __init__(self, reference: str) -> None:
        self.reference = reference
        version = VersionReference.parse(reference)
        self._run: str | None = None
        """The run that logged it."""
        self._title = breadcrumbs(collection_steps(version.collection), version.selector)
        super().__init__(self._title)

    def read(self, tower: Tower, now: datetime, width: int) -> tuple[Content, Content]:
        detail = tower.version(self.reference)
        self._run = next(iter(detail.logged_by), None)
        text = version_text(detail, now, width, most=_MOST_FILES, hint="Y copies all")
        return self._title, text

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the run where there is one."""
        return super().check_action(action, parameters) if self._run or action != "run" else False

    def action_run(self) -> None:
        if self._run is not None:
            post(self, OpenRun(self._run))

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self.reference)
        self.notify(f"Copied {self.reference}.")

    @in_background
    async def action_automate(self) -> None:
        detail = await session_of(self).ask(lambda tower: tower.version(self.reference))
        draft = draft_for(detail.version.collection, detail.version.aliases)
        post(self, WriteAutomation(draft))

    @in_background
    async def action_copy_all(self) -> None:
        """Copy all that is known of the version, as JSON."""

        def find(tower: Tower) -> str:
            return json.dumps(tower.version(self.reference).as_data(), indent=2)

        self.app.copy_to_clipboard(await session_of(self).ask(find))
        self.notify(f"Copied all of {self.reference}, as JSON.")


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

    BINDINGS: ClassVar = bindings_of("collection")
    ROW_ACTIONS: ClassVar = row_actions("collection", "back", "new")

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
        if version := self.chosen:
            aliases = [alias for alias in version.aliases if alias != "latest"]
            if aliases:
                self._ask(catalog.remove_name(version, "alias", aliases))
            else:
                self._warn(f"{version} has no alias to remove; latest always names the newest.")

    def action_add_tag(self) -> None:
        if version := self.chosen:
            self._ask(catalog.add_tag(version))

    def action_remove_tag(self) -> None:
        if version := self.chosen:
            if version.tags:
                self._ask(catalog.remove_name(version, "tag", version.tags))
            else:
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
        if await ask(self, Confirm(f"Unlink {version}?", said, "Unlink")):
            await self.change(lambda tower: tower.unlink(version), f"Unlinked {version}.")

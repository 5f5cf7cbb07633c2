"""The lists of registries or projects, and of the collections of one."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from firetower.core.catalog import Collection, Container
from firetower.core.gallery import draft_for
from firetower.core.references import ContainerReference
from firetower.tui.actions import bindings_of, row_actions
from firetower.tui.breadcrumbs import container_label
from firetower.tui.messages import NewVersion, OpenCollection, TagCollection, WriteAutomation, post
from firetower.tui.session import session_of
from firetower.tui.text import ago
from firetower.tui.widgets.listing import Detail, Listing
from firetower.tui.widgets.rows import Cell, Column, Row
from firetower.tui.widgets.table import Table

CONTAINER_COLUMNS = (Column("", 10, flex=1), Column("", right=True))
COLLECTION_COLUMNS = (
    Column("name", 16, flex=3),
    Column("type", 10, flex=1),
    Column("versions", 8, right=True),
    Column("tags", 8, flex=2),
    Column("made", 8, right=True),
    Column("by", 8, flex=1, from_width=70),
)


def _container_row(container: Container) -> Row:
    name = container_label(container.reference)
    number = f"{container.automations:,}" if container.automations else "–"
    return Row(container.reference, (Cell(name), Cell(number, "dim")))


class Containers(Listing):
    """The list, with the number of automations that each holds itself."""

    def __init__(self, *, empty: str) -> None:
        super().__init__(
            Table(CONTAINER_COLUMNS, header=False, one_click=True), empty=empty, id="containers"
        )

    def show(self, containers: Sequence[Container]) -> None:
        self.set_rows([_container_row(one) for one in containers])

    @property
    def chosen(self) -> ContainerReference | None:
        """The one under the cursor."""
        key = self.table.key
        return key if isinstance(key, ContainerReference) else None


def _collection_row(collection: Collection, now: datetime) -> Row:
    cells = (
        Cell(collection.reference.name),
        Cell(collection.type, "dim"),
        Cell(f"{collection.versions:,}"),
        Cell(" ".join(collection.tags), "accent"),
        Cell(ago(collection.created_at, now), "dim"),
        Cell(collection.author, "dim"),
    )
    return Row(str(collection.reference), cells)


class Collections(Listing):
    """The Collections tab of a registry, the Artifacts tab of a project."""

    BINDINGS: ClassVar = bindings_of("collections")
    ROW_ACTIONS: ClassVar = row_actions("collections", "new")

    def __init__(self, *, id: str, empty: str, detail: Detail) -> None:
        super().__init__(Table(COLLECTION_COLUMNS), empty=empty, id=id, detail=detail)
        self._shown: Sequence[Collection] = ()

    def show(self, collections: Sequence[Collection]) -> None:
        now = session_of(self).now()
        self._shown = collections
        self.set_rows([_collection_row(collection, now) for collection in collections])

    @property
    def chosen(self) -> Collection | None:
        key = self.table.key
        return next((one for one in self._shown if str(one.reference) == key), None)

    def on_table_chosen(self, event: Table.Chosen) -> None:
        post(self, OpenCollection(str(event.key)))

    def action_new(self) -> None:
        self.post_message(NewVersion(self._shown, self.chosen))

    def action_automate(self) -> None:
        if chosen := self.chosen:
            post(self, WriteAutomation(draft_for(chosen.reference)))

    def action_tag(self) -> None:
        if chosen := self.chosen:
            self.post_message(TagCollection(chosen))

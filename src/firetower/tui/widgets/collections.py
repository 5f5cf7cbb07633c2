"""The collections of one registry or project."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from textual import work
from textual.binding import BindingType
from textual.message import Message

from firetower.core.catalog import Collection, Version
from firetower.core.references import ContainerReference
from firetower.tui import over
from firetower.tui.actions import bindings_of
from firetower.tui.screens.ask import Ask
from firetower.tui.screens.catalog import made_words, new_version, tag_collection
from firetower.tui.session import session_of
from firetower.tui.text import ago
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.table import Cell, Column, Row, Table

COLUMNS = (
    Column("name", 16, flex=3),
    Column("type", 10, flex=1),
    Column("versions", 8, right=True),
    Column("tags", 8, flex=2),
    Column("made", 8, right=True),
    Column("by", 8, flex=1, from_width=70),
)


def collection_row(collection: Collection, now: datetime) -> Row:
    """Return a collection as a row."""
    return Row(
        str(collection.reference),
        (
            Cell(collection.reference.name),
            Cell(collection.type, "dim"),
            Cell(f"{collection.versions:,}"),
            Cell(" ".join(collection.tags), "accent"),
            Cell(ago(collection.created_at, now), "dim"),
            Cell(collection.author, "dim"),
        ),
    )


class Collections(Listing):
    """The Collections tab of a registry, the Artifacts tab of a project."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("collections")

    class Wanted(Message):
        """A collection is to be opened, or what was changed is to be shown."""

        def __init__(self, what: str, reference: str | None) -> None:
            super().__init__()
            self.what = what
            self.reference = reference

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(Table(COLUMNS), id=id)
        self.container: ContainerReference | None = None
        self.shown: Sequence[Collection] = ()

    def show(self, collections: Sequence[Collection]) -> None:
        """Show collections."""
        now = session_of(self).now()
        self.shown = collections
        self.set_rows([collection_row(collection, now) for collection in collections])

    @property
    def chosen(self) -> Collection | None:
        """The collection under the cursor."""
        key = self.table.key
        return next((one for one in self.shown if str(one.reference) == key), None)

    def on_table_chosen(self, event: Table.Chosen) -> None:
        """Show the versions of the collection."""
        event.stop()
        self.post_message(self.Wanted("open", str(event.key)))

    def action_new(self) -> None:
        """Log a version into the project, or link one into the registry."""
        if self.container is not None:
            chosen = self.chosen
            self._ask(
                new_version(
                    self.container,
                    self.shown,
                    name=chosen.reference.name if chosen else "",
                    type_=chosen.type if chosen else "",
                )
            )

    def action_tag(self) -> None:
        """Change the collection's tags."""
        if chosen := self.chosen:
            self._ask(tag_collection(chosen))

    @work(exit_on_error=False)
    async def _ask(self, dialog: Ask[Any]) -> None:
        """Ask, say what was made, and let it be shown."""
        made = await over.ask(self, dialog)
        if isinstance(made, Version):
            self.notify(made_words(made), markup=False)
            self.post_message(self.Wanted("refresh", str(made.collection)))
        else:
            self.post_message(self.Wanted("refresh", str(self.table.key)))

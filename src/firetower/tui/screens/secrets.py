"""The Secrets screen: names, never values."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from firetower.core.errors import FiretowerError
from firetower.core.references import check_secret_name
from firetower.core.text import counted
from firetower.tui.actions import bindings_of
from firetower.tui.page import ask
from firetower.tui.screens.list_screen import ListScreen
from firetower.tui.session import session_of, show_error
from firetower.tui.text import ago
from firetower.tui.widgets.ask import Answers, Ask
from firetower.tui.widgets.bar import Bar
from firetower.tui.widgets.confirm import Confirm
from firetower.tui.widgets.field import Field, TextField
from firetower.tui.widgets.key_line import KeyLine
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.table import Cell, Column, Row, Table

if TYPE_CHECKING:
    from firetower.core.endpoints import SecretInfo
    from firetower.tower import Tower


COLUMNS = (
    Column("name", 20, flex=2),
    Column("set", 10, right=True),
    Column("used by", 16, flex=3),
)


def secret_row(secret: SecretInfo, now: datetime) -> Row:
    """Return a secret as a row, without its value."""
    users = ", ".join(secret.used_by)
    return Row(
        secret.name,
        (
            Cell(secret.name),
            Cell(_age(secret.updated_at, now), "dim"),
            Cell(users or "nobody", "" if users else "dim"),
        ),
    )


def _age(moment: datetime, now: datetime) -> str:
    said = ago(moment, now)
    return said if said == "now" else f"{said} ago"


def secret_dialog(name: str | None) -> Ask[str]:
    """Return the dialog that sets a secret, a new one or another value of one there is."""
    fields: list[Field] = []
    if name is None:
        fields.append(TextField("name", "Name", placeholder="CI_TOKEN", check=check_secret_name))
    note = "" if name is None else "The value before still signs for 24 hours."
    fields.append(TextField("value", "Value", password=True, note=note))

    def save(tower: Tower, answers: Answers) -> str:
        chosen = name or answers["name"]
        tower.secrets.set(chosen, answers["value"])
        return chosen

    return Ask("New secret" if name is None else f"Another value for {name}", fields, save)


class SecretsScreen(ListScreen):
    """Every secret: set, replaced, deleted."""

    BELONGS_TO: ClassVar = "app"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("secrets")

    def __init__(self) -> None:
        super().__init__(
            Listing(
                Table(COLUMNS),
                empty="No secret yet.\nPress n to save one: a token, a signing key, a Slack URL.",
                id="secrets",
            )
        )
        self._secrets: dict[str, SecretInfo] = {}

    def compose(self) -> ComposeResult:
        yield Bar("secrets")
        yield Static("Secrets", classes="heading")
        yield self.listing
        yield KeyLine()

    async def read(self) -> None:
        """Read what is listed, and show it. Raises FiretowerError."""
        session = session_of(self)
        found = await session.ask(lambda tower: tower.secrets.list())
        self._secrets = {secret.name: secret for secret in found}
        self.listing.set_rows([secret_row(secret, session.now()) for secret in found])
        self.refresh_bindings()

    @property
    def chosen(self) -> SecretInfo | None:
        """The secret under the cursor."""
        return self._secrets.get(str(self.listing.table.key))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Grey out what needs a secret while there is none."""
        return None if action in {"edit", "delete"} and not self._secrets else True

    def action_new(self) -> None:
        """Save a secret."""
        self._set(None)

    def action_edit(self) -> None:
        """Give the secret another value."""
        if secret := self.chosen:
            self._set(secret.name)

    @on(Table.Chosen)
    def _row_chosen(self, event: Table.Chosen) -> None:
        event.stop()
        self.action_edit()

    @work(exit_on_error=False)
    async def _set(self, name: str | None) -> None:
        saved = await ask(self, secret_dialog(name))
        if saved is not None:
            self.notify(f"Saved {saved}, encrypted.", markup=False)
            await self._read()
            self.listing.table.move_to(saved)

    @work(exit_on_error=False)
    async def action_delete(self) -> None:
        """Ask, then delete the secret."""
        secret = self.chosen
        if secret is None:
            return
        name, users = secret.name, len(secret.used_by)
        said = f"{counted(users, 'endpoint')} still use it." if users else "Nothing uses it."
        answer = await ask(
            self,
            Confirm(f"Delete {name}?", f"{said} Its value is gone then.", [("delete", "Delete")]),
        )
        if answer == "delete":
            try:
                await session_of(self).ask(lambda tower: tower.secrets.delete(name))
            except FiretowerError as error:
                show_error(self, error)
            else:
                self.notify(f"Deleted {name}.", markup=False)
            self._reload()

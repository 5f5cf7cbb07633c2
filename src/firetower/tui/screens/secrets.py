"""The Secrets screen: names, never values."""

from datetime import datetime
from typing import ClassVar

from textual import on

from firetower.core.endpoints import SecretInfo, check_secret_value
from firetower.core.references import check_secret_name
from firetower.core.text import agreeing, counted
from firetower.tui.actions import bindings_of, row_actions
from firetower.tui.messages import OpenEndpoint, post
from firetower.tui.page import ask
from firetower.tui.screens.framed import ListPage
from firetower.tui.session import Tower, in_background, session_of
from firetower.tui.text import age
from firetower.tui.widgets.ask import Answers, Ask, Confirm
from firetower.tui.widgets.field import Field, TextField
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.rows import Cell, Column, Row
from firetower.tui.widgets.table import Table

COLUMNS = Column("name", 20, flex=2), Column("set", 10, right=True), Column("used by", 16, flex=3)


def _secret_row(secret: SecretInfo, now: datetime) -> Row:
    users = ", ".join(secret.used_by)
    cells = (
        Cell(secret.name),
        Cell(age(secret.updated_at, now), "dim"),
        Cell(users or "nobody", "" if users else "dim"),
    )
    return Row(secret.name, cells)


def secret_dialog(name: str | None) -> Ask[str]:
    """Return the dialog that saves a new secret, or a new value of the one named."""
    fields: list[Field] = []
    if name is None:
        fields.append(TextField("name", "Name", placeholder="CI_TOKEN", check=check_secret_name))
    note = "" if name is None else "The value before still signs for 24 hours."
    fields.append(TextField("value", "Value", password=True, note=note, check=check_secret_value))

    def save(tower: Tower, answers: Answers) -> str:
        chosen = name or answers["name"]
        tower.secrets.set(chosen, answers["value"])
        return chosen

    return Ask("New secret" if name is None else f"New value of {name}", fields, save)


class SecretsScreen(ListPage[SecretInfo]):
    """Every secret: set, replaced, deleted."""

    BELONGS_TO: ClassVar = "app"
    MODE: ClassVar = "secrets"
    BINDINGS: ClassVar = bindings_of("secrets")
    ROW_ACTIONS: ClassVar = row_actions("secrets", "new")

    def __init__(self) -> None:
        empty = "No secret yet.\nPress n to save one: a token, a signing key, a Slack URL."
        super().__init__(Listing(Table(COLUMNS), empty=empty, id="secrets"), "Secrets")

    async def read(self) -> None:
        await self.show_items(
            await session_of(self).ask(lambda tower: tower.secrets.list()), _secret_row
        )

    def action_new(self) -> None:
        self._set(None)

    @on(Table.Chosen)
    def _go_to_user(self) -> None:
        """Show the first endpoint that the secret is granted to."""
        if secret := self.chosen:
            if secret.used_by:
                post(self, OpenEndpoint(secret.used_by[0]))
            else:
                self.notify(f"Nothing uses {secret.name} yet; e gives it a new value.")

    def action_edit(self) -> None:
        if secret := self.chosen:
            self._set(secret.name)

    @in_background
    async def _set(self, name: str | None) -> None:
        saved = await ask(self, secret_dialog(name))
        if saved is not None:
            self.notify(f"Saved {saved}, encrypted.")
            await self._read()
            self.listing.table.move_to(saved)

    @in_background
    async def action_delete(self) -> None:
        secret = self.chosen
        if secret is None:
            return
        name, users = secret.name, len(secret.used_by)
        said = "Nothing uses it."
        if users:
            said = f"{counted(users, 'endpoint')} still {agreeing(users, 'use')} it."
        question = Confirm(f"Delete {name}?", f"{said} Its value is lost.", "Delete")
        if await ask(self, question):
            await self.change(lambda tower: tower.secrets.delete(name), f"Deleted {name}.")

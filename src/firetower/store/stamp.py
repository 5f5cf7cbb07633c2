"""A number that changes whenever an integration or a secret does."""

from sqlalchemy import Connection, Integer, Text, cast, select, update

from firetower.store import tables

_KEY = "integrations_stamp"
"""The migration that makes the table puts the row there."""
_state = tables.state.c


NUMBER = select(cast(_state.value, Integer)).where(_state.key == _KEY).scalar_subquery()
"""The number, as a part of a query."""


def bump(connection: Connection) -> None:
    """Change the number, in the transaction that changes what it stands for."""
    number = cast(_state.value, Integer) + 1
    connection.execute(
        update(tables.state).where(_state.key == _KEY).values(value=cast(number, Text))
    )

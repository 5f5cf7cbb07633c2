"""A number that changes whenever an integration or a secret does."""

from sqlalchemy import Connection, Integer, Text, cast, select, update

from firetower.store import tables

_KEY = "integrations_stamp"
"""The migration that makes the table puts the row there."""
_state = tables.state.c


def read(connection: Connection) -> int:
    """Return the number."""
    return int(connection.execute(select(_state.value).where(_state.key == _KEY)).scalar_one())


def bump(connection: Connection) -> None:
    """Change the number, in the transaction that changes what it stands for."""
    number = cast(_state.value, Integer) + 1
    connection.execute(
        update(tables.state).where(_state.key == _KEY).values(value=cast(number, Text))
    )

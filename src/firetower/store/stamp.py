"""A number that changes whenever an endpoint or a secret does."""

from sqlalchemy import Connection, Integer, Text, cast, select, update

from firetower.store import schema

_KEY = "endpoints_stamp"
"""The migration that makes the table puts the row there."""
_state = schema.state.c


NUMBER = select(cast(_state.value, Integer)).where(_state.key == _KEY).scalar_subquery()
"""The number, as a part of a query."""


def bump(connection: Connection) -> None:
    """Change the number, in the transaction that changes what it stands for."""
    number = cast(_state.value, Integer) + 1
    connection.execute(
        update(schema.state).where(_state.key == _KEY).values(value=cast(number, Text))
    )

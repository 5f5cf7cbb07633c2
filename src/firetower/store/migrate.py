"""The schema's version: what the program needs, what the database has, how to get there."""

from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from firetower.core.errors import SchemaOutdated, SchemaTooNew, StoreError
from firetower.store.database import Database, create_sqlite_file

SCHEMA = "0007"
"""The newest migration. Numbers, so that older and newer can be told apart."""

_MIGRATION_LOCK = 0x66697265
"""A PostgreSQL advisory lock: programs that start at once migrate one after another."""


class SchemaState(StrEnum):
    """How a database's schema stands to the program's."""

    EMPTY = "empty"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"
    FOREIGN = "foreign"


def schema_version(connection: Connection) -> str | None:
    """Return the schema's version by plain SQL: importing Alembic would take most of a second."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def schema_state(connection: Connection) -> SchemaState:
    """Return how the database's schema stands to the program's."""
    found = schema_version(connection)
    if found is None:
        return SchemaState.FOREIGN if inspect(connection).get_table_names() else SchemaState.EMPTY
    if found == SCHEMA:
        return SchemaState.CURRENT
    return SchemaState.OLDER if found < SCHEMA else SchemaState.NEWER


def check_schema(database: Database, *, create: bool = True) -> None:
    """Make a new database, and refuse one that does not fit the program. Raises StoreError."""
    if create and database.is_sqlite and not database.read_only:
        create_sqlite_file(database.location)
    with database.transaction() as connection:
        found = schema_state(connection)
    if found is SchemaState.EMPTY and not database.read_only:
        migrate_schema(database)
    elif found is not SchemaState.CURRENT:
        raise _refusal(found, database)


def _refusal(found: SchemaState, database: Database) -> StoreError:
    match found:
        case SchemaState.OLDER:
            return SchemaOutdated(
                f"the database {database.location} was made by an older Firetower",
                "Run `firetower database migrate`; back it up first if it matters.",
            )
        case SchemaState.NEWER:
            return SchemaTooNew(
                f"the database {database.location} was made by a newer Firetower",
                "Upgrade this program: pip install --upgrade firetower",
            )
        case SchemaState.EMPTY:
            return StoreError(
                f"the database {database.location} is empty", "Open it once without read-only."
            )
        case _:
            return StoreError(
                f"{database.location} is not a Firetower database",
                "Choose another with --database.",
            )


def migrate_schema(database: Database) -> str:
    """Bring the schema to the program's version; return the one it had before.

    Raises StoreError.
    """
    from alembic import command
    from alembic.config import Config

    database.refuse_read_only()
    if database.is_sqlite:
        create_sqlite_file(database.location)
        with database.raw() as connection:
            # Readers go on while another process writes. The file keeps the setting.
            connection.execute("PRAGMA journal_mode = WAL")
    with database.transaction(changes=True) as connection:
        if not database.is_sqlite:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
        found = schema_state(connection)
        if found in {SchemaState.NEWER, SchemaState.FOREIGN}:
            raise _refusal(found, database)
        before = schema_version(connection) or "none"
        if found is not SchemaState.CURRENT:
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    return before

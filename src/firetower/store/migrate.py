"""The schema's version: read it, create a database, migrate an older one."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from firetower.core.errors import StoreError
from firetower.core.references import ContainerReference
from firetower.store.changes import ENDPOINTS_VERSION_KEY, is_postgresql
from firetower.store.columns import add_postgresql_conditions
from firetower.store.database import Database, create_sqlite_file
from firetower.store.driver import run
from firetower.store.location import Location
from firetower.store.sessions import MIGRATION_TIMEOUT

SCHEMA = "0012"
"""The newest migration. Numbers, so that older and newer can be compared."""
OLDEST_SCHEMA = "0006"
"""The oldest that can be migrated."""

_MIGRATION_LOCK = 0x66697265
"""A PostgreSQL advisory lock: programs that start at once migrate one after another."""

_VERSION_TABLE = """
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY
)
"""
"""As Alembic makes it; importing Alembic would take most of a second."""


_FIND_VERSION = {
    "sqlite": "SELECT max(name) FROM sqlite_master WHERE name = 'alembic_version'",
    "postgresql": "SELECT to_regclass('alembic_version')",
}


class SchemaState(StrEnum):
    """A database's schema, compared with the program's."""

    EMPTY = "empty"
    TOO_OLD = "too old"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"
    FOREIGN = "foreign"


def schema_version(connection: Connection) -> str | None:
    """Return the schema's version; None if the database has none."""
    # By the driver: each command asks for it, and a worker at each heartbeat.
    [(table,)] = run(connection, _FIND_VERSION[connection.dialect.name])
    found = run(connection, "SELECT version_num FROM alembic_version") if table else []
    return str(found[0][0]) if found else None


def schema_state(connection: Connection) -> SchemaState:
    """Compare the database's schema with the program's."""
    found = schema_version(connection)
    if found is None:
        if not inspect(connection).get_table_names():
            return SchemaState.EMPTY
        # Asked again: on PostgreSQL another program may have made them since it was first asked.
        found = schema_version(connection) or "none"
    if found == SCHEMA:
        return SchemaState.CURRENT
    if not found.isdecimal():  # another program's, also one that uses Alembic
        return SchemaState.FOREIGN
    if found > SCHEMA:
        return SchemaState.NEWER
    return SchemaState.TOO_OLD if found < OLDEST_SCHEMA else SchemaState.OLDER


def check_schema(database: Database, *, create: bool = True) -> None:
    """Make a new database, and refuse one that does not fit the program. Raises StoreError.

    Without `create` nothing is made: an empty one may be about to get a backup.
    """
    create = create and not database.read_only
    if create and database.is_sqlite:
        create_sqlite_file(database.location)
    with database.transaction() as connection:
        found = schema_state(connection)
    if found is SchemaState.EMPTY and create:
        migrate_schema(database)
    elif found is not SchemaState.CURRENT:
        raise refusal(found, database.location)


def refuse_other_schema(connection: Connection, location: Location) -> None:
    """Refuse a database that is open and fits the program no more. Raises StoreError."""
    found = schema_state(connection)
    if found is not SchemaState.CURRENT:
        raise refusal(found, location)


_REFUSALS = {
    SchemaState.TOO_OLD: (
        f"the database {{}} is older than schema {OLDEST_SCHEMA}",
        "This Firetower cannot migrate it: choose another with --database.",
    ),
    SchemaState.OLDER: (
        "the database {} was made by an older Firetower",
        "Run `firetower database migrate`; back it up first if it matters.",
    ),
    SchemaState.NEWER: (
        "the database {} was made by a newer Firetower",
        "Upgrade this program: pip install --upgrade firetower",
    ),
    SchemaState.EMPTY: (
        "the database {} is empty",
        "Restore its backup, or run `firetower database migrate` to begin with nothing.",
    ),
    SchemaState.FOREIGN: ("{} is not a Firetower database", "Choose another with --database."),
}


def refusal(found: SchemaState, location: Location) -> StoreError:
    """Return why the program cannot use a database whose schema is not current."""
    message, hint = _REFUSALS[found]
    return StoreError(message.format(location), hint)


def migrate_schema(database: Database) -> str:
    """Bring the schema to the program's version; return the one before. Raises StoreError."""
    database.refuse_read_only()
    if database.is_sqlite:
        create_sqlite_file(database.location)
        with database.raw() as connection:
            # With it, readers do not wait for a writer. The file keeps the setting.
            connection.execute("PRAGMA journal_mode = WAL")
    with database.transaction(changes=True) as connection:
        if not database.is_sqlite:
            connection.detach()  # closed at the end, with its own limit
            connection.connection.dbapi_connection.statement_timeout = MIGRATION_TIMEOUT  # type: ignore[union-attr]
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
        found, before = schema_state(connection), schema_version(connection)
        if found is SchemaState.EMPTY:
            _create_tables(connection)
        elif found is SchemaState.OLDER:
            _run_migrations(connection)
        elif found is not SchemaState.CURRENT:
            raise refusal(found, database.location)
    return before or "none"


def _create_tables(connection: Connection) -> None:
    from firetower.store import schema  # which takes a while to import

    metadata = schema.all_tables()
    if is_postgresql(connection):
        add_postgresql_conditions(metadata)
    metadata.create_all(connection, checkfirst=False)
    first = {"key": ENDPOINTS_VERSION_KEY, "value": "0"}
    connection.execute(schema.state.insert(), first)
    organization = ContainerReference.organization()
    connection.execute(
        schema.containers.insert().values(
            kind=organization.kind.value,
            entity="",
            name=organization.name,
            description="",
            author="",
            created_at=datetime.fromtimestamp(0, UTC),  # the same in every new database
        )
    )
    connection.execute(text(_VERSION_TABLE))
    connection.execute(text(f"INSERT INTO alembic_version VALUES ('{SCHEMA}')"))  # noqa: S608


def _run_migrations(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")

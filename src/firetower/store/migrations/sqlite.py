"""Changes of an SQLite table that ALTER TABLE cannot make."""

import sqlalchemy as sa
from alembic import op


def replace_in_schema(table: str, changes: dict[str, str]) -> None:
    """Change a table's columns and constraints where it is, without copying its rows.

    Source: SQLite, "Making Other Kinds Of Table Schema Changes", the shorter procedure.
    """
    connection = op.get_bind()
    query = sa.text("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = :name")
    written = connection.execute(query, {"name": table}).scalar_one()
    for old, new in changes.items():
        if old not in written:
            raise RuntimeError(f"table {table} has no {old}")
        written = written.replace(old, new)
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    update = "UPDATE sqlite_schema SET sql = :sql WHERE type = 'table' AND name = :name"
    connection.execute(sa.text(update), {"sql": written, "name": table})
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")

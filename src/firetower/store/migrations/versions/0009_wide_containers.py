"""Entities and the organization hold automations too."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

KINDS = "kind IN ('registry', 'project'{})"
WIDE = ", 'entity', 'organization'"
OLD_RULE = "(kind = 'registry') = (entity = '')"
NEW_RULE = "(kind = 'project') = (entity <> '')"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        replace_in_sqlite_schema(
            "containers",
            {
                KINDS.format(""): KINDS.format(WIDE),
                "registry_has_no_entity": "only_projects_have_entity",
                OLD_RULE: NEW_RULE,
            },
        )
    else:
        for name in ("known_kind", "registry_has_no_entity"):
            op.execute(f"ALTER TABLE containers DROP CONSTRAINT {name}")
        op.create_check_constraint("known_kind", "containers", KINDS.format(WIDE))
        op.create_check_constraint("only_projects_have_entity", "containers", NEW_RULE)
    add_containers()


def replace_in_sqlite_schema(table: str, changes: dict[str, str]) -> None:
    """Change a table's constraints where it is, without copying its rows.

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


def add_containers() -> None:
    columns = "kind, entity, name, description, author, created_at"
    op.execute(
        f"INSERT INTO containers ({columns})"  # noqa: S608
        " SELECT 'entity', '', entity, '', min(author), min(created_at)"
        " FROM containers WHERE kind = 'project' GROUP BY entity"
    )
    op.execute(
        f"INSERT INTO containers ({columns})"  # noqa: S608
        " VALUES ('organization', '', 'organization', '', '', 0)"
    )

"""Entities and the organization hold automations too."""

from alembic import op

from firetower.store.migrations.sqlite import replace_in_schema

revision = "0009"
down_revision = "0008"

KINDS = "kind IN ('registry', 'project'{})"
WIDE = ", 'entity', 'organization'"
OLD_RULE = "(kind = 'registry') = (entity = '')"
NEW_RULE = "(kind = 'project') = (entity <> '')"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        replace_in_schema(
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

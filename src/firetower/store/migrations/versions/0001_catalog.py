"""The catalog and its events."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "containers",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(kind = 'registry') = (entity = '')", name="registry_has_no_entity"),
        sa.CheckConstraint("kind IN ('registry', 'project')", name="known_kind"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "entity", "name"),
    )
    op.create_table(
        "manifests",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("entries", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "collections",
        sa.Column("id", ID, nullable=False),
        sa.Column("container_id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("next_index", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["container_id"],
            ["containers.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("container_id", "name"),
    )
    op.create_table(
        "collection_tags",
        sa.Column("collection_id", ID, nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.id"],
        ),
        sa.PrimaryKeyConstraint("collection_id", "tag"),
    )
    op.create_table(
        "versions",
        sa.Column("id", ID, nullable=False),
        sa.Column("artifact_id", sa.String(), nullable=False),
        sa.Column("home_collection_id", ID, nullable=False),
        sa.Column("home_index", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("size", ID, nullable=False),
        sa.Column("file_count", sa.Integer(), nullable=False),
        sa.Column("metadata_json", sa.Text(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["digest"],
            ["manifests.digest"],
        ),
        sa.ForeignKeyConstraint(
            ["home_collection_id"],
            ["collections.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("artifact_id"),
        sa.UniqueConstraint("home_collection_id", "home_index"),
    )
    op.create_table(
        "events",
        sa.Column("id", ID, nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("collection_id", ID, nullable=False),
        sa.Column("version_id", ID, nullable=True),
        sa.Column("version_index", sa.Integer(), nullable=True),
        sa.Column("alias", sa.String(), nullable=True),
        sa.Column("tag", sa.String(), nullable=True),
        sa.Column("previous_index", sa.Integer(), nullable=True),
        sa.Column("evaluated", sa.Boolean(), nullable=False),
        sa.CheckConstraint("(version_id IS NULL) = (version_index IS NULL)", name="whole_version"),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.id"],
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["versions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_events_unevaluated",
        "events",
        ["id"],
        unique=False,
        sqlite_where=sa.text("evaluated = 0"),
        postgresql_where=sa.text("evaluated = false"),
    )
    op.create_table(
        "memberships",
        sa.Column("collection_id", ID, nullable=False),
        sa.Column("version_index", sa.Integer(), nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.id"],
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["versions.id"],
        ),
        sa.PrimaryKeyConstraint("collection_id", "version_index"),
        sa.UniqueConstraint("collection_id", "version_id"),
    )
    op.create_index(op.f("ix_memberships_version_id"), "memberships", ["version_id"], unique=False)
    op.create_table(
        "aliases",
        sa.Column("collection_id", ID, nullable=False),
        sa.Column("alias", sa.String(), nullable=False),
        sa.Column("version_index", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id", "version_index"],
            ["memberships.collection_id", "memberships.version_index"],
        ),
        sa.PrimaryKeyConstraint("collection_id", "alias"),
    )
    op.create_index(
        "ix_aliases_version", "aliases", ["collection_id", "version_index"], unique=False
    )
    op.create_table(
        "version_tags",
        sa.Column("collection_id", ID, nullable=False),
        sa.Column("version_index", sa.Integer(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id", "version_index"],
            ["memberships.collection_id", "memberships.version_index"],
        ),
        sa.PrimaryKeyConstraint("collection_id", "version_index", "tag"),
    )

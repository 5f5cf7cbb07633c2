"""The oldest schema that can be migrated. A new database is made from the tables themselves."""

revision = "0006"
down_revision = None

"""Tables of automations, endpoints and secrets."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from firetower.core.automations import Mode
from firetower.core.endpoints import EndpointKind, SignatureEncoding
from firetower.store.schema.checks import one_of
from firetower.store.schema.row import TableRow
from firetower.store.types import Id, Instant


def _unique_while_it_lives(name: str) -> Index:
    """Let a deleted thing's name be used again, and its history keep it."""
    alive = text("deleted_at IS NULL")
    return Index(name, "name", unique=True, sqlite_where=alive, postgresql_where=alive)


class SecretRow(TableRow, table=True):
    """A secret, encrypted."""

    __tablename__ = "secrets"

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    name: str = Field(unique=True)
    ciphertext: str = Field(sa_type=Text)
    previous_ciphertext: str | None = Field(default=None, sa_type=Text)
    """The value before, which signatures still carry until `previous_until`."""
    previous_until: datetime | None = Field(default=None, sa_type=Instant)
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class EndpointRow(TableRow, table=True):
    """An endpoint."""

    __tablename__ = "endpoints"
    __table_args__ = (
        _unique_while_it_lives("uq_endpoints_name"),
        one_of("kind", EndpointKind),
        one_of("signature_encoding", SignatureEncoding),
        CheckConstraint("(kind = 'webhook') = (url IS NOT NULL)", name="webhook_has_url"),
        CheckConstraint(
            "kind <> 'slack' OR url_secret_id IS NOT NULL OR deleted_at IS NOT NULL",
            name="slack_has_secret",
        ),
        CheckConstraint("max_in_flight > 0 AND timeout_ms > 0", name="positive_limits"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    name: str
    kind: str
    url: str | None = None
    url_secret_id: int | None = Field(default=None, foreign_key="secrets.id", sa_type=Id)
    access_token_secret_id: int | None = Field(default=None, foreign_key="secrets.id", sa_type=Id)
    signing_secret_id: int | None = Field(default=None, foreign_key="secrets.id", sa_type=Id)
    signature_encoding: str
    schedule_ms: str = Field(sa_type=Text)
    """The waits after failures, a JSON list of milliseconds."""
    timeout_ms: int
    max_in_flight: int
    author: str
    created_at: datetime = Field(sa_type=Instant)
    disabled_at: datetime | None = Field(default=None, sa_type=Instant)
    disabled_reason: str | None = None
    deleted_at: datetime | None = Field(default=None, sa_type=Instant)


class AutomationRow(TableRow, table=True):
    """An automation's identity; what it does stands in its revisions."""

    __tablename__ = "automations"
    __table_args__ = (_unique_while_it_lives("uq_automations_name"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    name: str
    created_at: datetime = Field(sa_type=Instant)
    deleted_at: datetime | None = Field(default=None, sa_type=Instant)
    cooldown_began_at: datetime | None = Field(default=None, sa_type=Instant)


class RevisionRow(TableRow, table=True):
    """An automation as it was from one event to another."""

    __tablename__ = "revisions"
    __table_args__ = (
        UniqueConstraint("automation_id", "number"),
        one_of("mode", Mode),
        Index(
            "uq_revisions_current",
            "automation_id",
            unique=True,
            sqlite_where=text("until_event_id IS NULL"),
            postgresql_where=text("until_event_id IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    automation_id: int = Field(foreign_key="automations.id", sa_type=Id)
    number: int
    definition: str = Field(sa_type=Text)
    mode: str
    author: str
    saved_at: datetime = Field(sa_type=Instant)
    after_event_id: int = Field(sa_type=Id)
    until_event_id: int | None = Field(default=None, sa_type=Id)
    container_id: int = Field(foreign_key="containers.id", sa_type=Id, index=True)
    collection_id: int | None = Field(default=None, foreign_key="collections.id", sa_type=Id)
    endpoint_id: int | None = Field(default=None, foreign_key="endpoints.id", sa_type=Id)

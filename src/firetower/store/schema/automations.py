"""Tables of automations, endpoints and secrets."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field

from firetower.core.automations import Mode
from firetower.core.endpoints import EndpointKind, SignatureEncoding
from firetower.store.row import NumberedRow, one_of, partial_index
from firetower.store.types import Id, Instant


def _unique_name(index: str) -> Index:
    """Let the name of a deleted row be used again."""
    return partial_index(index, "name", unique=True, where="deleted_at IS NULL")


class SecretRow(NumberedRow, table=True):
    """A secret, encrypted."""

    __tablename__ = "secrets"

    name: str = Field(unique=True)
    ciphertext: str = Field(sa_type=Text)
    previous_ciphertext: str | None = Field(default=None, sa_type=Text)
    """The value before, which signatures still carry until `previous_until`."""
    previous_until: datetime | None = Field(default=None, sa_type=Instant)
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class EndpointRow(NumberedRow, table=True):
    """An endpoint."""

    __tablename__ = "endpoints"
    __table_args__ = (
        _unique_name("uq_endpoints_name"),
        one_of("kind", EndpointKind),
        one_of("signature_encoding", SignatureEncoding),
        CheckConstraint("(kind = 'webhook') = (url IS NOT NULL)", name="webhook_has_url"),
        CheckConstraint(
            "kind <> 'slack' OR url_secret_id IS NOT NULL OR deleted_at IS NOT NULL",
            name="slack_has_secret",
        ),
        CheckConstraint("max_in_flight > 0 AND timeout_ms > 0", name="positive_limits"),
    )

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
    proxy: str | None = None
    """The URL of its own proxy, instead of the environment's."""
    ca_file: str | None = None
    """The path of the CA certificates that it is verified with, instead of the usual ones."""
    author: str
    created_at: datetime = Field(sa_type=Instant)
    disabled_at: datetime | None = Field(default=None, sa_type=Instant)
    disabled_reason: str | None = None
    deleted_at: datetime | None = Field(default=None, sa_type=Instant)


class AutomationRow(NumberedRow, table=True):
    """An automation's identity; its revisions say what it does."""

    __tablename__ = "automations"
    __table_args__ = (_unique_name("uq_automations_name"),)

    name: str
    created_at: datetime = Field(sa_type=Instant)
    deleted_at: datetime | None = Field(default=None, sa_type=Instant)
    cooldown_began_at: datetime | None = Field(default=None, sa_type=Instant)


class RevisionRow(NumberedRow, table=True):
    """An automation as it was from one event to another."""

    __tablename__ = "revisions"
    __table_args__ = (
        UniqueConstraint("automation_id", "number"),
        one_of("mode", Mode),
        partial_index(
            "uq_revisions_current", "automation_id", unique=True, where="until_event_id IS NULL"
        ),
    )

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

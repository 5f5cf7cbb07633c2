"""Tables of workers and servers, of API keys and of uploads."""

from datetime import datetime

from sqlalchemy import Text
from sqlmodel import Field

from firetower.store.columns import Id, Instant, NumberedRow, TableRow, table


class WorkerRow(TableRow, table=True):
    """A worker, with its newest heartbeat."""

    __tablename__ = "workers"

    id: str = Field(primary_key=True)
    host: str
    pid: int
    started_at: datetime = Field(sa_type=Instant)
    heartbeat_at: datetime = Field(sa_type=Instant)
    problem: str | None = Field(default=None, sa_type=Text)
    """What keeps it from sending."""


class TokenRow(NumberedRow, table=True):
    """A key that opens the server's API."""

    __tablename__ = "tokens"

    key_hash: str = Field(unique=True)
    user_name: str
    entity: str
    read_only: bool
    created_at: datetime = Field(sa_type=Instant)
    last_used_at: datetime | None = Field(default=None, sa_type=Instant)


class UploadRow(NumberedRow, table=True):
    """An artifact between its first request and a day later; a version once it is committed."""

    __tablename__ = "uploads"

    artifact_key: str = Field(unique=True)
    """Hexadecimal; the version's artifact id ends with it."""
    client_id: str | None = Field(default=None, index=True)
    """The SDK's own name for it."""
    user_name: str
    began_at: datetime = Field(sa_type=Instant, index=True)
    definition: str = Field(sa_type=Text)
    """What to log, as JSON."""
    manifest: str | None = Field(default=None, sa_type=Text)
    """Its files, as the SDK uploaded them."""
    version_id: int | None = Field(default=None, foreign_key="versions.id", sa_type=Id)


class ServerRow(TableRow, table=True):
    """A running `firetower serve`."""

    __tablename__ = "servers"

    id: str = Field(primary_key=True)
    host: str
    pid: int
    url: str
    started_at: datetime = Field(sa_type=Instant)
    heartbeat_at: datetime = Field(sa_type=Instant)
    unknown_fields: str = Field(sa_type=Text)
    """Unknown fields that clients asked for, with how often, as JSON."""


servers = table(ServerRow)
tokens = table(TokenRow)
uploads = table(UploadRow)
workers = table(WorkerRow)

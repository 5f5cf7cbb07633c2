"""Tokens: the keys with which scripts and W&B's SDK reach `firetower serve`."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, bindparam, func, select

from firetower.core.errors import InvalidInput, NotFound
from firetower.core.references import Frozen, Timestamp, check_name
from firetower.store import worker_schema as schema
from firetower.store.catalog_schema import state
from firetower.store.changes import Change, Reader
from firetower.store.store import Store

KEY_BYTES = 20
"""Random bytes of a key: in hexadecimal the 40 characters that W&B's SDK asks for."""
_USE_RECORDED = timedelta(minutes=1)
"""How exactly it is known when a token was last used."""
_tokens = schema.tokens.c
_BY_KEY = select(schema.tokens).where(_tokens.key_hash == bindparam("hash"))


class Token(Frozen):
    """A key's owner and rights; the key itself is shown once and never kept."""

    id: int
    user: str
    """The author of what is changed with it."""
    entity: str
    """The entity of a script that names none."""
    read_only: bool
    created_at: Timestamp
    last_used_at: Timestamp | None = None

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return self.model_dump(mode="json")


def hash_key(key: str) -> str:
    """Return the sha256 of a key, which is kept; 160 random bits need no slow hash."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


class WrongKey(InvalidInput):
    """No token has this key."""

    def __init__(self) -> None:
        super().__init__(
            "the API key is not one of this server",
            "Make one with `firetower token create USER`, and set WANDB_API_KEY to it.",
        )


_URL_KEY = "server_url_key"
"""The key of its row in the state table."""


def url_key(store: Store) -> bytes:
    """Return the key that signs addresses of the servers, made at the first call."""
    query = select(state.c.value).where(state.c.key == _URL_KEY)
    with store.reading() as reader:
        found = reader.connection.execute(query).scalar()
    if found is None and store.database.read_only:
        return secrets.token_bytes(32)
    if found is None:
        with store.changing() as change:
            change.insert_if_new(state, key=_URL_KEY, value=secrets.token_hex(32))
            found = change.connection.execute(query).scalar_one()
    return bytes.fromhex(found)


def create_token(
    change: Change, user: str, entity: str | None = None, *, read_only: bool = False
) -> tuple[Token, str]:
    """Make a token; return it with its key, which is kept nowhere and cannot be read again.

    `user` is the author of what is changed with it, `entity` that of scripts that name none, the
    user's name unless given. Raises InvalidInput.
    """
    key = secrets.token_hex(KEY_BYTES)
    [id_] = change.insert(
        schema.tokens,
        key_hash=hash_key(key),
        user_name=check_name(user, "user name"),
        entity=check_name(user if entity is None else entity, "entity"),
        read_only=read_only,
        created_at=change.now,
    )
    query = select(schema.tokens).where(_tokens.id == id_)
    return _token(change.connection.execute(query).one()), key


def list_tokens(reader: Reader) -> list[Token]:
    """Return every token by user and age."""
    query = select(schema.tokens).order_by(_tokens.user_name, _tokens.id)
    return [_token(row) for row in reader.connection.execute(query)]


def count_tokens(reader: Reader) -> int:
    """Return how many tokens there are."""
    return reader.connection.execute(select(func.count()).select_from(schema.tokens)).scalar_one()


def delete_token(change: Change, token_id: int) -> Token:
    """Delete a token: its key opens nothing from now on. Raises NotFound."""
    is_it = _tokens.id == token_id
    row = change.connection.execute(select(schema.tokens).where(is_it)).one_or_none()
    if row is None:
        raise NotFound(f"there is no token {token_id}", "List them with `firetower token list`.")
    change.connection.execute(schema.tokens.delete().where(is_it))
    return _token(row)


def find_token(reader: Reader, key: str) -> Token:
    """Return the token of a key. Raises WrongKey."""
    row = reader.connection.execute(_BY_KEY, {"hash": hash_key(key)}).one_or_none()
    if row is None:
        raise WrongKey
    return _token(row)


def is_use_recorded(reader: Reader, token: Token) -> bool:
    """Return whether it is known that a token is used about now."""
    return token.last_used_at is not None and reader.now - token.last_used_at < _USE_RECORDED


def record_use(change: Change, token: Token) -> None:
    """Record that a token is used now."""
    query = schema.tokens.update().where(_tokens.id == token.id)
    change.connection.execute(query.values(last_used_at=change.now))


def _token(row: Row[Any]) -> Token:
    return Token(
        id=row.id,
        user=row.user_name,
        entity=row.entity,
        read_only=row.read_only,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
    )

"""Secrets: saved encrypted, opened only for the endpoint they were granted to."""

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy import or_, select, update

from firetower.core.endpoints import (
    SEALED,
    Endpoint,
    SecretInfo,
    SecretUse,
    check_secret_value,
    is_sealed,
    shown_proxy,
)
from firetower.core.errors import Conflict, NotFound
from firetower.core.references import check_secret_name
from firetower.core.requests import Secrets
from firetower.core.text import and_list, suggest, visible
from firetower.store import schema
from firetower.store.changes import Change, Reader, bump_endpoints_version

if TYPE_CHECKING:
    from firetower.store.keys import Keyring

ROTATION_GRACE = timedelta(hours=24)
"""How long signatures carry a replaced secret too. Source: Standard Webhooks 1.0.0."""

_secrets, _endpoints = schema.secrets.c, schema.endpoints.c


def add_secret(change: Change, keyring: "Keyring", name: str, value: str) -> None:
    """Save a new secret. Raises InvalidInput, and Conflict for a name that is taken."""
    if not set_secret(change, keyring, name, value):
        raise Conflict(
            f"a secret named {name} exists already",
            "Use it as it is, or give the new one another name.",
        )


def set_secret(change: Change, keyring: "Keyring", name: str, value: str) -> bool:
    """Save a secret, or replace its value; return whether it is new.

    Raises InvalidInput, also where an endpoint uses it in a way that this value does not fit.
    """
    check_secret_name(name)
    connection = change.connection
    before = connection.execute(
        select(_secrets.id, _secrets.ciphertext).where(_secrets.name == name).with_for_update()
    ).one_or_none()
    used = {} if before is None else _uses(change, before.id)
    check_secret_value(value, *(use for uses in used.values() for use in uses))
    ciphertext = keyring.encrypt(value)
    if before is None:
        made = {"created_at": change.now, "updated_at": change.now}
        change.insert(schema.secrets, name=name, ciphertext=ciphertext, **made)
    else:
        connection.execute(
            update(schema.secrets)
            .where(_secrets.id == before.id)
            .values(
                ciphertext=ciphertext,
                previous_ciphertext=before.ciphertext,
                previous_until=change.now + ROTATION_GRACE,
                updated_at=change.now,
            )
        )
    bump_endpoints_version(change)
    return before is None


def list_secrets(reader: Reader) -> list[SecretInfo]:
    """Return every secret by name."""
    rows = reader.connection.execute(
        select(_secrets.id, _secrets.name, _secrets.updated_at).order_by(_secrets.name)
    ).all()
    return [SecretInfo(row.name, row.updated_at, tuple(_uses(reader, row.id))) for row in rows]


def delete_secret(change: Change, name: str) -> None:
    """Delete a secret. Raises NotFound, and Conflict while an endpoint uses it."""
    found = secret_id(change, name)
    if users := _uses(change, found):
        raise Conflict(
            f"secret {name} is used by {and_list(users, most=20)}",
            "Delete the endpoint first, or set another value.",
        )
    change.connection.execute(schema.secrets.delete().where(_secrets.id == found))
    bump_endpoints_version(change)


def secret_id(reader: Reader, name: str) -> int:
    """Return a secret's row. Raises NotFound."""
    ids = {known: row for row, known in secret_names(reader).items()}
    if name not in ids:
        make = f"Set it with `firetower secret set {visible(name)}`."
        raise NotFound(f"there is no secret {visible(name)}", suggest(name, ids, make))
    return ids[name]


def secret_names(reader: Reader) -> dict[int, str]:
    """Return the names of all secrets by row."""
    rows = reader.connection.execute(select(_secrets.id, _secrets.name))
    return {row.id: row.name for row in rows}


def open_secrets(reader: Reader, keyring: "Keyring", endpoint: Endpoint) -> Secrets:
    """Open the secrets granted to one endpoint. Raises SecretKeyError."""
    names = endpoint.settings.secret_names
    rows = reader.connection.execute(select(schema.secrets).where(_secrets.name.in_(names)))
    values, previous = {}, {}
    for row in rows:
        values[row.name] = keyring.decrypt(row.ciphertext)
        if row.previous_ciphertext is not None and row.previous_until > reader.now:
            previous[row.name] = keyring.decrypt(row.previous_ciphertext)
    return Secrets(values, previous, open_proxy(keyring, endpoint.settings.proxy))


def seal_proxy(keyring: "Keyring", proxy: str) -> str:
    """Return a proxy's URL with its user and password, if it has them, encrypted."""
    shown = shown_proxy(proxy)
    if proxy == shown or is_sealed(proxy):
        return proxy
    return shown.replace("//", f"//{SEALED}:{keyring.encrypt(proxy)}@", 1)


def open_proxy(keyring: "Keyring", proxy: str | None) -> str | None:
    """Return the URL that `seal_proxy` was given. Raises SecretKeyError."""
    if proxy is None or not is_sealed(proxy):
        return proxy
    return keyring.decrypt(urlsplit(proxy).password or "")


def reencrypt(change: Change, keyring: "Keyring") -> int:
    """Encrypt every secret with the keyring's first key, passwords of proxies too; return how many.

    Raises SecretKeyError.
    """
    connection = change.connection
    rows = connection.execute(select(schema.secrets).with_for_update()).all()
    for row in rows:
        before = row.previous_ciphertext
        connection.execute(
            update(schema.secrets)
            .where(_secrets.id == row.id)
            .values(
                ciphertext=keyring.encrypt(keyring.decrypt(row.ciphertext)),
                previous_ciphertext=before and keyring.encrypt(keyring.decrypt(before)),
            )
        )
    proxies = connection.execute(select(_endpoints.id, _endpoints.proxy).with_for_update())
    for id_, before in proxies.all():
        opened = open_proxy(keyring, before)
        if opened is not None and (sealed := seal_proxy(keyring, opened)) != opened:
            is_it = _endpoints.id == id_
            connection.execute(update(schema.endpoints).where(is_it).values(proxy=sealed))
    from firetower.store.keys import reencrypt_check  # imports cryptography

    reencrypt_check(connection, keyring)
    bump_endpoints_version(change)
    return len(rows)


def check_values(endpoint: Endpoint, opened: Secrets) -> None:
    """Refuse secrets that an endpoint cannot use as its settings say. Raises InvalidInput."""
    for use, name in endpoint.settings.secrets_by_use.items():
        check_secret_value(opened.values[name], use)


def _uses(reader: Reader, secret: int) -> dict[str, list[SecretUse]]:
    """Return the endpoints that use a secret, by name, and how."""
    columns = {use: _endpoints[f"{use.value}_id"] for use in SecretUse}
    query = (
        select(_endpoints.name, *columns.values())
        .where(_endpoints.deleted_at.is_(None), or_(*(one == secret for one in columns.values())))
        .order_by(_endpoints.name)
    )
    return {
        row.name: [use for use, key in zip(SecretUse, row[1:], strict=True) if key == secret]
        for row in reader.connection.execute(query)
    }

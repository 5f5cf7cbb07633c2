"""Endpoints: saving, finding, enabling and disabling them."""

import json
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, TextClause, bindparam, func, select, update

from firetower.core.automations import Definition
from firetower.core.endpoints import (
    Endpoint,
    EndpointDetail,
    EndpointKind,
    EndpointSettings,
    EndpointState,
    check_settings,
)
from firetower.core.errors import Conflict, InvalidInput, NotFound
from firetower.core.executions import SkipReason, Status
from firetower.core.json import dump
from firetower.core.references import one_spelling
from firetower.core.text import and_list, suggest, visible
from firetower.store import schema
from firetower.store.changes import Change, Reader, bump_endpoints_version
from firetower.store.circuits import build_circuit, close_circuits
from firetower.store.columns import instant_number
from firetower.store.driver import Prepared
from firetower.store.schema import WAS_MISSED, has_status
from firetower.store.secrets import secret_id, secret_names

_endpoints, _executions = schema.endpoints.c, schema.executions.c
_SECRETS = ("url_secret_id", "access_token_secret_id", "signing_secret_id")
_MILLISECOND = timedelta(milliseconds=1)


def create_endpoint(change: Change, settings: EndpointSettings) -> Endpoint:
    """Save a new endpoint. Raises InvalidInput, NotFound for a secret, Conflict for its name."""
    new = change.insert_if_new(
        schema.endpoints,
        name=settings.name,
        kind=settings.kind.value,
        author=change.author,
        created_at=change.now,
        **_columns(change, settings),
    )
    if not new:
        raise Conflict(
            f"an endpoint named {settings.name} exists already",
            "Choose another name; webhooks and Slack hooks share their names.",
        )
    bump_endpoints_version(change)
    return find_endpoint(change, settings.name)


def edit_endpoint(change: Change, name: str, settings: EndpointSettings) -> Endpoint:
    """Save how an endpoint is reached from now on, also for what is queued; close its circuit.

    Its name and kind stay. Raises as `create_endpoint` does, and Conflict where a payload uses a
    secret that would no longer be granted.
    """
    endpoint = find_endpoint(change, name)
    before = endpoint.settings
    if (settings.name, settings.kind) != (before.name, before.kind):
        raise InvalidInput(
            f"{name} stays a {before.kind} endpoint of this name",
            "Create another endpoint, and edit the automations that send to this one.",
        )
    values = _columns(change, settings)
    _check_payloads(change, endpoint, settings.granted)
    change.connection.execute(
        update(schema.endpoints).where(_endpoints.id == endpoint.id).values(**values)
    )
    gone = [] if endpoint.enabled else [endpoint.id]
    close_circuits(change, [endpoint.id], gone=gone)
    bump_endpoints_version(change)
    return find_endpoint(change, name)


def _columns(reader: Reader, settings: EndpointSettings) -> dict[str, object]:
    """Return the columns that can be edited. Raises InvalidInput, NotFound for a secret."""
    check_settings(settings)

    def row_of(name: str | None) -> int | None:
        return None if name is None else secret_id(reader, name)

    return {
        "url": settings.url,
        "url_secret_id": row_of(settings.url_secret),
        "access_token_secret_id": row_of(settings.access_token_secret),
        "signing_secret_id": row_of(settings.signing_secret),
        "signature_encoding": settings.signature_encoding.value,
        "schedule_ms": dump([wait // _MILLISECOND for wait in settings.schedule]),
        "timeout_ms": settings.timeout // _MILLISECOND,
        "max_in_flight": settings.max_in_flight,
        "proxy": settings.proxy,
        "ca_file": settings.ca_file,
    }


def _check_payloads(reader: Reader, endpoint: Endpoint, granted: frozenset[str]) -> None:
    """Refuse to take a secret from a payload in force, or from one that is queued."""
    revisions = schema.revisions.c
    queued = select(_executions.revision_id).where(
        _executions.endpoint_id == endpoint.id,
        _executions.status.in_([Status.PENDING.value, Status.RUNNING.value]),
    )
    query = select(revisions.definition).where(
        revisions.endpoint_id == endpoint.id,
        revisions.until_event_id.is_(None) | revisions.id.in_(queued),
    )
    for written in reader.connection.execute(query).scalars():
        definition = Definition.model_validate_json(written)
        try:
            definition.action.check(definition.event_type, granted)
        except InvalidInput as error:
            raise Conflict(
                f"automation {visible(definition.name)} would no longer work: {error.message}",
                "Leave the secret where it is, or edit the automation's payload first.",
            ) from None


def find_endpoint(reader: Reader, name: str, kind: EndpointKind | None = None) -> Endpoint:
    """Return an endpoint by its name. Raises NotFound, also for one of another kind."""
    found = {endpoint.name: endpoint for endpoint in list_endpoints(reader)}
    name = one_spelling(name)
    if name in found and kind in {None, found[name].settings.kind}:
        return found[name]
    word = kind or "endpoint"
    make = f"Make it with `firetower {kind or 'webhook'} create`."
    if name in found:
        actual = found[name].settings.kind
        raise NotFound(f"there is no {word} {name}", f"{name} is a {actual} endpoint. {make}")
    others = [other for other, known in found.items() if kind in {None, known.settings.kind}]
    raise NotFound(f"there is no {word} {visible(name)}", suggest(name, others, make))


def list_endpoints(reader: Reader, kind: EndpointKind | None = None) -> list[Endpoint]:
    """Return every endpoint by name, of a kind if one is given."""
    circuits = schema.circuits.c
    of_circuit = (circuits.opened_at, circuits.probe_at, circuits.failures, circuits.reason)
    query = (
        select(schema.endpoints, *of_circuit)
        .outerjoin_from(
            schema.endpoints,
            schema.circuits,
            (circuits.endpoint_id == _endpoints.id) & circuits.opened_at.is_not(None),
        )
        .where(_endpoints.deleted_at.is_(None))
        .order_by(_endpoints.name)
    )
    if kind is not None:
        query = query.where(_endpoints.kind == kind.value)
    names = secret_names(reader)
    return [_build_endpoint(row, names) for row in reader.connection.execute(query)]


def read_schedule(schedule_ms: str) -> tuple[timedelta, ...]:
    """Return the waits of a row's schedule."""
    return tuple(wait * _MILLISECOND for wait in json.loads(schedule_ms))


def _build_endpoint(row: Row[Any], secrets: dict[int, str]) -> Endpoint:
    settings = EndpointSettings(
        name=row.name,
        kind=row.kind,
        url=row.url,
        url_secret=secrets.get(row.url_secret_id),
        access_token_secret=secrets.get(row.access_token_secret_id),
        signing_secret=secrets.get(row.signing_secret_id),
        signature_encoding=row.signature_encoding,
        schedule=read_schedule(row.schedule_ms),
        timeout=row.timeout_ms * _MILLISECOND,
        max_in_flight=row.max_in_flight,
        proxy=row.proxy,
        ca_file=row.ca_file,
    )
    return Endpoint(
        id=row.id,
        settings=settings,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        disabled_reason=row.disabled_reason,
        circuit=None if row.opened_at is None else build_circuit(row),
    )


def set_enabled(
    change: Change, name: str, kind: EndpointKind, *, reason: str | None
) -> EndpointDetail:
    """Enable an endpoint (`reason` is None), or disable it for a reason.

    Either closes its circuit. Return what the endpoint was before. Raises NotFound.
    """
    before = show_endpoint(change, name, kind)
    endpoint = before.endpoint
    gone = [endpoint.id] if reason is not None else []
    close_circuits(change, [endpoint.id], gone=gone)
    change.connection.execute(
        update(schema.endpoints)
        .where(_endpoints.id == endpoint.id)
        .values(disabled_at=None if reason is None else change.now, disabled_reason=reason or None)
    )
    bump_endpoints_version(change)
    return before


def disable_gone(change: Change, endpoint_id: int, reason: str) -> None:
    """Disable an endpoint that asked for it, unless it is disabled already."""
    change.connection.execute(
        update(schema.endpoints)
        .where(_endpoints.id == endpoint_id, _endpoints.disabled_at.is_(None))
        .values(disabled_at=change.now, disabled_reason=reason)
    )
    bump_endpoints_version(change)


def show_endpoint(reader: Reader, name: str, kind: EndpointKind | None = None) -> EndpointDetail:
    """Return an endpoint, of a kind if one is given, with its automations and what it missed.

    Raises NotFound.
    """
    return _detail(reader, find_endpoint(reader, name, kind))


def show_endpoints(reader: Reader, *, stopped: bool = False) -> list[EndpointDetail]:
    """Return every endpoint with the automations that use it and what was not delivered.

    With `stopped` only those that are disabled or have an open circuit.
    """
    return [
        _detail(reader, endpoint)
        for endpoint in list_endpoints(reader)
        if not stopped or endpoint.state is not EndpointState.OK
    ]


def _detail(reader: Reader, endpoint: Endpoint) -> EndpointDetail:
    def count(*which: ColumnElement[bool] | TextClause) -> int:
        query = select(func.count()).where(_executions.endpoint_id == endpoint.id, *which)
        return reader.connection.execute(query).scalar_one()

    users = tuple(automations_using(reader, endpoint))
    queued = count(has_status(Status.PENDING))
    since = endpoint.stopped_at
    missed = 0 if since is None else count(WAS_MISSED, _executions.finished_at >= since)
    return EndpointDetail(endpoint, users, queued, missed)


def delete_endpoint(change: Change, name: str, kind: EndpointKind) -> None:
    """Delete an endpoint, not its history. Raises NotFound, Conflict while it is used."""
    endpoint = find_endpoint(change, name, kind)
    if users := automations_using(change, endpoint):
        names = and_list(map(visible, users), most=20)
        raise Conflict(
            f"{endpoint.settings.kind} {endpoint.name} is used by {names}",
            f"Delete or edit these automations first, or disable {endpoint.name}.",
        )
    change.connection.execute(
        update(schema.endpoints)
        .where(_endpoints.id == endpoint.id)
        .values(deleted_at=change.now, proxy=None, **dict.fromkeys(_SECRETS))
    )
    skip_deleted(change)
    bump_endpoints_version(change)


def skip_deleted(change: Change) -> None:
    """Skip the executions that wait for endpoints that are deleted."""
    _SKIP_DELETED.rows(change.connection, now=instant_number(change.now))


_SKIP_DELETED = Prepared(  # each heartbeat of a worker runs it
    update(schema.executions)
    .where(
        _executions.endpoint_id.in_(
            select(_endpoints.id).where(_endpoints.deleted_at.is_not(None))
        ),
        has_status(Status.PENDING),
    )
    .values(
        status=Status.SKIPPED.value,
        skip_reason=SkipReason.ENDPOINT_DELETED.value,
        detail=None,
        finished_at=bindparam("now"),
        next_attempt_at=None,
    )
)


def automations_using(reader: Reader, endpoint: Endpoint) -> list[str]:
    """Return the names of the automations that send to an endpoint, in order."""
    automations, revisions = schema.automations.c, schema.revisions.c
    query = (
        select(automations.name)
        .join(schema.revisions, revisions.automation_id == automations.id)
        .where(
            revisions.endpoint_id == endpoint.id,
            revisions.until_event_id.is_(None),
            automations.deleted_at.is_(None),
        )
        .order_by(automations.name)
    )
    return list(reader.connection.execute(query).scalars())

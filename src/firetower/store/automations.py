"""Automations: saving, editing, enabling, disabling and deleting them, one revision each."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, ScalarSelect, Select, func, select, update

from firetower.core.actions import NoAction, SlackAction
from firetower.core.automations import Automation, Definition, Mode, Revision, overlaps
from firetower.core.endpoints import Endpoint, EndpointKind
from firetower.core.errors import Conflict, InvalidInput, NotFound
from firetower.core.executions import SkipReason, Status
from firetower.core.references import ContainerReference
from firetower.core.scopes import CollectionScope
from firetower.core.text import nearest, visible
from firetower.store import schema
from firetower.store.catalog.lookups import find_collection, find_container
from firetower.store.changes import Change, lock_event_order
from firetower.store.endpoints import find_endpoint

_automations, _revisions = schema.automations.c, schema.revisions.c
_endpoints, _events, _executions = schema.endpoints.c, schema.events.c, schema.executions.c
_DAY = timedelta(days=1)


def create_automation(change: Change, definition: Definition, mode: Mode) -> Automation:
    """Save a new automation, for the events recorded from now on.

    Raises InvalidInput, NotFound for what its scope or action names, Conflict for its name.
    """
    endpoint = check_definition(change.connection, definition)
    new = change.insert_if_new(schema.automations, name=definition.name, created_at=change.now)
    if not new:
        raise _name_taken(definition.name)
    automation_id = change.connection.execute(
        select(_automations.id).where(
            _automations.name == definition.name, _automations.deleted_at.is_(None)
        )
    ).scalar_one()
    _add_revision(change, (automation_id, 1), definition, mode, endpoint)
    return find_automation(change.connection, definition.name, change.now)


def check_definition(connection: Connection, definition: Definition) -> Endpoint | None:
    """Refuse a definition that could never work; return the endpoint it sends to.

    Raises InvalidInput, NotFound.
    """
    find_container(connection, definition.scope.container)
    if isinstance(definition.scope, CollectionScope):
        find_collection(connection, definition.scope.collection)
    action = definition.action
    if isinstance(action, NoAction):
        definition.check(frozenset())
        return None
    is_slack = isinstance(action, SlackAction)
    kind = EndpointKind.SLACK if is_slack else EndpointKind.WEBHOOK
    endpoint = find_endpoint(connection, action.endpoint, kind)
    definition.check(endpoint.settings.granted)
    return endpoint


def edit_automation(change: Change, automation: Automation, definition: Definition) -> Automation:
    """Save a changed definition as the next revision. Raises as `create_automation` does."""
    endpoint = check_definition(change.connection, definition)
    if definition.name != automation.name:
        _rename(change, automation, definition.name)
    if definition != automation.definition:
        _next_revision(change, automation, definition, automation.mode, endpoint)
    return find_automation(change.connection, definition.name, change.now)


def _rename(change: Change, automation: Automation, name: str) -> None:
    taken = change.connection.execute(
        select(_automations.id).where(_automations.name == name, _automations.deleted_at.is_(None))
    ).first()
    if taken:
        raise _name_taken(name)
    change.connection.execute(
        update(schema.automations).where(_automations.id == automation.id).values(name=name)
    )


def set_mode(change: Change, automation: Automation, mode: Mode) -> Automation:
    """Enable an automation, disable it, or put it in shadow, for the events from now on."""
    if mode is not automation.mode:
        endpoint = check_definition(change.connection, automation.definition)
        _next_revision(change, automation, automation.definition, mode, endpoint)
    return find_automation(change.connection, automation.name, change.now)


def delete_automation(change: Change, automation: Automation) -> None:
    """Delete an automation; what it did stays in the history, its name can be used again."""
    revision = automation.revision
    _next_revision(change, automation, revision.definition, Mode.DELETED, None)
    change.connection.execute(
        update(schema.automations)
        .where(_automations.id == automation.id)
        .values(deleted_at=change.now)
    )


def _next_revision(
    change: Change,
    automation: Automation,
    definition: Definition,
    mode: Mode,
    endpoint: Endpoint | None,
) -> None:
    number = automation.revision.number + 1
    _add_revision(change, (automation.id, number), definition, mode, endpoint)


def _add_revision(
    change: Change,
    key: tuple[int, int],
    definition: Definition,
    mode: Mode,
    endpoint: Endpoint | None,
) -> None:
    automation_id, number = key
    connection, scope = change.connection, definition.scope
    lock_event_order(connection, alone=True)
    newest = connection.execute(select(func.max(schema.events.c.id))).scalar() or 0
    ended = connection.execute(
        update(schema.revisions)
        .where(
            _revisions.automation_id == automation_id,
            _revisions.until_event_id.is_(None),
            _revisions.number == number - 1,
        )
        .values(until_event_id=newest)
    )
    if ended.rowcount != (0 if number == 1 else 1):
        raise Conflict(
            f"automation {visible(definition.name)} was changed by someone else meanwhile",
            "Look at it again, then repeat the change.",
        )
    collection = (
        find_collection(connection, scope.collection).id
        if isinstance(scope, CollectionScope)
        else None
    )
    connection.execute(
        schema.revisions.insert(),
        {
            "automation_id": automation_id,
            "number": number,
            "definition": definition.model_dump_json(),
            "mode": mode.value,
            "author": change.author,
            "saved_at": change.now,
            "after_event_id": newest,
            "container_id": find_container(connection, scope.container),
            "collection_id": collection,
            "endpoint_id": None if endpoint is None else endpoint.id,
        },
    )


def _name_taken(name: str) -> Conflict:
    return Conflict(
        f"an automation named {visible(name)} exists already",
        f"Choose another name, or change it with `firetower automation edit {visible(name)}`.",
    )


def build_revision(row: Row[Any], *, read: bool = True) -> Revision:
    """Return the revision of a row of the revisions table.

    Without `read` its definition is read only when it is asked for.
    """
    return Revision(
        id=row.id,
        automation_id=row.automation_id,
        number=row.number,
        written=Definition.model_validate_json(row.definition) if read else row.definition,
        mode=Mode(row.mode),
        saved_at=row.saved_at,
        author=row.author,
        after_event_id=row.after_event_id,
        until_event_id=row.until_event_id,
        endpoint_id=row.endpoint_id,
    )


def find_automation(connection: Connection, name: str, now: datetime) -> Automation:
    """Return an automation by its name. Raises NotFound."""
    row = connection.execute(_select_automations(now).where(_automations.name == name)).first()
    if row is not None:
        return _build_automation(row)
    close = nearest(name, list_names(connection))
    raise NotFound(
        f"there is no automation {visible(name)}",
        f"Did you mean {visible(close)}?"
        if close
        else "List them with `firetower automation list`.",
    )


def list_automations(
    connection: Connection,
    now: datetime,
    container: ContainerReference | None = None,
    *,
    limit: int | None = None,
    among: Select[int] | None = None,
) -> list[Automation]:
    """Return every automation by name, with how often it fired in the last 24 hours.

    `container` narrows them to one registry or project, `limit` to the first of them, `among` to
    those of a query's ids. Raises NotFound for the container.
    """
    query = _select_automations(now).order_by(_automations.name).limit(limit)
    if among is not None:
        query = query.where(_automations.id.in_(among))
    if container is not None:
        query = query.where(_revisions.container_id == find_container(connection, container))
    return [_build_automation(row) for row in connection.execute(query)]


def list_overlapping(
    connection: Connection, definition: Definition, now: datetime, edited: str | None = None
) -> list[str]:
    """Return the enabled automations that may send the same event to the same endpoint.

    `edited` is the name of the one that is being edited. Raises NotFound for the container.
    """
    endpoint = definition.action.endpoint
    if endpoint is None:
        return []
    query = (
        _select_automations(now)
        .join(schema.endpoints, _revisions.endpoint_id == _endpoints.id)
        .where(
            _revisions.container_id == find_container(connection, definition.scope.container),
            _revisions.mode == Mode.ENABLED.value,
            _endpoints.name == endpoint,
            _endpoints.deleted_at.is_(None),
            _automations.name != (edited or ""),
        )
        .order_by(_automations.name)
    )
    others = map(_build_automation, connection.execute(query))
    return [other.name for other in others if overlaps(definition, other)]


def list_names(connection: Connection) -> Sequence[str]:
    """Return the names that are taken."""
    query = select(_automations.name).where(_automations.deleted_at.is_(None))
    return connection.execute(query).scalars().all()


def list_revisions(connection: Connection, automation: Automation) -> Sequence[Revision]:
    """Return an automation's revisions, the newest first."""
    query = (
        select(schema.revisions)
        .where(_revisions.automation_id == automation.id)
        .order_by(_revisions.number.desc())
    )
    return [build_revision(row) for row in connection.execute(query)]


def find_revision(connection: Connection, automation_id: int, number: int) -> Revision:
    """Return one revision of an automation, deleted or not. Raises NotFound."""
    row = connection.execute(
        select(schema.revisions).where(
            _revisions.automation_id == automation_id, _revisions.number == number
        )
    ).one_or_none()
    if row is None:
        raise NotFound(
            f"there is no revision {number} of automation {automation_id}",
            "List them with `firetower automation show`.",
        )
    return build_revision(row)


def _select_automations(now: datetime) -> Select[Any]:
    """Return the query of the automations as they are now, with how often each fired.

    Whatever the length of the history, each count is one step or one range of the index of
    (automation, event).
    """
    firings = (
        select(_executions.created_at)
        .where(_executions.automation_id == _automations.id)
        .correlate(schema.automations)
    )
    fired = _executions.status != Status.SKIPPED.value
    in_shadow = _executions.skip_reason == SkipReason.SHADOW.value
    first_of_day = (
        select(_events.id)
        .where(_events.recorded_at > now - _DAY)
        .order_by(_events.recorded_at)
        .limit(1)
        .scalar_subquery()
    )

    def count_of_day(which: ColumnElement[bool]) -> ScalarSelect[int]:
        counted = firings.with_only_columns(func.count()).where(which)
        return counted.where(_executions.event_id >= first_of_day).scalar_subquery()

    last = firings.where(fired).order_by(_executions.event_id.desc()).limit(1)
    return (
        select(
            schema.revisions,
            _automations.name,
            _automations.created_at.label("made_at"),
            last.scalar_subquery().label("last_fired_at"),
            count_of_day(fired).label("fired_24h"),
            count_of_day(in_shadow).label("shadow_24h"),
        )
        .join_from(
            schema.automations, schema.revisions, _revisions.automation_id == _automations.id
        )
        .where(_revisions.until_event_id.is_(None), _automations.deleted_at.is_(None))
    )


def _build_automation(row: Row[Any]) -> Automation:
    """Return the automation of a row of `_select_automations`."""
    return Automation(
        id=row.automation_id,
        name=row.name,
        revision=build_revision(row, read=False),
        created_at=row.made_at,
        last_fired_at=row.last_fired_at,
        fired_24h=row.fired_24h,
        shadow_24h=row.shadow_24h,
    )


def check_same_container(before: Definition, after: Definition) -> None:
    """Refuse an edit that moves an automation elsewhere: its history belongs to its container.

    Raises InvalidInput.
    """
    if before.scope.container != after.scope.container:
        raise InvalidInput(
            f"an automation stays in its {before.scope.container.kind}",
            "Create another one there.",
        )

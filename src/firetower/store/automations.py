"""Saving, finding and deleting automations; each change of one is a revision."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    Select,
    func,
    select,
    type_coerce,
    update,
)

from firetower.core.actions import NoAction, SlackAction
from firetower.core.automations import Automation, Definition, Mode, Revision, overlaps
from firetower.core.endpoints import EndpointKind
from firetower.core.errors import Conflict, NotFound
from firetower.core.executions import SkipReason, Status
from firetower.core.references import ContainerKind, ContainerReference, one_spelling
from firetower.core.scopes import CollectionScope
from firetower.core.text import shell_word, suggest, visible
from firetower.store import schema
from firetower.store.catalog.lookups import (
    find_collection,
    find_container,
    select_containers_in,
    select_covering,
)
from firetower.store.changes import Change, Newest, Reader, lock_event_order
from firetower.store.columns import Id, bounded_limit
from firetower.store.endpoints import find_endpoint
from firetower.store.events import first_event_after

_automations, _revisions = schema.automations.c, schema.revisions.c
_containers = schema.containers.c
_endpoints, _executions = schema.endpoints.c, schema.executions.c
_DAY = timedelta(days=1)
_RECOUNT = timedelta(minutes=5)
"""How long a list keeps its counts: then what has left the last 24 hours is taken off."""


def create_automation(
    change: Change, definition: Definition, mode: Mode = Mode.ENABLED
) -> Automation:
    """Save a new automation, for the events recorded from now on.

    Raises InvalidInput for a definition that could never work, NotFound for a container,
    collection or endpoint it names, Conflict for its name.
    """
    named = _check(change, definition)
    key = change.insert_if_new(schema.automations, name=definition.name, created_at=change.now)
    if key is None:
        raise _name_taken(definition.name)
    revision = _add_revision(change, (key[0], 1), definition, mode, named)
    return Automation(key[0], definition.name, revision, change.now)


def edit_automation(
    change: Change, name: str, definition: Definition | None = None, mode: Mode | None = None
) -> Automation:
    """Save a changed definition or mode as the next revision; None leaves it as it is.

    Raises as `create_automation` does.
    """
    automation = find_automation(change, name)
    before, mode = automation.definition, mode or automation.mode
    definition = definition or before
    named = _check(change, definition)
    if definition.name != automation.name:
        _rename(change, automation, definition.name)
    if definition == before and mode is automation.mode:
        return automation
    key = automation.id, automation.revision.number + 1
    revision = _add_revision(change, key, definition, mode, named)
    return replace(automation, name=definition.name, revision=revision)


def delete_automation(change: Change, name: str) -> None:
    """Delete an automation; its history stays, its name can be used again. Raises NotFound."""
    automation = find_automation(change, name)
    key = automation.id, automation.revision.number + 1
    container = find_container(change, automation.definition.scope.container)
    _add_revision(change, key, automation.definition, Mode.DELETED, {"container_id": container})
    change.connection.execute(
        update(schema.automations)
        .where(_automations.id == automation.id)
        .values(deleted_at=change.now)
    )


def undelete_automation(change: Change, automation: str | int) -> Automation:
    """Bring back a deleted automation, by its id or the last one of a name, as it was.

    Its id, history, author and cooldown are its own; it fires for the events from now on. Raises
    NotFound, also for what its definition names, and Conflict where its name is taken by now.
    """
    connection = change.connection
    row = connection.execute(
        select(_automations.id, _automations.name)
        .where(_automations.deleted_at.is_not(None))
        .where(
            _automations.id == automation
            if isinstance(automation, int)
            else _automations.name == one_spelling(automation)
        )
        .order_by(_automations.deleted_at.desc(), _automations.id.desc())
        .limit(1)
    ).first()
    if row is None:
        raise NotFound(
            f"there is no deleted automation {visible(str(automation))}",
            "List those there are with `firetower automation list`.",
        )
    if _is_taken(connection, row.name):
        raise Conflict(
            f"another automation is named {visible(row.name)} by now",
            "Rename or delete that one, then undo again.",
        )
    revisions = select(schema.revisions).where(_revisions.automation_id == row.id)
    newest = connection.execute(revisions.order_by(_revisions.number.desc()).limit(2))
    deleted, before = map(build_revision, newest)
    named = _check(change, before.definition)
    connection.execute(
        update(schema.automations).where(_automations.id == row.id).values(deleted_at=None)
    )
    _add_revision(change, (row.id, deleted.number + 1), before.definition, before.mode, named)
    return find_automation(change, row.name)


def _check(reader: Reader, definition: Definition) -> dict[str, int]:
    """Return the rows that a definition names, by the revision's column.

    Raises InvalidInput and NotFound for a definition that could never work.
    """
    scope, action = definition.scope, definition.action
    named = {"container_id": find_container(reader, scope.container)}
    if isinstance(scope, CollectionScope):
        named["collection_id"] = find_collection(reader, scope.collection).id
    granted: frozenset[str] = frozenset()
    if not isinstance(action, NoAction):
        is_slack = isinstance(action, SlackAction)
        kind = EndpointKind.SLACK if is_slack else EndpointKind.WEBHOOK
        endpoint = find_endpoint(reader, action.endpoint, kind)
        named["endpoint_id"], granted = endpoint.id, endpoint.settings.granted
    definition.check(granted)
    return named


def _rename(change: Change, automation: Automation, name: str) -> None:
    if _is_taken(change.connection, name):
        raise _name_taken(name)
    change.connection.execute(
        update(schema.automations).where(_automations.id == automation.id).values(name=name)
    )


def _is_taken(connection: Connection, name: str) -> bool:
    query = select(_automations.id).where(
        _automations.name == name, _automations.deleted_at.is_(None)
    )
    return connection.execute(query).first() is not None


def _add_revision(
    change: Change, key: tuple[int, int], definition: Definition, mode: Mode, named: dict[str, int]
) -> Revision:
    """End an automation's revision and begin the next; `key` is the automation and its number."""
    automation_id, number = key
    connection = change.connection
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
            "Look at its newest revision, then repeat the change.",
        )
    begun = connection.execute(
        schema.revisions.insert()
        .values(
            automation_id=automation_id,
            number=number,
            definition=definition.model_dump_json(),
            mode=mode.value,
            author=change.author,
            saved_at=change.now,
            after_event_id=newest,
            **named,
        )
        .returning(schema.revisions)
    )
    return build_revision(begun.one())


def _name_taken(name: str) -> Conflict:
    return Conflict(
        f"an automation named {visible(name)} exists already",
        f"Choose another name, or change it with `firetower automation edit {shell_word(name)}`.",
    )


def build_revision(row: Row[Any], *, read: bool = True) -> Revision:
    """Return the revision of a row; without `read` its definition is read when asked for."""
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


def automation_by_id(reader: Reader, automation_id: int) -> Automation | None:
    """Return an automation, or None where there is none, or it is deleted."""
    query = _select_automations(reader.now).where(_automations.id == automation_id)
    row = reader.connection.execute(query).first()
    return None if row is None else _build_automation(row)


def find_automation(reader: Reader, name: str) -> Automation:
    """Return an automation by its name. Raises NotFound."""
    query = _select_automations(reader.now).where(_automations.name == one_spelling(name))
    row = reader.connection.execute(query).first()
    if row is None:
        hint = suggest(name, list_names(reader), "List them with `firetower automation list`.")
        raise NotFound(f"there is no automation {visible(name)}", hint)
    return _build_automation(row)


def list_automations(
    reader: Reader,
    container: ContainerReference | None = None,
    *,
    limit: int | None = None,
    among: Select[int] | None = None,
) -> list[Automation]:
    """Return every automation by name, with how often it fired in the last 24 hours.

    `container` narrows them to those that watch it as a whole or in part, `limit` to the first
    of them, `among` to those of a query's ids. Raises NotFound for the container.
    """
    query = _select_automations(reader.now).order_by(_automations.name)
    if limit is not None:
        query = query.limit(bounded_limit(limit))
    if among is not None:
        query = query.where(_automations.id.in_(among))
    if container is not None:
        found = find_container(reader, container)
        query = query.where(_revisions.container_id == found)
    return [_build_automation(row) for row in reader.connection.execute(query)]


def page_of_entity(
    reader: Reader, entity: str, name: str | None, first: int, count: int
) -> tuple[list[Automation], int]:
    """Return a page of the automations that happen in an entity, by name, and how many there are.

    Those watch the entity, a project of it, a registry or the organization. `name` asks for one.
    """
    wide = (ContainerKind.REGISTRY.value, ContainerKind.ORGANIZATION.value)
    is_entity = (_containers.kind == ContainerKind.ENTITY.value) & (_containers.name == entity)
    query = (
        select(_automations.id)
        .join(schema.revisions, _revisions.automation_id == _automations.id)
        .join(schema.containers, _revisions.container_id == _containers.id)
        .where(_revisions.until_event_id.is_(None), _automations.deleted_at.is_(None))
        .where(_containers.kind.in_(wide) | is_entity | (_containers.entity == entity))
    )
    if name is not None:
        query = query.where(_automations.name == one_spelling(name))
    total = reader.connection.execute(select(func.count()).select_from(query.subquery()))
    page = query.order_by(_automations.name).offset(first).limit(count).subquery()
    return list_automations(reader, among=select(page.c.id)), total.scalar_one()


def list_using(reader: Reader, endpoint: str, *, limit: int | None = None) -> list[Automation]:
    """Return the automations that send to an endpoint, by name. Raises NotFound."""
    using = select(_revisions.automation_id).where(
        _revisions.endpoint_id == find_endpoint(reader, endpoint).id,
        _revisions.until_event_id.is_(None),
    )
    return list_automations(reader, limit=limit, among=using)


def list_overlapping(
    reader: Reader, definition: Definition, *, exclude: str | None = None
) -> list[str]:
    """Return the enabled automations that may send the same event to the same endpoint.

    `exclude` is the name of the one that is being edited. Raises NotFound for the container.
    """
    find_container(reader, definition.scope.container)
    inside = select_containers_in(definition.scope.container)
    query = (
        _select_automations(reader.now)
        .join(schema.endpoints, _revisions.endpoint_id == _endpoints.id)
        .where(
            _revisions.container_id.in_(select_covering(inside)),
            _endpoints.name == definition.action.endpoint,
        )
        .order_by(_automations.name)
    )
    others = map(_build_automation, reader.connection.execute(query))
    return [other.name for other in others if other.name != exclude and overlaps(definition, other)]


def list_names(reader: Reader) -> Sequence[str]:
    """Return the names that are taken."""
    query = select(_automations.name).where(_automations.deleted_at.is_(None))
    return reader.connection.execute(query).scalars().all()


def list_revisions(reader: Reader, name: str) -> list[Revision]:
    """Return an automation's revisions, the newest first. Raises NotFound."""
    automation_id = find_automation(reader, name).id
    query = select(schema.revisions).where(_revisions.automation_id == automation_id)
    rows = reader.connection.execute(query.order_by(_revisions.number.desc()))
    return [build_revision(row) for row in rows]


def find_revision(reader: Reader, automation_id: int, number: int) -> Revision:
    """Return one revision of an automation, deleted or not. Raises NotFound."""
    row = reader.connection.execute(
        select(schema.revisions).where(
            _revisions.automation_id == automation_id, type_coerce(_revisions.number, Id) == number
        )
    ).one_or_none()
    if row is None:
        query = select(_automations.name).where(_automations.id == automation_id)
        name = reader.connection.execute(query).scalar_one()
        raise NotFound(
            f"automation {visible(name)} has no revision {number}",
            f"List them with `firetower automation show {shell_word(name)} --revisions`.",
        )
    return build_revision(row)


def _select_automations(now: datetime) -> Select[Any]:
    """Return the query of the automations as they are now, with how often each fired.

    Each count reads one range of the index of (automation, event), however long the history.
    """
    firings = (
        select(_executions.created_at)
        .where(_executions.automation_id == _automations.id)
        .correlate(schema.automations)
    )
    fired = _executions.status != Status.SKIPPED.value
    in_shadow = _executions.skip_reason == SkipReason.SHADOW.value
    first_of_day = first_event_after(now - _DAY)

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
    return Automation(
        id=row.automation_id,
        name=row.name,
        revision=build_revision(row, read=False),
        created_at=row.made_at,
        last_fired_at=row.last_fired_at,
        fired_24h=row.fired_24h,
        shadow_24h=row.shadow_24h,
    )


@dataclass(frozen=True, slots=True)
class _KeptList:
    read_at: datetime
    revision: Newest
    execution: Newest
    automations: dict[int, Automation]


class AutomationLists:
    """Whole lists, kept between the refreshes of a screen, which read only what fired since.

    To read ten thousand automations takes 0.2 s.
    """

    def __init__(self) -> None:
        self._kept: dict[ContainerReference | None, _KeptList] = {}

    def read(self, reader: Reader, container: ContainerReference | None) -> list[Automation]:
        """Return the automations of a container, or all, by name. Raises NotFound."""
        connection, now = reader.connection, reader.now
        revision = Newest.read(connection, schema.revisions, _revisions.saved_at)
        execution = Newest.read(connection, schema.executions, _executions.webhook_id)
        kept = self._kept.get(container)
        if (
            kept is None
            or kept.revision != revision
            or kept.execution.is_lost(connection, schema.executions, _executions.webhook_id)
            or not kept.read_at <= now < kept.read_at + _RECOUNT
        ):
            found = list_automations(reader, container)
            kept = _KeptList(now, revision, execution, {one.id: one for one in found})
        elif kept.execution != execution:
            fired = select(_executions.automation_id).where(_executions.id > kept.execution.id)
            found = list_automations(reader, container, among=fired)
            automations = kept.automations | {one.id: one for one in found}
            kept = _KeptList(kept.read_at, revision, execution, automations)
        self._kept[container] = kept
        return list(kept.automations.values())

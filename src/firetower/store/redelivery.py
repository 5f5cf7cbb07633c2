"""Sending executions again."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from operator import index

from sqlalchemy import ColumnElement, Connection, bindparam, func, select, update

from firetower.core.arguments import iterate
from firetower.core.errors import Conflict, InvalidInput, NotFound
from firetower.core.executions import Status
from firetower.core.text import and_list, counted, visible
from firetower.store import schema
from firetower.store.changes import Change, Reader

_executions = schema.executions.c

_MAX_NAMED = 20
"""Executions that an error names one by one."""
REDELIVERY_INTERVAL = timedelta(milliseconds=100)
"""The time between two redeliveries to one endpoint: ten a second."""


def redeliver(change: Change, execution_ids: Iterable[int]) -> int:
    """Make executions due at once, with the same webhook-id and a new schedule.

    Return how many. Raises NotFound, InvalidInput for what is no number, and Conflict where one of
    them cannot be sent, with the reason of each; then none is.
    """
    try:
        ids = [index(one) for one in dict.fromkeys(iterate(execution_ids, "execution_ids"))]
    except TypeError:
        raise InvalidInput("an id of an execution is a whole number", "Give [12, 13].") from None
    refused: dict[str, list[int]] = {}
    for execution_id in ids:
        if reason := _refusal(change.connection, execution_id):
            refused.setdefault(reason, []).append(execution_id)
    if refused:
        said = [
            f"{and_list(map(str, which), most=_MAX_NAMED)} ({reason})"
            for reason, which in refused.items()
        ]
        raise Conflict(
            f"cannot be sent again: execution {', '.join(said)}",
            "Leave these out; wait for those that are running.",
        )
    return _make_due(change, _executions.id.in_(ids)) if ids else 0


def redeliver_failed(change: Change, since: datetime, *, endpoint_id: int | None = None) -> int:
    """Make due what failed since a moment, of one endpoint or of all; return how many.

    Raises Conflict where there is none.
    """
    which = (_executions.status == Status.FAILED.value) & (_executions.finished_at >= since)
    if endpoint_id is not None:
        which &= _executions.endpoint_id == endpoint_id
    if count := _make_due(change, which):
        return count
    left = change.connection.execute(select(func.count()).where(which)).scalar_one()
    deleted = f"; {counted(left, 'execution')} failed at endpoints deleted since" if left else ""
    raise Conflict(
        f"nothing failed since then that can be sent again{deleted}",
        "See what failed with `firetower execution list --status failed`.",
    )


def count_failed(reader: Reader, since: datetime) -> dict[str, int]:
    """Return how many executions failed since a moment, by endpoint; deleted ones left out."""
    endpoints = schema.endpoints.c
    rows = reader.connection.execute(
        select(endpoints.name, func.count())
        .join_from(schema.executions, schema.endpoints, _executions.endpoint_id == endpoints.id)
        .where(
            _executions.status == Status.FAILED.value,
            _executions.finished_at >= since,
            endpoints.deleted_at.is_(None),
        )
        .group_by(endpoints.name)
    )
    return {row[0]: row[1] for row in rows}


def _refusal(connection: Connection, execution_id: int) -> str:
    """Return why an execution cannot be sent again; "" if it can. Raises NotFound."""
    endpoints = schema.endpoints.c
    query = (
        select(_executions.status, endpoints.name, endpoints.deleted_at)
        .outerjoin_from(
            schema.executions, schema.endpoints, _executions.endpoint_id == endpoints.id
        )
        .where(_executions.id == execution_id)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"there is no execution {execution_id}", "List them with `firetower feed`.")
    if row.status == Status.RUNNING.value:
        return "it is running"
    if row.name is None:
        return "it has nothing to send: its automation only records"
    return "" if row.deleted_at is None else f"its endpoint {visible(row.name)} was deleted"


def _make_due(change: Change, which: ColumnElement[bool]) -> int:
    """Make executions due, one after the other: an endpoint that is back is not to be flooded."""
    endpoints = schema.endpoints.c
    alive = select(endpoints.id).where(endpoints.deleted_at.is_(None))
    rows = change.connection.execute(
        select(_executions.id, _executions.endpoint_id)
        .where(which, _executions.status != Status.RUNNING.value)
        .where(_executions.endpoint_id.in_(alive))
        .order_by(_executions.id)
        .with_for_update()
    ).all()
    before: Counter[int] = Counter()
    due = []
    for row in rows:
        due_at = change.now + before[row.endpoint_id] * REDELIVERY_INTERVAL
        due.append({"execution": row.id, "due": due_at, "requested": change.now})
        before[row.endpoint_id] += 1
    if due:
        change.connection.execute(_MAKE_DUE, due)
    return len(due)


_MAKE_DUE = (
    update(schema.executions)
    .where(_executions.id == bindparam("execution"))
    .values(
        status=Status.PENDING.value,
        skip_reason=None,
        detail=None,
        next_attempt_at=bindparam("due"),
        cooldown_until=None,
        redelivery_requested_at=bindparam("requested"),
        finished_at=None,
        retries_used=0,
    )
)

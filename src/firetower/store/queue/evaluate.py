"""Evaluation: the events that wait for it, and the executions that come of them."""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from firetower.core.endpoints import Endpoint
from firetower.core.executions import Status
from firetower.core.matching import Decision, decide, match
from firetower.core.matching import webhook_id as webhook_id_of
from firetower.store import schema
from firetower.store.bulk import Values, insert_rows, set_true
from firetower.store.conditions import UNEVALUATED, has_status
from firetower.store.events import build_event, learn_collections, select_events
from firetower.store.queue.cycle import Claim, Evaluated, Turn
from firetower.store.types import instant_number, optional_number

_events, _executions = schema.events.c, schema.executions.c
_automations = schema.automations.c
_WAITING = (
    select_events()
    .where(UNEVALUATED)
    .order_by(_events.id)
    .limit(bindparam("limit"))
    .with_for_update(of=schema.events, skip_locked=True)
)
_LEASED = select(_executions.id, _executions.webhook_id).where(
    has_status(Status.RUNNING),
    _executions.lease_until > bindparam("now"),
    _executions.worker_id == bindparam("worker"),
)


def new_webhook_id(
    random_hex: Callable[[int], str] = secrets.token_hex, cause: str | None = None
) -> str:
    """Return an id for an execution's requests; `cause` is its event's."""
    return webhook_id_of(random_hex(16), cause)


def evaluate(turn: Turn, limit: int) -> Evaluated:
    """Evaluate the oldest events that wait for it, and write their executions."""
    connection = turn.connection
    rows = connection.execute(_WAITING, {"limit": limit}).all()
    turn.cache.refresh(connection)
    if not rows:
        return Evaluated(0, (), ())
    learn_collections(turn, rows)
    events = [build_event(row, turn.collections) for row in rows]
    matches = match(events, turn.cache.index)
    cooling = {r.automation_id for r, _ in matches if r.definition.cooldown is not None}
    began = _cooldowns(connection, cooling)
    decisions = decide(matches, turn.cache.endpoints, began)
    claims = _insert(turn, decisions)
    _keep_cooldowns(connection, decisions, cooling)
    set_true(connection, schema.events, "evaluated", [event.id for event in events])
    return Evaluated(len(events), decisions, claims)


def _cooldowns(connection: Connection, automation_ids: set[int]) -> dict[int, datetime]:
    """Return when cooldowns last began, and keep other workers from beginning them meanwhile."""
    if not automation_ids:
        return {}
    rows = connection.execute(
        select(_automations.id, _automations.cooldown_began_at)
        .where(_automations.id.in_(automation_ids))
        .order_by(_automations.id)
        .with_for_update()
    )
    return {row.id: row.cooldown_began_at for row in rows if row.cooldown_began_at is not None}


def _keep_cooldowns(
    connection: Connection, decisions: Iterable[Decision], automation_ids: set[int]
) -> None:
    began = {
        decision.revision.automation_id: decision.event.recorded_at
        for decision in decisions
        if decision.revision.automation_id in automation_ids and decision.starts_cooldown
    }
    if began:
        connection.execute(
            update(schema.automations)
            .where(_automations.id == bindparam("automation"))
            .values(cooldown_began_at=bindparam("began")),
            [{"automation": key, "began": moment} for key, moment in began.items()],
        )


def _insert(turn: Turn, decisions: Sequence[Decision]) -> list[Claim]:
    """Write executions; those that can be sent at once are leased already, saving a commit."""
    now = instant_number(turn.now)
    rows: list[Values] = []
    leased: dict[str, Decision] = {}
    for decision in decisions:
        webhook_id = new_webhook_id(turn.random_hex, decision.event.cause)
        endpoint = _sent_at_once(turn, decision)
        lease = None
        if endpoint is not None:
            leased[webhook_id] = decision
            lease = turn.slots.worker_id, instant_number(turn.lease_until(endpoint))
        rows.append(_row(decision, webhook_id, now, lease))
    insert_rows(turn.connection, schema.executions, _COLUMNS, rows)
    return _claims(turn, leased)


def _sent_at_once(turn: Turn, decision: Decision) -> Endpoint | None:
    """Take a slot for an execution; return its endpoint, or None where it has to wait."""
    endpoint_id = decision.revision.endpoint_id
    if decision.status is not Status.PENDING or endpoint_id is None:
        return None
    endpoint = turn.cache.endpoints[endpoint_id]
    if endpoint.circuit is not None:
        return None
    return endpoint if turn.slots.take(endpoint_id) else None


def _claims(turn: Turn, leased: Mapping[str, Decision]) -> list[Claim]:
    if not leased:
        return []
    inserted = turn.connection.execute(_LEASED, {"now": turn.now, "worker": turn.slots.worker_id})
    ids = {row.webhook_id: row.id for row in inserted}
    return [
        Claim(
            execution_id=ids[webhook_id],
            webhook_id=webhook_id,
            number=1,
            retries_used=0,
            revision=decision.revision,
            event=decision.event,
            endpoint=turn.cache.endpoints[decision.revision.endpoint_id or 0],
        )
        for webhook_id, decision in leased.items()
    ]


_COLUMNS = (
    *("webhook_id", "automation_id", "revision_id", "event_id", "endpoint_id"),
    *("status", "skip_reason", "detail", "created_at", "next_attempt_at", "cooldown_until"),
    *("finished_at", "attempts", "retries_used", "worker_id", "lease_until", "request_body"),
)


def _row(decision: Decision, webhook_id: str, now: int, lease: tuple[str, int] | None) -> Values:
    """Return the values of `_COLUMNS`; `lease` tells who sends it at once, and until when."""
    revision, final = decision.revision, decision.status.is_final
    return (
        webhook_id,
        revision.automation_id,
        revision.id,
        decision.event.id,
        revision.endpoint_id,
        decision.status.value if lease is None else Status.RUNNING.value,
        decision.skip_reason,
        decision.detail,
        now,
        None if final else now,
        optional_number(decision.cooldown_until),
        now if final else None,
        0 if lease is None else 1,
        0,
        *(lease or (None, None)),
        decision.request_body,
    )

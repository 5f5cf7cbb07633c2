"""Evaluation: the events that wait for it, and the executions that come of them."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from firetower.core.evaluation import Firing, decide, match, starts_cooldown
from firetower.core.executions import Status
from firetower.store import tables
from firetower.store.events import build_event, learn_collections, select_events
from firetower.store.queue.turn import Claim, Evaluated, Turn

_events, _executions = tables.events.c, tables.executions.c
_automations = tables.automations.c


def new_webhook_id(random_hex: Callable[[int], str] = secrets.token_hex) -> str:
    """Return an id for a firing's requests. Standard Webhooks: unique, and without a dot."""
    return f"msg_{random_hex(16)}"


def evaluate(turn: Turn, limit: int) -> Evaluated:
    """Evaluate the oldest events that wait for it, and write their executions."""
    connection = turn.connection
    query = (
        select_events()
        .where(_events.evaluated.is_(False))
        .order_by(_events.id)
        .limit(limit)
        .with_for_update(of=tables.events, skip_locked=True)
    )
    rows = connection.execute(query).all()
    turn.mirror.refresh(connection)
    if not rows:
        return Evaluated(0, (), ())
    learn_collections(connection, turn.known, rows)
    events = [build_event(row, turn.known) for row in rows]
    matches = match(events, turn.mirror.index)
    cooling = {r.automation_id for r, _ in matches if r.definition.cooldown is not None}
    began = _cooldowns(connection, cooling)
    firings = decide(matches, turn.mirror.integrations, began)
    claims = _insert(turn, firings)
    _keep_cooldowns(connection, firings, cooling)
    connection.execute(
        update(tables.events)
        .where(_events.id.in_([event.id for event in events]))
        .values(evaluated=True)
    )
    return Evaluated(len(events), firings, claims)


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
    connection: Connection, firings: Iterable[Firing], automation_ids: set[int]
) -> None:
    began = {
        firing.revision.automation_id: firing.event.recorded_at
        for firing in firings
        if firing.revision.automation_id in automation_ids and starts_cooldown(firing)
    }
    if began:
        connection.execute(
            update(tables.automations)
            .where(_automations.id == bindparam("automation"))
            .values(cooldown_began_at=bindparam("began")),
            [{"automation": key, "began": moment} for key, moment in began.items()],
        )


def _insert(turn: Turn, firings: Sequence[Firing]) -> list[Claim]:
    """Write executions; those that can be sent at once are leased already, saving a commit."""
    connection, integrations = turn.connection, turn.mirror.integrations
    waiting: list[dict[str, Any]] = []
    leased: dict[str, tuple[Firing, dict[str, Any]]] = {}
    for firing in firings:
        row = _row(firing, turn)
        integration_id = firing.revision.integration_id
        if (
            firing.status is Status.PENDING
            and integration_id is not None
            and turn.slots.take(integration_id)
        ):
            row |= {
                "status": Status.RUNNING.value,
                "attempts": 1,
                "worker_id": turn.slots.worker_id,
                "lease_until": turn.lease_until(integrations[integration_id]),
            }
            leased[row["webhook_id"]] = firing, row
        else:
            waiting.append(row)
    if waiting:
        connection.execute(tables.executions.insert(), waiting)
    if not leased:
        return []
    inserted = connection.execute(
        tables.executions.insert().returning(_executions.id, _executions.webhook_id),
        [row for _, row in leased.values()],
    )
    return [
        Claim(
            execution_id=row.id,
            webhook_id=row.webhook_id,
            number=1,
            retries_used=0,
            revision=leased[row.webhook_id][0].revision,
            event=leased[row.webhook_id][0].event,
            integration=integrations[leased[row.webhook_id][0].revision.integration_id or 0],
        )
        for row in inserted
    ]


def _row(firing: Firing, turn: Turn) -> dict[str, Any]:
    now = turn.now
    final = firing.status.is_final
    return {
        "webhook_id": new_webhook_id(turn.random_hex),
        "automation_id": firing.revision.automation_id,
        "revision_id": firing.revision.id,
        "event_id": firing.event.id,
        "integration_id": firing.revision.integration_id,
        "status": firing.status.value,
        "reason": firing.reason,
        "created_at": now,
        "due_at": firing.held_until if final else now,
        "finished_at": now if final else None,
        "attempts": 0,
        "retries_used": 0,
        "worker_id": None,
        "lease_until": None,
        "request_body": firing.request_body,
    }

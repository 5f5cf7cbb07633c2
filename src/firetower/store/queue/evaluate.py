"""Evaluation: the events that wait for it, and the executions that come of them."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime
from itertools import count

from sqlalchemy import Connection, bindparam, select

from firetower.core.causes import webhook_id
from firetower.core.matching import Decision, decide, match
from firetower.store import schema
from firetower.store.changes import Change
from firetower.store.columns import instant_number, optional_number
from firetower.store.driver import Prepared, Values, insert_rows, run, run_with_ids
from firetower.store.events import MAX_TEXT, build_events, select_events, take_rows
from firetower.store.queue.automation_cache import AutomationCache
from firetower.store.schema import UNEVALUATED

_events, _automations = schema.events.c, schema.automations.c
_WAITING = Prepared(
    select_events()
    .where(UNEVALUATED)
    .order_by(_events.id)
    .limit(bindparam("limit"))
    .with_for_update(of=schema.events, skip_locked=True)
)

_EVALUATED = "UPDATE events SET evaluated = true WHERE id IN ({ids})"
_BEGIN_COOLDOWN = "UPDATE automations SET cooldown_began_at = ? WHERE id = ?"


def evaluate(change: Change, cache: AutomationCache, limit: int) -> tuple[bool, list[Decision]]:
    """Evaluate the oldest waiting events, at most `limit`; write executions.

    Return whether more may wait, and the decisions, without the bodies that were written.
    """
    connection = change.connection
    with closing(_WAITING.each(connection, limit=limit)) as waiting:
        rows = take_rows(connection, waiting)
        more = len(rows) == limit or next(waiting, None) is not None
    events = build_events(change, rows)
    cache.refresh(change)
    if not events:
        return False, []
    matches = match(events, cache.index)
    cooling = {r.automation_id for r, _ in matches if r.definition.cooldown is not None}
    decided = decide(matches, cache.endpoints, _cooldowns(connection, cooling))
    decisions = write_executions(change, decided)
    _keep_cooldowns(connection, decisions, cooling)
    run_with_ids(connection, _EVALUATED, [event.id for event in events])
    return more, decisions


def write_executions(change: Change, decisions: Iterable[Decision]) -> list[Decision]:
    """Write the executions that were decided on; return the decisions without their bodies."""
    written: list[Decision] = []
    part: list[Decision] = []
    length = 0
    for decision in decisions:
        part.append(decision)
        length += len(decision.request_body or "")
        written.append(decision._replace(request_body=None) if decision.request_body else decision)
        if length >= MAX_TEXT:
            _write_part(change, part)
            part, length = [], 0
    _write_part(change, part)
    return written


def _write_part(change: Change, decisions: Sequence[Decision]) -> None:
    now, digits = instant_number(change.now), change.random_hex(16 * len(decisions))
    rows = [
        _row(decision, digits[place : place + 32], now)
        for place, decision in zip(count(step=32), decisions, strict=False)
    ]
    insert_rows(change.connection, schema.executions, _COLUMNS, rows)


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
    for automation_id, moment in began.items():
        run(connection, _BEGIN_COOLDOWN, (instant_number(moment), automation_id))


_COLUMNS = (
    *("webhook_id", "automation_id", "revision_id", "event_id", "endpoint_id"),
    *("status", "skip_reason", "detail", "created_at", "next_attempt_at", "cooldown_until"),
    *("finished_at", "attempts", "retries_used", "request_body"),
)


def _row(decision: Decision, random_digits: str, now: int) -> Values:
    """Return the values of `_COLUMNS`."""
    revision, event, final = decision.revision, decision.event, decision.status.is_final
    return (
        webhook_id(random_digits, event.cause),
        revision.automation_id,
        revision.id,
        event.id,
        revision.endpoint_id,
        decision.status.value,
        decision.skip_reason,
        decision.detail,
        now,
        None if final else now,
        optional_number(decision.cooldown_until),
        now if final else None,
        0,
        0,
        decision.request_body,
    )

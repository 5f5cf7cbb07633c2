"""Sending executions again: what goes where is said first."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from textual.dom import DOMNode

from firetower.core.endpoints import Endpoint
from firetower.core.text import counted, visible
from firetower.tui.page import ask
from firetower.tui.session import session_of
from firetower.tui.widgets.ask import Confirm, Picker
from firetower.tui.widgets.entries import Offer

_SPANS: Mapping[str, timedelta | None] = {
    "the last hour": timedelta(hours=1),
    "24 h": timedelta(days=1),
    "7 days": timedelta(days=7),
    "all that is kept": None,
}
_BEGINNING = datetime.fromtimestamp(0, UTC)
_SHOWN = 6
"""Endpoints that a plan names."""


async def redeliver(node: DOMNode, execution_id: int) -> None:
    """Ask whether to send one execution again, and send it. Raises FiretowerError."""
    session = session_of(node)
    execution, _ = await session.ask(lambda tower: tower.executions.get(execution_id))
    if execution.endpoint is None:
        node.app.notify("It has nothing to send: its automation only records.", severity="warning")
        return
    event = execution.event
    detail = (
        f"{event.type.spec.label}: {event.subject} {event.detail}".rstrip()
        + f"\nIt goes to {visible(execution.endpoint)} once more, with the same webhook-id."
    )
    stopped = [one.endpoint for one in await session.ask(lambda tower: tower.endpoints.stopped())]
    if any(one.name == execution.endpoint and not one.enabled for one in stopped):
        detail += "\nThat is disabled: it waits there until it is enabled."
    question = f"Send execution {execution_id} of {execution.automation} again?"
    if await ask(node, Confirm(question, detail, "Send again")):
        await session.ask(lambda tower: tower.executions.redeliver([execution_id]))
        node.app.notify("Queued to be sent again.")


async def redeliver_failed(node: DOMNode, name: str | None = None) -> None:
    """Ask since when, show the plan, ask again, and send. Raises FiretowerError.

    `name` is that of the only endpoint, or None for all.
    """
    session = session_of(node)
    endpoint = None if name is None else await session.ask(lambda tower: tower.endpoints.find(name))
    where = "" if endpoint is None else f" to {visible(endpoint.name)}"
    now = session.now()
    since = {label: _BEGINNING if span is None else now - span for label, span in _SPANS.items()}
    plans = await session.ask(
        lambda tower: {
            label: _narrowed(tower.executions.failed_since(moment), endpoint)
            for label, moment in since.items()
        }
    )
    totals = {label: sum(plan.values()) for label, plan in plans.items()}
    if not any(totals.values()):
        node.app.notify(f"Nothing that was sent{where} has failed.")
        return
    offers = [
        Offer(label, label, f"{total:,} failed", "" if total else "nothing failed")
        for label, total in totals.items()
    ]
    chosen = await ask(node, Picker(f"Send again what failed{where} in", offers))
    if chosen is None:
        return
    moment, total = since[chosen], counted(totals[chosen], "execution")
    plan = _plan_words(plans[chosen])
    if await ask(node, Confirm(f"Send {total} again?", plan, "Send again")):
        number = None if endpoint is None else endpoint.id
        sent = await session.ask(
            lambda tower: tower.executions.redeliver_failed(moment, endpoint_id=number)
        )
        node.app.notify(f"{counted(sent, 'execution')} will be sent again.")


def _narrowed(plan: Mapping[str, int], endpoint: Endpoint | None) -> dict[str, int]:
    """Return the part of a plan that goes to one endpoint, or all of it."""
    return {name: n for name, n in plan.items() if endpoint is None or name == endpoint.name}


def _plan_words(plan: Mapping[str, int]) -> str:
    most = sorted(plan.items(), key=lambda one: (-one[1], one[0]))
    lines = [f"{number:,} to {visible(name)}" for name, number in most[:_SHOWN]]
    if len(most) > _SHOWN:
        lines.append(f"{sum(number for _, number in most[_SHOWN:]):,} to others")
    return "\n".join([*lines, "Ten a second to each, with the webhook-id they had."])

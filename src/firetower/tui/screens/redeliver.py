"""Sending again what failed: since when, then how much goes where, then whether."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from textual.dom import DOMNode

from firetower.core.endpoints import Endpoint
from firetower.core.errors import FiretowerError
from firetower.core.text import counted, visible
from firetower.tui import over
from firetower.tui.screens.confirm import Confirm
from firetower.tui.screens.picker import Picker
from firetower.tui.session import session_of, tell
from firetower.tui.widgets.choice import Offer

_SPANS: Mapping[str, timedelta | None] = {
    "the last hour": timedelta(hours=1),
    "24 h": timedelta(days=1),
    "7 days": timedelta(days=7),
    "all that is kept": None,
}
_BEGINNING = datetime.fromtimestamp(0, UTC)
_SHOWN = 6
"""Endpoints that a plan names."""


async def send_failed_again(node: DOMNode, endpoint: Endpoint | None = None) -> None:
    """Ask since when, tell the plan, ask, and send what failed again; to be run in a worker.

    `endpoint` narrows it to one; without, it is all.
    """
    try:
        await _send(node, endpoint)
    except FiretowerError as error:
        tell(node, error)


async def send_failed_of(node: DOMNode, endpoint: str) -> None:
    """Do the same for the endpoint of a name, which may have been deleted."""
    try:
        found = await session_of(node).ask(lambda tower: tower.endpoints.find(endpoint))
    except FiretowerError as error:
        tell(node, error)
    else:
        await send_failed_again(node, found)


async def _send(node: DOMNode, endpoint: Endpoint | None) -> None:
    app, session = node.app, session_of(node)
    where = "" if endpoint is None else f" to {visible(endpoint.name)}"
    now = session.now()
    since = {name: _BEGINNING if span is None else now - span for name, span in _SPANS.items()}
    plans = await session.ask(
        lambda tower: {
            name: _narrowed(tower.executions.failed_since(moment), endpoint)
            for name, moment in since.items()
        }
    )
    offers = [
        Offer(name, name, f"{total:,} failed", "" if total else "nothing failed")
        for name, plan in plans.items()
        for total in (sum(plan.values()),)
    ]
    if all(offer.why_not for offer in offers):
        app.notify(f"Nothing that was sent{where} has failed.", markup=False)
        return
    chosen = await over.ask(node, Picker(f"Send again what failed{where} in", offers))
    if chosen is None:
        return
    plan, moment = plans[chosen], since[chosen]
    total = counted(sum(plan.values()), "execution")
    sure = Confirm(f"Send {total} again?", _plan_words(plan), [("send", "Send again")])
    if await over.ask(node, sure):
        number = None if endpoint is None else endpoint.id
        sent = await session.ask(
            lambda tower: tower.executions.redeliver_failed(moment, endpoint_id=number)
        )
        app.notify(f"{counted(sent, 'execution')} will be sent again.", markup=False)


def _narrowed(plan: Mapping[str, int], endpoint: Endpoint | None) -> dict[str, int]:
    """Return the part of a plan that goes to one endpoint, or all of it."""
    return {
        name: number for name, number in plan.items() if endpoint is None or name == endpoint.name
    }


def _plan_words(plan: Mapping[str, int]) -> str:
    """Return how many go where, and how fast."""
    most = sorted(plan.items(), key=lambda one: (-one[1], one[0]))
    lines = [f"{number:,} to {visible(name)}" for name, number in most[:_SHOWN]]
    if len(most) > _SHOWN:
        lines.append(f"{sum(number for _, number in most[_SHOWN:]):,} to others")
    return "\n".join([*lines, "Ten a second to each, with the webhook-id they had."])

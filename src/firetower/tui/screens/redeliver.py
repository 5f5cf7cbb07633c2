"""Sending failed executions again: since when, then what goes where, then yes or no."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from textual.screen import Screen

from firetower.core.endpoints import Endpoint
from firetower.core.errors import FiretowerError
from firetower.core.text import counted, visible
from firetower.tui.page import ask
from firetower.tui.session import session_of, show_error
from firetower.tui.widgets.choice import Offer
from firetower.tui.widgets.confirm import Confirm
from firetower.tui.widgets.picker import Picker

_SPANS: Mapping[str, timedelta | None] = {
    "the last hour": timedelta(hours=1),
    "24 h": timedelta(days=1),
    "7 days": timedelta(days=7),
    "all that is kept": None,
}
_BEGINNING = datetime.fromtimestamp(0, UTC)
_SHOWN = 6
"""Endpoints that a plan names."""


async def redeliver_failed(source: Screen[Any], name: str | None) -> None:
    """Ask since when, show the plan, ask again, and send; to be run in a worker.

    `name` is that of the only endpoint, or None for all.
    """
    try:
        endpoint = None
        if name is not None:
            endpoint = await session_of(source).ask(lambda tower: tower.endpoints.find(name))
        await _redeliver(source, endpoint)
    except FiretowerError as error:
        show_error(source, error)


async def _redeliver(source: Screen[Any], endpoint: Endpoint | None) -> None:
    app, session = source.app, session_of(source)
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
    chosen = await ask(source, Picker(f"Send again what failed{where} in", offers))
    if chosen is None:
        return
    plan, moment = plans[chosen], since[chosen]
    total = counted(sum(plan.values()), "execution")
    sure = Confirm(f"Send {total} again?", _plan_words(plan), [("send", "Send again")])
    if await ask(source, sure):
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

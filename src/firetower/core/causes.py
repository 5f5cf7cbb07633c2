"""Chains of automations: a change that was made because an automation had fired.

Whoever acts on a webhook hands its `webhook-id` on with the changes it makes. The id of what those
changes fire in turn tells how long the chain is by then, so that the chain need not be read to be
ended.
"""

import re

from firetower.core.errors import InvalidInput
from firetower.core.text import quoted, shortened

LIMIT = 8
"""Automations that may fire one another in a row."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_DEPTH = re.compile(r"_x(\d{1,4})$")


def check_cause(cause: str) -> str:
    """Return the `webhook-id` of a cause if it can be one. Raises InvalidInput."""
    if not _ID.fullmatch(cause):
        raise InvalidInput(
            f"the cause {quoted(shortened(cause, 60))} is not a webhook-id",
            "Hand on the webhook-id header of the request that the change was made for.",
        )
    return cause


def depth_of(cause: str | None) -> int:
    """Return how many automations have fired one another up to a cause; 0 without one."""
    if cause is None:
        return 0
    found = _DEPTH.search(cause)
    return int(found[1]) if found else 1


def webhook_id(digits: str, cause: str | None) -> str:
    """Return the id of what an event fires, made unique by `digits`.

    `cause` is the event's own. Standard Webhooks: unique, and without a dot.
    """
    depth = depth_of(cause) + 1
    return f"msg_{digits}" if depth == 1 else f"msg_{digits}_x{depth}"


def loop_reason(cause: str | None) -> str | None:
    """Return why what an event would fire is held back, if its chain is too long."""
    depth = depth_of(cause)
    if depth < LIMIT:
        return None
    return f"loop: {depth} automations fired one another"

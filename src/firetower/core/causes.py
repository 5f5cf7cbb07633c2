"""Causes: the webhook-id that a change answers, by which chains of automations are ended."""

import re

from firetower.core.errors import InvalidInput
from firetower.core.text import quoted, shortened

LOOP_LIMIT = 8
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


def is_loop(cause: str | None) -> bool:
    """Return whether too many automations have fired one another up to a cause."""
    return depth_of(cause) >= LOOP_LIMIT

"""The file handles of a worker, shared between its endpoints."""

import resource
from collections.abc import Mapping

MAX_FILES = 65_536
"""Handles asked for where more are allowed."""
_RESERVED = 64
"""Handles for the database, look-ups, metrics and output."""


def raise_file_limit() -> int:
    """Raise the limit of open files as far as it is allowed; return the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    if soft == resource.RLIM_INFINITY or soft >= most:
        return MAX_FILES if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    except (OSError, ValueError):  # some systems allow less than they say
        return soft
    return most


def connections_of(files: int) -> int:
    """Return how many requests may be open at a time; each may need two handles to connect."""
    return max(8, (files - _RESERVED) // 2)


def share_connections(wanted: Mapping[int, int], connections: int) -> dict[int, int]:
    """Share connections fairly: what one does not need of an equal share goes to the others.

    `wanted` has the most for each endpoint. Each gets one at least.
    """
    shares, left = {}, connections
    for place, (key, most) in enumerate(sorted(wanted.items(), key=lambda item: item[1])):
        shares[key] = min(most, max(1, left // (len(wanted) - place)))
        left -= shares[key]
    return shares

"""Work in the background of the app, as one of Textual's workers."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from textual.dom import DOMNode
from textual.worker import Worker


def start_worker(
    node: DOMNode, method: Callable[[], Awaitable[object]], group: str = ""
) -> Worker[None]:
    """Run a method as a worker, in which nothing is left waiting if the app ends before it begins.

    A coroutine made here would be, for only the worker awaits it.
    """
    return node.run_worker(cast("Any", method), group=group)

"""What several commands share: options, their group, and the question before deleting."""

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

import click

from firetower.core.errors import FiretowerError
from firetower.core.executions import Status
from firetower.core.text import visible
from firetower.settings import ALLOW_PRIVATE_TARGETS

F = TypeVar("F", bound=Callable[..., Any])
ROW_ID = click.IntRange(1, 2**63 - 1)
"""The numbers that a database can hold."""


def parse_since(text: str) -> datetime:
    """Read a span back from now, "30d" or "2h", or a moment. Raises InvalidInput."""
    from firetower.core.times import parse_moment

    return parse_moment(text, datetime.now(UTC))


def option_group(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Return a decorator that adds several options to a command, in the order of its help."""

    def add(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return add


def choice_option(name: str, choices: type[StrEnum], *, help: str) -> Callable[[F], F]:  # noqa: A002
    """Return an option that takes a value of an enumeration, in any case."""
    return click.option(
        name,
        type=click.Choice([one.value for one in choices], case_sensitive=False),
        callback=lambda _context, _option, value: value and choices(value),
        help=help,
    )


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
follow_option = click.option(
    "--follow", "-f", is_flag=True, help="Print new entries as they arrive."
)
limit_option = click.option(
    "--limit",
    type=click.IntRange(0, 1_000_000),
    default=50,
    metavar="N",
    help="Print at most this many, the newest.",
)
since_option = click.option(
    "--since",
    type=parse_since,
    metavar="T",
    help="Only from this time on: 30m, 2h, 30d, 14:30, yesterday 9:00, or 2026-01-31T12:00.",
)
status_option = choice_option("--status", Status, help="Only executions with this status.")
private_targets_option = click.option(
    "--allow-private-targets",
    is_flag=True,
    expose_value=False,
    # By the environment, where the client looks for it, as it does under the app.
    callback=lambda _ctx, _option, given: given and os.environ.update({ALLOW_PRIVATE_TARGETS: "1"}),
    help="Send to link-local addresses and metadata services too.",
)
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")


def group_name() -> str:
    """Return the name of the group that the running command is called in: "webhook"."""
    parent = click.get_current_context().parent
    assert parent is not None
    return parent.command.name or ""


def ask_to_delete(what: str, *, yes: bool, instead: str = "") -> None:
    """Ask on a terminal whether to delete `what`; `instead` offers something milder.

    Raises FiretowerError for every answer but yes.
    """
    if yes or not sys.stdin.isatty():
        return
    question = f"{instead} Delete {what}?".lstrip()
    if not click.confirm(visible(question), err=True):
        raise FiretowerError(f"kept {what}", "Answer y, or give --yes, to delete it.")

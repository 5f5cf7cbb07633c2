"""Asking a person before something is deleted; a script is not asked."""

import sys

import click

from firetower.core.errors import FiretowerError
from firetower.core.text import visible

yes_option = click.option("--yes", "-y", is_flag=True, help="Delete without asking.")


def ask_to_delete(what: str, *, yes: bool, instead: str = "") -> None:
    """Ask on a terminal whether to delete `what`; `instead` offers something milder.

    Raises FiretowerError for every answer but yes.
    """
    if yes or not sys.stdin.isatty():
        return
    question = f"{instead} Delete {what}?".lstrip()
    if not click.confirm(visible(question), err=True):
        raise FiretowerError(f"kept {what}", "Answer y, or give --yes, to delete it.")

"""`firetower doctor`."""

import os
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import click

from firetower.cli.connect import database_url
from firetower.cli.options import json_option
from firetower.cli.output import print_json
from firetower.core.health import Check, Health, doubtful, good
from firetower.core.text import visible

_SIGNS = {Health.OK: "✓", Health.WARN: "!", Health.FAIL: "✗"}
_ROOM = (80, 24)


@click.command()
@json_option
@click.pass_context
def doctor(ctx: click.Context, *, as_json: bool) -> None:
    """Check database, key, workers, endpoints, clock and terminal.

    Changes nothing. The exit code is 1 if a check fails; a warning is not a failure.

    \b
    Examples:
      firetower doctor
      firetower doctor --json
    """
    from firetower.store.doctor import examine

    checks = [*examine(database_url(), datetime.now(UTC)), *_terminal()]
    for check in checks:
        if as_json:
            print_json(
                {
                    "check": check.name,
                    "health": check.health.value,
                    "message": check.said,
                    "hint": check.hint or None,
                }
            )
            continue
        sign = f"{_SIGNS[check.health]} {check.health.value:<4}"
        click.echo(visible(f"{sign}  {check.name:<9}  {check.said}"))
        if check.hint:
            click.echo(visible(f"{'':19}{check.hint}"))
    ctx.exit(any(check.health is Health.FAIL for check in checks))


def _terminal() -> Iterator[Check]:
    """Check the terminal that the app would draw on."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield good("terminal", "none; only the app needs one")
        return
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    if encoding == "utf8":
        yield good("encoding", "UTF-8")
    else:
        yield doubtful("encoding", encoding or "unknown", "Set LANG=C.UTF-8.")
    size = shutil.get_terminal_size()
    if size < _ROOM or size.lines < _ROOM[1]:
        said = f"{size.columns} × {size.lines}"
        yield doubtful("size", said, "Give it 80 × 24 or more.")
    else:
        yield good("size", f"{size.columns} × {size.lines}")
    yield _colours()
    if os.environ.get("TMUX"):
        hint = "For copying: `set -g set-clipboard on` in ~/.tmux.conf."
        yield doubtful("clipboard", "in tmux, which does not pass OSC 52 on by default", hint)
    elif os.environ.get("STY"):
        yield doubtful("clipboard", "in screen, which does not pass OSC 52 on", "Use tmux to copy.")
    else:
        over = "over SSH, " if os.environ.get("SSH_CONNECTION") else ""
        yield good("clipboard", f"{over}by OSC 52, if the terminal supports it")


def _colours() -> Check:
    if "NO_COLOR" in os.environ:
        return good("colours", "none, because NO_COLOR is set")
    if os.environ.get("COLORTERM") in {"truecolor", "24bit"}:
        return good("colours", "16 million")
    term = os.environ.get("TERM", "")
    if "256color" in term:
        return good("colours", "256")
    return doubtful("colours", f"few (TERM={term})", 'Set theme = "ansi" in the config file.')

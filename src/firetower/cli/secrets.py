"""`firetower secret` and `firetower key`; values come from a prompt or stdin, never an argument."""

import os
import sys

import click

from firetower.cli.connect import open_tower
from firetower.cli.options import ask_to_delete, json_option, yes_option
from firetower.cli.output import date, print_json, print_rows, say
from firetower.core.endpoints import MAX_SECRET, check_secret_value, fits_header
from firetower.core.errors import InvalidInput
from firetower.core.references import check_secret_name
from firetower.core.text import counted, instant

_MOST_BYTES = 4 * MAX_SECRET + 1
"""More than any value that is accepted."""
_TERMINAL_LINE = 4096
"""Bytes of the longest line that Linux takes from a terminal; it drops what is beyond."""


@click.group()
def secret() -> None:
    """Manage secrets; a value can be set but never read back.

    Examples:
      firetower secret set CI_TOKEN
      pass show ci | firetower secret set CI_TOKEN
    """


@secret.command("set")
@click.argument("name")
def set_(*, name: str) -> None:
    """Create or replace a secret; the value comes from a prompt or from stdin.

    Of stdin all lines are kept, without the newline at the end.

    Examples:
      firetower secret set CI_TOKEN
      firetower secret set SIGNING_KEY < key.pem
    """
    check_secret_name(name)
    value = check_secret_value(_ask(name) if sys.stdin.isatty() else _read_value())
    with open_tower() as tower:
        new = tower.secrets.set(name, value)
    if new:
        say(f"Created secret {name}.")
    else:
        say(f"Replaced secret {name}; the old value still signs beside the new one for 24 hours.")
    if not fits_header(value):
        say("It can sign and be used in payloads, but not be an access token: no header holds it.")


def _read_value() -> str:
    content = sys.stdin.buffer.read(_MOST_BYTES)
    try:
        value = content.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(
            "the value is not UTF-8 text", "Encode it, for example as base64."
        ) from None
    return value[:-2] if value.endswith("\r\n") else value.removesuffix("\n")


def _ask(name: str) -> str:
    """Ask on the terminal, without echo. Raises InvalidInput for more than a terminal's line."""
    import select
    import termios

    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    silent = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    click.echo(f"Value of {name}: ", nl=False, err=True)
    try:
        termios.tcsetattr(fd, termios.TCSANOW, silent)
        line = os.read(fd, _TERMINAL_LINE)
        more = select.select([fd], [], [], 0.1)[0]  # the rest of what was pasted
    finally:
        termios.tcsetattr(fd, termios.TCSAFLUSH, before)
        click.echo(err=True)
    if more or len(line) == _TERMINAL_LINE:
        raise InvalidInput(
            "the value has several lines, or is too long for a terminal's line",
            f"Give it on stdin: firetower secret set {name} < FILE",
        )
    return line.decode("utf-8", "surrogateescape").removesuffix("\n")


@secret.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List the names of the secrets and the endpoints that use them.

    Examples:
      firetower secret list
    """
    with open_tower() as tower:
        found = tower.secrets.list()
    if as_json:
        for one in found:
            updated = instant(one.updated_at)
            print_json({"secret": one.name, "updated_at": updated, "used_by": list(one.used_by)})
        return
    print_rows(
        ("secret", "updated", "used by"),
        [(one.name, date(one.updated_at), ", ".join(one.used_by)) for one in found],
        "No secrets yet: create one with `firetower secret set`.",
    )


@secret.command()
@click.argument("name")
@yes_option
def delete(*, name: str, yes: bool) -> None:
    """Delete a secret that no endpoint uses.

    Examples:
      firetower secret delete CI_TOKEN
    """
    with open_tower() as tower:
        if name in {one.name for one in tower.secrets.list()}:
            ask_to_delete(f"secret {name}", yes=yes)
        tower.secrets.delete(name)
    say(f"Deleted secret {name}.")


@click.group()
def key() -> None:
    """Manage the key that encrypts the secrets.

    Examples:
      firetower key rotate
    """


@key.command()
def rotate() -> None:
    """Encrypt every secret with a new key.

    Can be interrupted at any moment and run again. With FIRETOWER_SECRET_KEY=NEW,OLD, the first
    key is the new one.

    Examples:
      firetower key rotate
      FIRETOWER_SECRET_KEY=NEW,OLD firetower key rotate
    """
    from firetower.settings import SECRET_KEY, read_settings

    with open_tower() as tower:
        count = tower.secrets.rotate()
    if not count:
        say("No secrets to encrypt.")
        return
    say(f"Encrypted {counted(count, 'secret')} with a new key.")
    if read_settings().secret_key:
        say(f"Set {SECRET_KEY} to its first key alone, wherever it is set.")

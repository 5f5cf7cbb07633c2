"""`firetower secret` and `firetower key`; values come from a prompt or stdin, never an argument."""

import sys

import click

from firetower.cli.connect import open_tower
from firetower.cli.options import ask_to_delete, json_option, yes_option
from firetower.cli.output import date, print_json, print_rows, say
from firetower.core.errors import InvalidInput
from firetower.core.events import instant
from firetower.core.references import check_secret_name
from firetower.core.text import counted


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
    """Create or replace a secret; the value comes from a prompt or one line of stdin.

    Examples:
      firetower secret set CI_TOKEN
      firetower secret set CI_TOKEN < token.txt
    """
    check_secret_name(name)
    value = _read_value(name)
    with open_tower() as tower:
        new = tower.secrets.set(name, value)
    if new:
        say(f"Created secret {name}.")
    else:
        say(f"Replaced secret {name}; the old value still signs beside the new one for 24 hours.")


def _read_value(name: str) -> str:
    if sys.stdin.isatty():
        typed: str = click.prompt(f"Value of {name}", hide_input=True, err=True)
        return typed
    line = sys.stdin.buffer.readline()
    try:
        value = line.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise InvalidInput(
            "the value is not UTF-8 text", "Encode it, for example as base64."
        ) from None
    if not value:
        raise InvalidInput("the value is empty", "Give it as one line on stdin.")
    return value


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

"""`firetower secret`: values come from a prompt or stdin, never from an argument."""

import sys

import click

from firetower.cli.asking import ask_to_delete, yes_option
from firetower.cli.output import date, json_option, print_json, print_rows, say
from firetower.cli.session import open_tower
from firetower.core.errors import InvalidInput
from firetower.core.events import instant
from firetower.core.references import check_secret_name


@click.group()
def secret() -> None:
    """Keep secrets, which can be set and never read back.

    \b
    Examples:
      firetower secret set CI_TOKEN
      pass show ci | firetower secret set CI_TOKEN
    """


@secret.command("set")
@click.argument("name")
def set_(*, name: str) -> None:
    """Save a secret, or replace it; the value comes from a prompt or one line of stdin.

    \b
    Examples:
      firetower secret set CI_TOKEN
      firetower secret set CI_TOKEN < token.txt
    """
    check_secret_name(name)
    value = _ask(name)
    with open_tower() as tower:
        new = tower.secrets.set(name, value)
    if new:
        say(f"Saved secret {name}.")
    else:
        say(f"Replaced secret {name}; the old value still signs beside the new one for 24 hours.")


def _ask(name: str) -> str:
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
    """List the secrets' names and who uses them.

    \b
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
        "No secrets yet: save one with `firetower secret set`.",
    )


@secret.command()
@click.argument("name")
@yes_option
def delete(*, name: str, yes: bool) -> None:
    """Forget a secret that no endpoint uses.

    \b
    Examples:
      firetower secret delete CI_TOKEN
    """
    with open_tower() as tower:
        if name in {one.name for one in tower.secrets.list()}:
            ask_to_delete(f"secret {name}", yes=yes)
        tower.secrets.delete(name)
    say(f"Deleted secret {name}.")


@secret.command()
def rotate() -> None:
    """Encrypt every secret with a new key.

    It may be interrupted at any moment, and run again. With FIRETOWER_SECRET_KEY=NEW,OLD the
    first of its keys is the new one.

    \b
    Examples:
      firetower secret rotate
    """
    from firetower.store.keys import KEY_VARIABLE, key_is_in_environment

    with open_tower() as tower:
        count = tower.secrets.rotate()
    if not count:
        say("No secrets to encrypt anew.")
        return
    say(f"Encrypted {count} secret{'' if count == 1 else 's'} with a new key.")
    if key_is_in_environment():
        say(f"Set {KEY_VARIABLE} to its first key alone, wherever it is set.")


COMMANDS: dict[str, click.Command] = {"secret": secret}

"""`firetower token`."""

import click

from firetower.cli.connect import open_tower
from firetower.cli.options import ROW_ID, ask_to_delete, json_option, yes_option
from firetower.cli.output import date, print_json, print_rows, say


@click.group()
def token() -> None:
    """Manage the API keys of `firetower serve`.

    Examples:
      firetower token create ada
      firetower token list
    """


@token.command()
@click.argument("user")
@click.option("--entity", metavar="E", help="The entity of scripts that name none; default USER.")
@click.option(
    "--access",
    type=click.Choice(["read", "write"]),
    default="write",
    help="With read, every change made with it is refused.",
)
@json_option
def create(*, user: str, entity: str | None, access: str, as_json: bool) -> None:
    """Make an API key; it is printed once and cannot be read again.

    USER is the author of what is changed with it.

    Examples:
      firetower token create ada
      export WANDB_API_KEY=$(firetower token create ada --entity acme)
    """
    with open_tower() as tower:
        made, key = tower.tokens.create(user, entity=entity, read_only=access == "read")
    if as_json:
        print_json({"key": key, **made.as_data()})
        return
    click.echo(key)
    say(f"Token {made.id} of {made.user}. The key is not kept: note it now.")


@token.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List tokens, without their keys.

    Examples:
      firetower token list
    """
    with open_tower() as tower:
        found = tower.tokens.list()
    if as_json:
        print_json(*(one.as_data() for one in found))
        return
    print_rows(
        ("token", "user", "entity", "access", "created", "last used"),
        [
            (
                str(one.id),
                one.user,
                one.entity,
                "read" if one.read_only else "write",
                date(one.created_at),
                date(one.last_used_at),
            )
            for one in found
        ],
        "No tokens yet: create one with `firetower token create`.",
    )


@token.command()
@click.argument("token_id", metavar="TOKEN", type=ROW_ID)
@yes_option
def delete(*, token_id: int, yes: bool) -> None:
    """Delete a token by its number; its key is refused from now on.

    Examples:
      firetower token delete 3
    """
    with open_tower() as tower:
        if found := next((one for one in tower.tokens.list() if one.id == token_id), None):
            ask_to_delete(f"token {token_id} of {found.user}", yes=yes)
        tower.tokens.delete(token_id)
    say(f"Deleted token {token_id}.")

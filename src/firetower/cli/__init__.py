"""The command line. Each command imports what it needs when it runs."""

import gc
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from inspect import cleandoc
from typing import Any

import click

from firetower._version import __version__
from firetower.cli.connect import database_options, database_url, read_only

_COMMANDS = {
    "catalog": ("log", "link", "unlink", "delete", "edit", "show"),
    "run": ("run",),
    "labels": ("alias", "tag"),
    "containers": ("registry", "project"),
    "secrets": ("secret", "key"),
    "endpoints": ("webhook", "slack"),
    "automation": ("automation",),
    "worker": ("worker",),
    "serve": ("serve",),
    "token": ("token",),
    "feed": ("feed", "events"),
    "execution": ("execution", "redeliver"),
    "explain": ("explain",),
    "backtest": ("backtest",),
    "database": ("database",),
    "doctor": ("doctor",),
    "demo": ("demo",),
    "completion": ("completion",),
}
"""The commands of each module, in the order of the help."""
_MODULES = {command: module for module, commands in _COMMANDS.items() for command in commands}


class LazyGroup(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the commands' names in the order of the help."""
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command by its name."""
        if cmd_name not in _MODULES:
            return None
        module = import_module(f"firetower.cli.{_MODULES[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        _complete(command)
        return command


def _complete(command: click.Command) -> None:
    """Give a command and its subcommands the options of all, and keep the lines of examples."""
    command.help = cleandoc(command.help or "").replace("\n\nExamples:", "\n\n\b\nExamples:")
    if isinstance(command, click.Group):
        for subcommand in command.commands.values():
            _complete(subcommand)
        return
    command.parse_args = partial(_parse_unrepeated, command.parse_args, command)  # type: ignore[method-assign]
    if all(parameter.name != "database" for parameter in command.params):
        command.params += database_options()


def _parse_unrepeated(
    parse: Callable[[click.Context, list[str]], list[str]],
    command: click.Command,
    ctx: click.Context,
    args: list[str],
) -> list[str]:
    """Read a command's arguments; an option of one value given twice would lose the first."""
    if not ctx.resilient_parsing:
        given: list[click.Parameter] = command.make_parser(ctx).parse_args(list(args))[2]
        for one in {one for one in given if given.count(one) > 1 and one.expose_value}:
            if isinstance(one, click.Option) and not (one.multiple or one.is_flag):
                raise click.UsageError(f"{one.opts[0]} is given twice.", ctx)
    return parse(ctx, args)


@click.group(
    cls=LazyGroup,
    commands=dict.fromkeys(_MODULES),  # their names, of which click suggests the nearest
    params=database_options(),
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.version_option(__version__, prog_name="firetower", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Automations on registries and projects of ML artifacts.

    Opens the app if no command is given.

    \b
    Examples:
      firetower registry create models
      firetower log acme/vision/resnet model.pt --type model
      firetower link acme/vision/resnet:v0 models/resnet --alias staging
      firetower worker
    """
    if ctx.invoked_subcommand is not None:
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        click.echo(ctx.get_help())
        return
    if not os.isatty(2):  # where Textual draws
        os.dup2(1, 2)
        sys.__stderr__ = sys.__stderr__ or os.fdopen(2, "w", closefd=False)  # type: ignore[misc]
    from firetower.tui.first_view import reading_beside

    with reading_beside(database_url()) as read_first:
        from firetower.tui.app import run_app  # while the other process reads

        ctx.exit(run_app(database_url(), read_only=read_only(), read_first=read_first))


def main(arguments: list[str] | None = None) -> Any:  # noqa: ANN401 - it never returns
    """Run the command line and exit."""
    # What a command imports lives until its end: to search it for garbage took a fifth of its time.
    gc.set_threshold(200_000)
    from firetower.cli.errors import prepare, run

    prepare()
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    code = run(cli, arguments)
    gc.freeze()  # nor at its end
    sys.exit(code)

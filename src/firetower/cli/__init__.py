"""The command line. Each command imports what it needs when it runs."""

import sys
from importlib import import_module
from typing import Any

import click

from firetower._version import __version__
from firetower.cli.session import READ_ONLY, read_only

_HOMES = {
    "log": "catalog",
    "link": "catalog",
    "unlink": "catalog",
    "show": "catalog",
    "alias": "labels",
    "tag": "labels",
    "registry": "containers",
    "project": "containers",
    "secret": "secrets",
    "webhook": "endpoints",
    "slack": "endpoints",
    "automation": "automation",
    "worker": "run",
    "feed": "history",
    "events": "history",
    "execution": "history",
    "redeliver": "history",
    "explain": "explain",
    "backtest": "backtest",
    "database": "run",
    "doctor": "doctor",
    "demo": "demo",
    "completion": "run",
}
"""The module of each command, in the order of the help."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the commands' names in the order of the help."""
        return list(_HOMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command by its name."""
        if cmd_name not in _HOMES:
            return None
        module = import_module(f"firetower.cli.{_HOMES[cmd_name]}")
        command: click.Command = module.COMMANDS[cmd_name]
        _take_database(command)
        return command


def _choose_database(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    """Remember the database; the option nearest to the end of the line wins."""
    if value is not None:
        ctx.find_root().obj = value


def _database_option() -> click.Option:
    return click.Option(
        ["--database"],
        metavar="URL",
        expose_value=False,
        callback=_choose_database,
        help="A file or URL; FIRETOWER_DATABASE_URL, or the file in the data folder.",
    )


def _forbid_changes(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001
    """Remember that nothing may be changed, wherever in the line that stands."""
    if value:
        ctx.meta[READ_ONLY] = True


def _read_only_option() -> click.Option:
    return click.Option(
        ["--read-only"],
        is_flag=True,
        expose_value=False,
        callback=_forbid_changes,
        help="Refuse every change; FIRETOWER_READ_ONLY=1 does it too.",
    )


def _take_database(command: click.Command) -> None:
    """Let a command and those below it take `--database` and `--read-only` too."""
    if isinstance(command, click.Group):
        for below in command.commands.values():
            _take_database(below)
    elif all(parameter.name != "database" for parameter in command.params):
        command.params += [_database_option(), _read_only_option()]


@click.group(
    cls=LazyGroup,
    params=[_database_option(), _read_only_option()],
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="firetower", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Automations on registries and projects of ML artifacts.

    Without a command it opens the app.

    \b
    Examples:
      firetower registry create models
      firetower log acme/vision/resnet model.pt --type model
      firetower link acme/vision/resnet:v0 models/resnet --alias staging
      firetower worker
    """
    if ctx.invoked_subcommand is None:
        _open_app(ctx)


def _open_app(ctx: click.Context) -> None:
    """Open the app on a terminal; anywhere else print the help."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        click.echo(ctx.get_help())
        return
    from firetower.tui.run import run_app

    ctx.exit(run_app(ctx.find_root().obj, read_only=read_only()))


def main(arguments: list[str] | None = None) -> Any:  # noqa: ANN401 - it never returns
    """Run the command line and exit."""
    from firetower.cli.errors import run

    sys.exit(run(cli, arguments))

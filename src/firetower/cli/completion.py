"""`firetower completion`."""

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(*, shell: str) -> None:
    """Print a script that completes commands and options in a shell.

    Examples:
      eval "$(firetower completion bash)"
      firetower completion fish > ~/.config/fish/completions/firetower.fish
    """
    from click.shell_completion import get_completion_class

    make = get_completion_class(shell)
    assert make is not None
    root = click.get_current_context().find_root().command
    click.echo(make(root, {}, "firetower", "_FIRETOWER_COMPLETE").source())

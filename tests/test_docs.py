"""The generated references are up to date, and every command says what it does."""

import runpy
from pathlib import Path

import click
import pytest

from firetower.cli import cli

DOCS = Path(__file__).parents[1] / "docs"
MAKE = runpy.run_path(str(DOCS / "make.py"))
COMMANDS = {
    context.command_path: context.command
    for context in MAKE["subcommands"](click.Context(cli, info_name="firetower"))
}


@pytest.mark.parametrize("name", MAKE["PAGES"])
def test_reference_is_what_make_docs_writes(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == MAKE["PAGES"][name]()


@pytest.mark.parametrize("path", COMMANDS)
def test_command_has_help_and_an_example(path: str) -> None:
    text, examples = MAKE["help_and_examples"](COMMANDS[path])
    assert text.endswith(".")
    assert path in examples
    for option in COMMANDS[path].params:
        assert not isinstance(option, click.Option) or option.help

"""The references are up to date, the map is true, and every command says what it does."""

import re
import runpy
from pathlib import Path

import click
import pytest

import firetower
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


def test_architecture_names_what_there_is_and_every_room() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w./]+)", re.sub(r"```.*?```", "", text, flags=re.DOTALL)))
    source = Path(firetower.__file__).parent
    files = [path.relative_to(source).as_posix() for path in source.rglob("*.py")]
    modules = {one for one in named if one.endswith(".py")}
    folders = {one.removesuffix("/") for one in named if one.endswith("/")}
    ends = {f"/{file}" for file in files}
    assert {one for one in modules if not any(end.endswith(f"/{one}") for end in ends)} == set()
    assert {one for one in folders if not (source / one).is_dir()} == set()
    written = "\n".join((source / file).read_text(encoding="utf-8") for file in files)
    classes = {one.partition(".")[0] for one in named if re.match("[A-Z][a-z]", one)}
    assert {one for one in classes if f"class {one}" not in written} == set()
    rooms = {file.partition("/")[0] for file in files} - {"__init__.py", "_version.py"}
    assert rooms <= modules | folders

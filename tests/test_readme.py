"""The README names every command and every key, and shows pictures that are there."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from textual.keys import format_key

from firetower.cli import cli
from firetower.tui.actions import ACTIONS, Action

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands(group: click.Group, path: str = "") -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}".strip())
        yield f"{path} {name}".strip()


@pytest.mark.parametrize("command", list(commands(cli)))
def test_it_names_every_command(command: str) -> None:
    *group, name = command.split()
    rows = [row for row in README.splitlines() if row.startswith("| `")]
    assert any(
        re.search(rf"\b{name}\b", row) and all(word in row for word in group) for row in rows
    ), command


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_it_names_every_key(action: Action) -> None:
    shown = " ".join(
        f"`{'/' if one == 'slash' else format_key(one)}`" for one in action.keys.split(",")
    )
    assert re.search(rf"{re.escape(shown)} [^(]*\({re.escape(action.id)}\)", README), action


def test_its_pictures_are_there() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert pictures
    assert [picture for picture in pictures if not (ROOT / picture).is_file()] == []

"""`firetower alias` and `firetower tag`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import click

from firetower.cli.help import help_text
from firetower.cli.session import open_tower

if TYPE_CHECKING:
    from firetower.tower import Tower


class _Verb(NamedTuple):
    """What can be done with labels: `change(tower)(target, *labels)`."""

    name: str
    summary: str
    example: str
    change: "Callable[[Tower], Callable[..., None]]"


def _group(label: str, target: str, summary: str, *verbs: _Verb) -> click.Group:
    examples = [f"{label} {verb.name} {verb.example}" for verb in verbs]
    group = click.Group(label, help=help_text(summary, *examples))
    for verb, example in zip(verbs, examples, strict=True):
        group.add_command(_command(verb, label, target, help_text(verb.summary, example)))
    return group


def _command(verb: _Verb, label: str, target: str, text: str) -> click.Command:
    @click.command(verb.name, help=text)
    @click.argument("target", metavar=target)
    @click.argument("labels", nargs=-1, required=True, metavar=f"{label.upper()}...")
    def command(*, target: str, labels: tuple[str, ...]) -> None:
        with open_tower() as tower:
            verb.change(tower)(target, *labels)

    return command


_ALIAS = _group(
    "alias",
    "REF",
    "Let an alias name a version, or take it off.",
    _Verb(
        "add",
        "Let aliases name a version, moving those that name another one.",
        "models/resnet:v3 production",
        lambda tower: tower.add_alias,
    ),
    _Verb(
        "remove",
        "Take aliases off a version.",
        "models/resnet:v3 staging",
        lambda tower: tower.remove_alias,
    ),
)
_TAG = _group(
    "tag",
    "REF|COLLECTION",
    "Tag a version or a collection.",
    _Verb(
        "add",
        "Put tags on a version or a collection.",
        "models/resnet:v3 reviewed",
        lambda tower: tower.add_tag,
    ),
    _Verb(
        "remove",
        "Take tags off a version or a collection.",
        "models/resnet europe",
        lambda tower: tower.remove_tag,
    ),
)

COMMANDS: dict[str, click.Command] = {"alias": _ALIAS, "tag": _TAG}

"""`firetower alias` and `firetower tag`."""

from collections.abc import Sequence

import click

from firetower.cli.connect import open_tower
from firetower.cli.output import say
from firetower.core.text import and_list

_version = click.argument("version", metavar="REF")
_aliases = click.argument("aliases", nargs=-1, required=True, metavar="ALIAS...")
_target = click.argument("target", metavar="REF|COLLECTION")
_tags = click.argument("tags", nargs=-1, required=True, metavar="TAG...")


@click.group()
def alias() -> None:
    """Add and remove the aliases of a version.

    Examples:
      firetower alias add models/resnet:v3 production
      firetower alias remove models/resnet:v3 staging
    """


@alias.command("add")
@_version
@_aliases
def add_alias(*, version: str, aliases: tuple[str, ...]) -> None:
    """Add aliases to a version; an alias of another version of the collection moves.

    Examples:
      firetower alias add models/resnet:v3 production
    """
    with open_tower() as tower:
        _say_added("alias", tower.add_alias(version, *aliases), version)


@alias.command("remove")
@_version
@_aliases
def remove_alias(*, version: str, aliases: tuple[str, ...]) -> None:
    """Remove aliases from a version.

    Examples:
      firetower alias remove models/resnet:v3 staging
    """
    with open_tower() as tower:
        tower.remove_alias(version, *aliases)
    say(f"Removed {_named('alias', aliases)} from {version}.")


@click.group()
def tag() -> None:
    """Add and remove the tags of a version or a collection.

    Examples:
      firetower tag add models/resnet:v3 reviewed
      firetower tag remove models/resnet europe
    """


@tag.command("add")
@_target
@_tags
def add_tag(*, target: str, tags: tuple[str, ...]) -> None:
    """Add tags to a version or a collection.

    Examples:
      firetower tag add models/resnet:v3 reviewed
    """
    with open_tower() as tower:
        _say_added("tag", tower.add_tag(target, *tags), target)


@tag.command("remove")
@_target
@_tags
def remove_tag(*, target: str, tags: tuple[str, ...]) -> None:
    """Remove tags from a version or a collection.

    Examples:
      firetower tag remove models/resnet europe
    """
    with open_tower() as tower:
        tower.remove_tag(target, *tags)
    say(f"Removed {_named('tag', tags)} from {target}.")


def _say_added(noun: str, added: Sequence[str], target: str) -> None:
    done = (
        f"Added {_named(noun, added)} to {target}."
        if added
        else f"{target} has all of that already."
    )
    say(done)


def _named(noun: str, names: Sequence[str]) -> str:
    nouns = {"alias": "aliases", "tag": "tags"}
    return f"{noun if len(names) == 1 else nouns[noun]} {and_list(names, most=5)}"

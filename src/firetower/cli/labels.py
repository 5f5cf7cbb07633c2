"""`firetower alias` and `firetower tag`."""

import click

from firetower.cli.session import open_tower


@click.group()
def alias() -> None:
    """Let an alias name a version, or take it off.

    \b
    Examples:
      firetower alias add models/resnet:v3 production
      firetower alias remove models/resnet:v3 staging
    """


@alias.command("add")
@click.argument("version", metavar="REF")
@click.argument("aliases", nargs=-1, required=True, metavar="ALIAS...")
def alias_add(*, version: str, aliases: tuple[str, ...]) -> None:
    """Let aliases name a version, moving those that name another one.

    \b
    Examples:
      firetower alias add models/resnet:v3 production
    """
    with open_tower() as tower:
        tower.add_alias(version, *aliases)


@alias.command("remove")
@click.argument("version", metavar="REF")
@click.argument("aliases", nargs=-1, required=True, metavar="ALIAS...")
def alias_remove(*, version: str, aliases: tuple[str, ...]) -> None:
    """Take aliases off a version.

    \b
    Examples:
      firetower alias remove models/resnet:v3 staging
    """
    with open_tower() as tower:
        tower.remove_alias(version, *aliases)


@click.group()
def tag() -> None:
    """Tag a version or a collection.

    \b
    Examples:
      firetower tag add models/resnet:v3 reviewed
      firetower tag remove models/resnet europe
    """


@tag.command("add")
@click.argument("target", metavar="REF|COLLECTION")
@click.argument("labels", nargs=-1, required=True, metavar="TAG...")
def tag_add(*, target: str, labels: tuple[str, ...]) -> None:
    """Put tags on a version or a collection.

    \b
    Examples:
      firetower tag add models/resnet:v3 reviewed
    """
    with open_tower() as tower:
        tower.add_tag(target, *labels)


@tag.command("remove")
@click.argument("target", metavar="REF|COLLECTION")
@click.argument("labels", nargs=-1, required=True, metavar="TAG...")
def tag_remove(*, target: str, labels: tuple[str, ...]) -> None:
    """Take tags off a version or a collection.

    \b
    Examples:
      firetower tag remove models/resnet europe
    """
    with open_tower() as tower:
        tower.remove_tag(target, *labels)


COMMANDS: dict[str, click.Command] = {"alias": alias, "tag": tag}

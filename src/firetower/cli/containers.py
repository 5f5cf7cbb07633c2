"""`firetower registry` and `firetower project`: the two kinds of containers."""

import click

from firetower.cli.connect import open_tower
from firetower.cli.options import group_name, json_option
from firetower.cli.output import date, print_fields, print_json, print_rows, say
from firetower.core.references import ContainerKind, ContainerReference

_name = click.argument("name", metavar="NAME")


@click.group()
def registry() -> None:
    """Create, list and show registries.

    Examples:
      firetower registry create models
      firetower registry show models
    """


@click.group()
def project() -> None:
    """Create, list and show projects, which are named ENTITY/PROJECT.

    Examples:
      firetower project create acme/vision
      firetower project show acme/vision
    """


@click.command()
@_name
@click.option("--description", metavar="TEXT", help="Note for people.")
def create(*, name: str, description: str | None) -> None:
    """Create a registry or a project.

    Examples:
      firetower registry create models --description 'For production'
      firetower project create acme/vision
    """
    kind = ContainerKind(group_name())
    with open_tower() as tower:
        if kind is ContainerKind.REGISTRY:
            tower.create_registry(name, description or "")
        else:
            tower.create_project(name, description or "")
    say(f"Created {kind} {name}.")


@click.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List the registries or the projects.

    Examples:
      firetower registry list
      firetower project list --json
    """
    kind = ContainerKind(group_name())
    with open_tower() as tower:
        found = tower.registries() if kind is ContainerKind.REGISTRY else tower.projects()
    if as_json:
        print_json(*(one.as_data() for one in found))
        return
    print_rows(
        (kind.value, "collections", "versions", "automations", "description"),
        [
            (one.reference, one.collections, one.versions, one.automations, one.description)
            for one in found
        ],
        f"None yet: create one with `firetower {kind} create`.",
    )


@click.command()
@_name
@json_option
def show(*, name: str, as_json: bool) -> None:
    """Show a registry or a project with its collections.

    Examples:
      firetower registry show models
      firetower project show acme/vision --json
    """
    kind = ContainerKind(group_name())
    is_registry = kind is ContainerKind.REGISTRY
    parse = ContainerReference.registry if is_registry else ContainerReference.project
    with open_tower() as tower:
        container, collections = tower.container(parse(name))
    if as_json:
        contents = [collection.as_data() for collection in collections]
        print_json({**container.as_data(), "contents": contents})
        return
    print_fields(
        [
            (kind.value, container.reference),
            ("description", container.description),
            ("author", container.author),
            ("created", date(container.created_at)),
            ("automations", container.automations),
        ]
    )
    click.echo()
    print_rows(
        ("collection", "type", "versions", "tags"),
        [(one.reference, one.type, one.versions, ", ".join(one.tags)) for one in collections],
        "No collections yet.",
    )


for _command in (create, list_, show):
    registry.add_command(_command)
    project.add_command(_command)

"""`firetower registry` and `firetower project`."""

from collections.abc import Sequence

import click

from firetower.cli.connect import open_tower
from firetower.cli.options import json_option
from firetower.cli.output import date, print_fields, print_json, print_rows, say
from firetower.core.catalog import Container
from firetower.core.references import ContainerReference

_registry = click.argument("name", metavar="NAME")
_project = click.argument("name", metavar="ENTITY/PROJECT")
_description = click.option("--description", default="", metavar="TEXT", help="Note for people.")


@click.group()
def registry() -> None:
    """Create, list and show registries.

    \b
    Examples:
      firetower registry create models
      firetower registry show models
    """


@registry.command("create")
@_registry
@_description
def create_registry(*, name: str, description: str) -> None:
    """Create a registry.

    \b
    Examples:
      firetower registry create models --description 'For production'
    """
    with open_tower() as tower:
        tower.create_registry(name, description)
    say(f"Created registry {name}.")


@registry.command("list")
@json_option
def list_registries(*, as_json: bool) -> None:
    """List the registries.

    \b
    Examples:
      firetower registry list
      firetower registry list --json
    """
    with open_tower() as tower:
        found = tower.registries()
    empty = "No registries yet: create one with `firetower registry create`."
    _print_containers("registry", found, empty, as_json=as_json)


@registry.command("show")
@_registry
@json_option
def show_registry(*, name: str, as_json: bool) -> None:
    """Show a registry with its collections.

    \b
    Examples:
      firetower registry show models
    """
    _show(ContainerReference.registry(name), as_json=as_json)


@click.group()
def project() -> None:
    """Create, list and show projects.

    \b
    Examples:
      firetower project create acme/vision
      firetower project show acme/vision
    """


@project.command("create")
@_project
@_description
def create_project(*, name: str, description: str) -> None:
    """Create a project; logging a version into a new one creates it too.

    \b
    Examples:
      firetower project create acme/vision --description 'Image models'
    """
    with open_tower() as tower:
        tower.create_project(name, description)
    say(f"Created project {name}.")


@project.command("list")
@json_option
def list_projects(*, as_json: bool) -> None:
    """List the projects.

    \b
    Examples:
      firetower project list
      firetower project list --json
    """
    with open_tower() as tower:
        found = tower.projects()
    empty = "No projects yet: create one with `firetower project create`."
    _print_containers("project", found, empty, as_json=as_json)


@project.command("show")
@_project
@json_option
def show_project(*, name: str, as_json: bool) -> None:
    """Show a project with its collections.

    \b
    Examples:
      firetower project show acme/vision
    """
    _show(ContainerReference.project(name), as_json=as_json)


def _print_containers(kind: str, found: Sequence[Container], empty: str, *, as_json: bool) -> None:
    if as_json:
        for one in found:
            print_json(one.as_data())
        return
    print_rows(
        (kind, "collections", "versions", "automations", "description"),
        [
            (one.reference, one.collections, one.versions, one.automations, one.description)
            for one in found
        ],
        empty,
    )


def _show(reference: ContainerReference, *, as_json: bool) -> None:
    with open_tower() as tower:
        container, collections = tower.container(reference)
    if as_json:
        contents = [collection.as_data() for collection in collections]
        print_json({**container.as_data(), "contents": contents})
        return
    print_fields(
        [
            (reference.kind.value, container.reference),
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

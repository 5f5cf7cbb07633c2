"""`firetower registry` and `firetower project`: the same commands for both."""

import click

from firetower.cli.output import date, json_option, print_fields, print_json, print_rows, say
from firetower.cli.session import open_tower
from firetower.core.catalog import Collection, Container
from firetower.core.references import ContainerKind, ContainerReference


def _group(kind: ContainerKind, metavar: str, example: str) -> click.Group:
    """Return the commands for a kind of container."""
    plural = "registries" if kind is ContainerKind.REGISTRY else "projects"
    name = click.argument("name", metavar=metavar)

    def examples(*lines: str) -> str:
        return "\n\n\b\nExamples:\n" + "\n".join(f"  firetower {kind} {line}" for line in lines)

    @click.group(
        kind.value,
        help=f"Make, list and show {plural}." + examples(f"create {example}", f"show {example}"),
    )
    def group() -> None:
        pass

    @group.command(help=f"Make a {kind}." + examples(f"create {example} --description 'For prod'"))
    @name
    @click.option("--description", default="", metavar="TEXT")
    def create(*, name: str, description: str) -> None:
        with open_tower() as tower:
            if kind is ContainerKind.REGISTRY:
                tower.create_registry(name, description)
            else:
                tower.create_project(name, description)
        say(f"Made {kind} {name}.")

    @group.command("list", help=f"List all {plural}." + examples("list", "list --json"))
    @json_option
    def list_(*, as_json: bool) -> None:
        with open_tower() as tower:
            found = tower.registries() if kind is ContainerKind.REGISTRY else tower.projects()
        if as_json:
            for container in found:
                print_json(container.as_data())
            return
        print_rows(
            (kind.value, "collections", "versions", "automations", "description"),
            [
                (one.reference, one.collections, one.versions, one.automations, one.description)
                for one in found
            ],
            f"No {plural} yet: make one with `firetower {kind} create`.",
        )

    @group.command(help=f"Show a {kind} with its collections." + examples(f"show {example}"))
    @name
    @json_option
    def show(*, name: str, as_json: bool) -> None:
        make = (
            ContainerReference.registry
            if kind is ContainerKind.REGISTRY
            else ContainerReference.project
        )
        with open_tower() as tower:
            container, collections = tower.container(make(name))
        if as_json:
            contents = [collection.as_data() for collection in collections]
            print_json({**container.as_data(), "contents": contents})
        else:
            _print_container(container, collections)

    return group


def _print_container(container: Container, collections: list[Collection]) -> None:
    print_fields(
        [
            (container.reference.kind.value, container.reference),
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


COMMANDS: dict[str, click.Command] = {
    "registry": _group(ContainerKind.REGISTRY, "NAME", "models"),
    "project": _group(ContainerKind.PROJECT, "ENTITY/PROJECT", "acme/vision"),
}

"""The list of registries or projects, with what covers several of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from firetower.core.catalog import Container
from firetower.core.references import ContainerKind, ContainerReference
from firetower.tui.breadcrumbs import container_label
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.table import Cell, Column, Row, Table

if TYPE_CHECKING:
    from firetower.tower import Tower

COLUMNS = (Column("", 10, flex=1), Column("", right=True))


def read_containers(tower: Tower, kind: ContainerKind) -> list[Container]:
    """Return the registries or projects, each entity before its projects, the organization first.

    Without any, and without an automation that waits for one, the list is empty.
    """
    organization = tower.container(ContainerReference.organization())[0]
    if kind is ContainerKind.REGISTRY:
        found = tower.registries()
    else:
        found = sorted([*tower.entities(), *tower.projects()], key=_by_entity)
    return [organization, *found] if found or organization.automations else []


def _by_entity(container: Container) -> tuple[str, str]:
    reference = container.reference
    return (reference.entity, reference.name) if reference.entity else (reference.name, "")


def _container_row(container: Container) -> Row:
    name = container_label(container.reference)
    number = f"{container.automations:,}" if container.automations else "–"
    return Row(container.reference, (Cell(name), Cell(number, "dim")))


class Containers(Listing):
    """The list, with the number of automations that each holds itself."""

    def __init__(self, *, empty: str) -> None:
        super().__init__(Table(COLUMNS, header=False, one_click=True), empty=empty, id="containers")

    def show(self, containers: Sequence[Container]) -> None:
        self.set_rows([_container_row(one) for one in containers])

    @property
    def chosen(self) -> ContainerReference | None:
        """The one under the cursor."""
        key = self.table.key
        return key if isinstance(key, ContainerReference) else None

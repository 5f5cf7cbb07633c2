"""What the screens of registries and projects show, read without importing a screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from firetower.core.automations import Automation
from firetower.core.catalog import Collection, Container
from firetower.core.endpoints import EndpointDetail
from firetower.core.references import ContainerKind, ContainerReference
from firetower.core.runs import RunList
from firetower.core.statistics import RecentFirings

if TYPE_CHECKING:
    from firetower.tower import Tower

FIRST = 50
"""Automations and firings shown before all are read, which takes 0.2 s for ten thousand."""
FEW = 200
"""Automations whose firings are read one by one."""


@dataclass(frozen=True, slots=True)
class ListedAutomations:
    """Automations, with what a list shows of each."""

    automations: Sequence[Automation] = ()
    stopped: Mapping[str, EndpointDetail] = field(default_factory=dict)
    """The endpoints that are not ok, by name."""
    recent: Mapping[int, RecentFirings] = field(default_factory=dict)
    """What the automations did in 24 hours, by their ids."""


def list_automations(
    tower: Tower, container: ContainerReference | None, limit: int | None
) -> ListedAutomations:
    """Read the automations of a container or of all, or the first `limit` of them."""
    listed = tower.automations.list(container, limit=limit)
    stopped = {one.endpoint.name: one for one in tower.endpoints.stopped()}
    few = len(listed) <= FEW
    recent = tower.automations.recent([one.id for one in listed] if few else None)
    return ListedAutomations(listed, stopped, recent)


@dataclass(slots=True)
class ContainerView:
    """What a registry or project screen shows, read at once."""

    containers: Sequence[Container]
    open: Container | None = None
    collections: Sequence[Collection] = ()
    automations: ListedAutomations = field(default_factory=ListedAutomations)
    runs: RunList | None = None
    """The runs if their tab is open; of another tab only how many there are."""


def read_container(
    tower: Tower,
    kind: ContainerKind,
    reference: ContainerReference | None,
    tab: str,
    limit: int | None,
    *,
    metric: str = "",
) -> ContainerView:
    """Read the containers, and one tab of the open one: `limit` rows of it, or None for all.

    Without `reference` the busiest is opened. Of its runs, `metric` is shown first.
    """
    containers = read_containers(tower, kind)
    if reference is None and containers:
        busiest = max(containers, key=lambda one: (one.reference.kind is kind, one.automations))
        reference = busiest.reference
    found = next((one for one in containers if one.reference == reference), None)
    if found is None or reference is None:
        return ContainerView(containers)
    view = ContainerView(containers, found)
    match tab:
        case "runs":
            chosen = [metric] if metric else []
            view.runs = tower.runs.listing(reference, limit=limit, metrics=chosen)
        case "collections":
            view.collections = tower.container(reference)[1]
        case "automations":
            view.automations = list_automations(tower, reference, limit)
    if view.runs is None and kind is ContainerKind.PROJECT:
        view.runs = RunList(total=tower.runs.count(reference))
    return view


def read_containers(tower: Tower, kind: ContainerKind) -> list[Container]:
    """Return the registries or projects, each entity before its projects, the organization first.

    Without any, and without an automation that waits for one, the list is empty.
    """
    organization = tower.organization()
    if kind is ContainerKind.REGISTRY:
        found = tower.registries()
    else:
        found = sorted([*tower.entities(), *tower.projects()], key=_by_entity)
    return [organization, *found] if found or organization.automations else []


def _by_entity(container: Container) -> tuple[str, str]:
    reference = container.reference
    return (reference.entity, reference.name) if reference.entity else (reference.name, "")


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """Which of the steps are done."""

    created: bool
    logged: bool
    automated: bool


def read_first_steps(tower: Tower) -> FirstSteps | None:
    """Return which steps are done; None once something has fired."""
    if tower.executions.newest(1):
        return None
    projects = tower.projects()
    return FirstSteps(
        created=bool(projects),
        logged=any(one.versions for one in projects),
        automated=bool(tower.automations.list(limit=1)),
    )

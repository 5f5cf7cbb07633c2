"""The steps to a first firing, ticked as they are done, in place of a feed with nothing in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from firetower.core.references import ContainerKind
from firetower.tui.actions import BY_ID
from firetower.tui.text import show_text

if TYPE_CHECKING:
    from firetower.tower import Tower


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
    containers = [*tower.projects(), *tower.registries()]
    return FirstSteps(
        created=bool(containers),
        logged=any(one.versions for one in containers),
        automated=bool(tower.automations.list(limit=1)),
    )


class FirstStepsPanel(Static):
    """Says what to do next, and what has been done."""

    def show(self, steps: FirstSteps, kind: ContainerKind) -> None:
        """Show them on the screen of registries or of projects."""
        show_text(self, Content("\n").join(_lines(steps, kind)))


def _lines(steps: FirstSteps, kind: ContainerKind) -> Iterator[Content]:
    create, new, automate = map(
        _key, ("container.create", "collections.new", "collections.automate")
    )
    there = f"{_key('app.project')} shows the projects, "
    parts = (
        (
            steps.created,
            "Create a project",
            f"{there if kind is ContainerKind.REGISTRY else ''}{create} creates one",
            "or connect to your team's: firetower --database URL",
        ),
        (
            steps.logged,
            "Log a version",
            f"{new} in the project's Artifacts tab",
            "or in a shell: firetower log acme/vision/resnet model.pt --type model",
        ),
        (steps.automated, "Automate it", f"{automate} on what you logged", ""),
    )
    yield Content.from_markup(
        "[$muted]Nothing has fired yet. Three steps to a first firing, or[/] [b]$key[/]"
        " [$muted]for the demo:[/]",
        key=_key("container.demo"),
    )
    ahead = False
    for number, (is_done, name, *how) in enumerate(parts, 1):
        if is_done:
            yield Content.assemble(("✓ ", "$success"), f"{number}  {name}")
        elif ahead:
            yield Content.styled(f"◌ {number}  {name}", "$muted")
        else:
            yield Content.assemble(("▸ ", "$accent"), (f"{number}  {name}", "bold"))
            yield from (Content(f"     {line}") for line in how if line)
            ahead = True
    if not ahead:
        yield Content(f"     It watches from now on: {new} in Artifacts logs another version.")


def _key(action: str) -> str:
    return BY_ID[action].keys.partition(",")[0]

"""The steps to a first firing, ticked as they are done, in place of a feed with nothing in it."""

from collections.abc import Callable, Iterator
from functools import partial

from textual.content import Content
from textual.widgets import Static

from firetower.core.references import ContainerKind
from firetower.tui.container_view import FirstSteps
from firetower.tui.session import key_of
from firetower.tui.text import show_text


class FirstStepsPanel(Static):
    """Says what to do next, and what has been done."""

    def show(self, steps: FirstSteps, kind: ContainerKind) -> None:
        """Show them on the screen of registries or of projects."""
        lines = _lines(steps, kind, partial(key_of, self))
        show_text(self, Content("\n").join(lines))


def _lines(steps: FirstSteps, kind: ContainerKind, key: Callable[[str], str]) -> Iterator[Content]:
    create, new, automate = map(
        key, ("container.create", "collections.new", "collections.automate")
    )
    there = f"{key('app.project')} shows the projects, "
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
    if all(is_done for is_done, *_ in parts):
        yield Content(f"Nothing has fired yet. {new} in Artifacts logs another version.")
    else:
        said = "Nothing has fired yet. Three steps to a first firing, or $demo for the demo:"
        yield Content.from_markup(f"[$muted]{said}[/]", demo=key("container.demo"))
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

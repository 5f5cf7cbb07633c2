"""The command palette: every action that is possible here, and every registry and project."""

from collections.abc import Callable, Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from firetower.core.errors import FiretowerError
from firetower.core.text import visible
from firetower.tui.actions import BY_ID
from firetower.tui.messages import OpenContainer
from firetower.tui.screens.help import active_keys, by_name, shown_key
from firetower.tui.session import session_of
from firetower.tui.themes import NAMES

Command = tuple[str, str, Callable[[], object]]
"""What it is called, what it does, and doing it."""


class ActionCommands(Provider):
    """The keys that work here, by their names, and the themes."""

    def _commands(self) -> Iterator[Command]:
        active = active_keys(self.screen)
        nodes = {one.binding: one.node for one in active}
        for name, bindings in by_name(active).items():
            first = bindings[0]
            action = BY_ID.get(first.id or "")
            if action is not None and action.in_palette:
                run = partial(self.app.run_action, first.action, default_namespace=nodes[first])
                yield name, f"key {shown_key(first)}", run
        for name, theme in NAMES.items():
            yield (
                f"Theme: {name}",
                "until you quit; the config file keeps it",
                partial(setattr, self.app, "theme", theme),
            )

    async def discover(self) -> Hits:
        """Yield all of them before anything is typed."""
        for name, said, run in self._commands():
            yield DiscoveryHit(name, run, help=said)

    async def search(self, query: str) -> Hits:
        """Yield those whose names match."""
        matcher = self.matcher(query)
        for name, said, run in self._commands():
            if score := matcher.match(name):
                yield Hit(score, matcher.highlight(name), run, text=name, help=said)


class ContainerCommands(Provider):
    """Every registry and project, by name."""

    async def startup(self) -> None:
        """Read their names."""
        try:
            found = await session_of(self.app).ask(
                lambda tower: [*tower.registries(), *tower.projects()]
            )
        except FiretowerError:
            found = []
        self._found = [container.reference for container in found]

    async def search(self, query: str) -> Hits:
        """Yield those whose names match."""
        matcher = self.matcher(query)
        for reference in self._found:
            name = visible(str(reference))
            if score := matcher.match(name):
                go = partial(self.app.post_message, OpenContainer(reference))
                said = f"open the {reference.kind}"
                yield Hit(score, Content(name), go, text=name, help=said)

"""What can be done here: the help, and the command palette."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.containers import VerticalScroll
from textual.content import Content
from textual.keys import format_key
from textual.screen import Screen
from textual.widgets import Static

from firetower.core.errors import FiretowerError
from firetower.core.text import visible
from firetower.tui.actions import BY_ID, bindings_of
from firetower.tui.messages import OpenContainer
from firetower.tui.page import Dialog
from firetower.tui.session import session_of
from firetower.tui.text import plain
from firetower.tui.themes import NAMES

_GENERAL = (
    "A version is logged in a project and linked to a registry. An automation watches a registry "
    "or a project for one event and acts on it: it calls a webhook, posts to Slack, or only "
    "records. The feed shows each firing, and enter on a line shows all of it. An alias belongs to "
    "a collection: production on a project's version is no event in the registry that the version "
    "is linked to."
)


class HelpScreen(Dialog[None]):
    """The keys that work on the screen where help was asked for."""

    BINDINGS: ClassVar = bindings_of("help")

    def __init__(self, screen: Screen[object]) -> None:
        super().__init__()
        self._active = _active_keys(screen)

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog help"):
            yield Static("What can be done here", classes="dialog--title")
            yield Static(Content("\n").join(self._lines()), classes="help--keys")
            yield Static(plain(_GENERAL), classes="dialog--detail")

    def _lines(self) -> Iterator[Content]:
        for name, bindings in _by_name(self._active).items():
            keys = " ".join(_shown_key(binding) for binding in bindings)
            yield Content.assemble((f"{keys:>16}  ", "bold $accent"), plain(name))


def _by_name(active: Sequence[ActiveBinding]) -> dict[str, list[Binding]]:
    """Return the bindings by what they do, those of the key line first."""
    found: dict[str, list[Binding]] = {}
    for binding in sorted((one.binding for one in active), key=lambda one: not one.show):
        name = binding.tooltip or binding.description
        if name and not binding.system and not name.startswith(("Scroll", "Page ")):
            found.setdefault(name, []).append(binding)
    return found


def _shown_key(binding: Binding) -> str:
    return binding.key_display or format_key(binding.key)


def _active_keys(screen: Screen[object]) -> list[ActiveBinding]:
    """Return the bindings that do something now, those of the focused widget first."""
    return [active for active in screen.active_bindings.values() if active.enabled]


Command = tuple[str, str, Callable[[], object]]
"""What it is called, what it does, and doing it."""


class ActionCommands(Provider):
    """The keys that work here, by their names, and the themes."""

    def _commands(self) -> Iterator[Command]:
        active = _active_keys(self.screen)
        nodes = {one.binding: one.node for one in active}
        for name, bindings in _by_name(active).items():
            first = bindings[0]
            action = BY_ID.get(first.id or "")
            if action is not None and action.in_palette:
                run = partial(self.app.run_action, first.action, default_namespace=nodes[first])
                yield name, f"key {_shown_key(first)}", run
        for name, theme in NAMES.items():
            yield (
                f"Theme: {name}",
                "until you quit; the config file keeps it",
                partial(setattr, self.app, "theme", theme),
            )

    async def discover(self) -> Hits:
        for name, said, run in self._commands():
            yield DiscoveryHit(name, run, help=said)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, said, run in self._commands():
            if score := matcher.match(name):
                yield Hit(score, matcher.highlight(name), run, text=name, help=said)


class ContainerCommands(Provider):
    """Every registry and project, by name."""

    async def startup(self) -> None:
        try:
            found = await session_of(self.app).ask(
                lambda tower: [*tower.registries(), *tower.projects()]
            )
        except FiretowerError:
            found = []
        self._found = [container.reference for container in found]

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for reference in self._found:
            name = visible(str(reference))
            if score := matcher.match(name):
                go = partial(self.app.post_message, OpenContainer(reference))
                said = f"open the {reference.kind}"
                yield Hit(score, Content(name), go, text=name, help=said)

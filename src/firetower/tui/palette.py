"""What can be done here: the help, and the command palette, which finds all that has a name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.containers import VerticalScroll
from textual.content import Content
from textual.keys import format_key
from textual.screen import Screen
from textual.widgets import Static

from firetower.core.catalog import Found, FoundKind
from firetower.core.errors import FiretowerError
from firetower.core.references import ContainerKind, ContainerReference
from firetower.core.text import visible
from firetower.tui.actions import BY_ID, bindings_of
from firetower.tui.messages import (
    AppRequest,
    OpenAutomation,
    OpenCollection,
    OpenContainer,
    OpenEndpoint,
    OpenExecution,
    OpenRun,
    OpenVersion,
    post,
)
from firetower.tui.page import Dialog
from firetower.tui.session import session_of
from firetower.tui.text import plain
from firetower.tui.themes import NAMES

if TYPE_CHECKING:
    from textual.screen import Screen

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
        self._active = active_keys(screen)

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog help"):
            yield Static("What can be done here", classes="dialog--title")
            yield Static(Content("\n").join(self._lines()), classes="help--keys")
            yield Static(plain(_GENERAL), classes="dialog--detail")

    def _lines(self) -> Iterator[Content]:
        for name, bindings in by_name(self._active).items():
            keys = " ".join(shown_key(binding) for binding in bindings)
            yield Content.assemble((f"{keys:>16}  ", "bold $accent"), plain(name))


def by_name(active: Sequence[ActiveBinding]) -> dict[str, list[Binding]]:
    """Return the bindings by what they do, those of the key line first."""
    found: dict[str, list[Binding]] = {}
    for binding in sorted((one.binding for one in active), key=lambda one: not one.show):
        name = binding.tooltip or binding.description
        if name and not binding.system and not name.startswith(("Scroll", "Page ")):
            found.setdefault(name, []).append(binding)
    return found


def shown_key(binding: Binding) -> str:
    """Return a key as help and palette show it."""
    return binding.key_display or format_key(binding.key)


def active_keys(screen: Screen[object]) -> list[ActiveBinding]:
    """Return the bindings that do something now, those of the focused widget first."""
    return [active for active in screen.active_bindings.values() if active.enabled]


_WITHIN_A_WORD = 5.0
"""The most that an action scores of which no word begins with what was typed."""
DEBOUNCE = 0.05
"""Seconds after a letter until the database is searched: the next letter may be near."""

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
                yield name, shown_key(first), run
        for name, theme in NAMES.items():
            yield (
                f"Theme: {name}",
                "until you quit; the config file keeps it",
                partial(setattr, self.app, "theme", theme),
            )

    async def discover(self) -> Hits:
        for name, said, run in self._commands():
            yield DiscoveryHit(_line(name, said), run, name)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, said, run in self._commands():
            if score := matcher.match(name):
                yield Hit(_action_score(score, name, query), _line(name, said), run, name)


class NamedCommands(Provider):
    """Automations, endpoints, registries, projects, collections, versions, executions and runs."""

    async def search(self, query: str) -> Hits:
        await asyncio.sleep(DEBOUNCE)
        try:
            found = await session_of(self.app).ask(lambda tower: tower.search(query))
        except FiretowerError:
            return
        words = query.lower().split()
        for one in found:
            label, kind = visible(one.label), _kind(one)
            go = partial(post, self.screen, _request(one))
            yield Hit(_score(label, words), _line(label, f"{kind} {one.note}"), go, label)


def _line(name: str, said: str) -> Content:
    return Content.assemble(plain(name), "  ", plain(said.rstrip()).stylize("dim not bold"))


def _kind(found: Found) -> str:
    if found.kind is FoundKind.CONTAINER and found.container is not None:
        return f"open the {found.container}"
    return str(found.kind)


def _action_score(score: float, name: str, query: str) -> float:
    """Return Textual's score of an action; less than a name's where no word of it begins so.

    Textual gives the beginning of a word 6 and more, and three letters within one 9.
    """
    begins_a_word = f" {query.lower()}" in f" {name.lower()}"
    return score if begins_a_word else min(score, _WITHIN_A_WORD)


def _score(label: str, words: list[str]) -> float:
    """Return how near a name is to what was typed; a whole name comes before all."""
    typed = " ".join(words)
    if label.lower() == typed:
        return 100
    return (8 if label.lower().startswith(typed) else 6) + min(len(typed) / len(label), 1)


_BY_NAME: Mapping[FoundKind, Callable[[str], AppRequest]] = {
    FoundKind.AUTOMATION: OpenAutomation,
    FoundKind.ENDPOINT: OpenEndpoint,
    FoundKind.COLLECTION: OpenCollection,
    FoundKind.VERSION: OpenVersion,
    FoundKind.RUN: OpenRun,
}


def _request(found: Found) -> AppRequest:
    match found.kind:
        case FoundKind.CONTAINER:
            kind = found.container or ContainerKind.REGISTRY
            return OpenContainer(ContainerReference.named(kind, found.name))
        case FoundKind.EXECUTION:
            return OpenExecution(int(found.name))
        case named:
            return _BY_NAME[named](found.name)

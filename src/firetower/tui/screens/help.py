"""What can be done here."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.keys import format_key
from textual.screen import Screen
from textual.widgets import Static

from firetower.tui.actions import bindings_of
from firetower.tui.page import Dialog
from firetower.tui.text import plain

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
    """Return a key as the key line shows it."""
    return binding.key_display or format_key(binding.key)


def active_keys(screen: Screen[object]) -> list[ActiveBinding]:
    """Return the bindings that do something now, those of the focused widget first."""
    return [active for active in screen.active_bindings.values() if active.enabled]

"""The guided tour: from opening a registry to seeing one's own automation fire."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from textual import events
from textual.app import App
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from firetower.core.executions import Execution
from firetower.core.text import visible
from firetower.tui.actions import BY_ID
from firetower.tui.form.screen import FormScreen
from firetower.tui.screens.collection import CollectionScreen
from firetower.tui.screens.container import ContainerScreen
from firetower.tui.screens.execution import ExecutionScreen
from firetower.tui.screens.feed import FeedScreen
from firetower.tui.text import show_text

_POLL_INTERVAL = 0.3
"""Seconds between two checks whether a step is done."""


Advice: TypeAlias = tuple[str, ...]
"""What to do next on a screen: a text, and the actions whose keys stand in it as `{0}`, `{1}`."""
Advise: TypeAlias = Callable[["Tour", Screen[Any]], Advice]
Done: TypeAlias = Callable[["Tour", Screen[Any]], bool]


def _quoted(name: str) -> str:
    return visible(name).replace("{", "{{").replace("}", "}}")


def _has_opened(tour: Tour, screen: Screen[Any]) -> bool:
    opened = isinstance(screen, ContainerScreen) and screen.is_open
    return opened or _has_begun(tour, screen)  # a quick user was there between two checks


def _has_begun(tour: Tour, screen: Screen[Any]) -> bool:
    return isinstance(screen, FormScreen) or tour.created is not None


def _back(screen: Screen[Any]) -> Advice:
    """Return how to come back to a registry."""
    if isinstance(screen, (FormScreen, ModalScreen)):
        return ("Close this first.",)
    return "{0} leads back to the registries.", "app.registry"


def _open(_: Tour, screen: Screen[Any]) -> Advice:
    if not isinstance(screen, ContainerScreen):
        return _back(screen)
    begin = "A simulated ML team works in here; nothing leaves this machine. "
    name = screen.containers.table.key
    if name is None:
        return (f"{begin}Its registries come in a moment.",)
    return f"{begin}{{0}} opens {_quoted(str(name))}.", "table.open"


def _new(tour: Tour, screen: Screen[Any]) -> Advice:
    if not isinstance(screen, ContainerScreen):
        return _back(screen)
    if not screen.is_open:
        return _open(tour, screen)
    if screen.tab == "automations":
        rows = "Each row is an automation: where it watches, for what, and what it does. "
        return f"{rows}{{0}} begins your own.", "automations.new"
    step = "previous" if screen.tab == "history" else "next"
    return "{0} leads to the automations.", f"container.{step}-tab"


def _save(tour: Tour, screen: Screen[Any]) -> Advice:
    if not isinstance(screen, FormScreen):
        return _new(tour, screen)
    said = (
        "The preview says what it will do. To see it fire soon, let it record only: go to "
        "Action with tab, and choose that. Then {0} saves."
    )
    return said, "form.save"


def _wait(tour: Tour, screen: Screen[Any]) -> Advice:
    name = _quoted(tour.created or "")
    if isinstance(screen, CollectionScreen):
        if screen.chosen is None:
            return (f"{name} waits for an alias. The versions come in a moment.",)
        said = f"{{0}} gives this version an alias: {name} waits for one."
        return said, "collection.add-alias"
    if not isinstance(screen, ContainerScreen):
        return _back(screen)
    waits = f"{name} watches from now on. The team moves an alias every few seconds: wait"
    if not screen.is_open:
        return f"{waits}, or open a registry with {{0}}.", "table.open"
    if screen.tab == "collections":
        return f"{name} waits for an alias: {{0}} opens a collection.", "table.open"
    own = f"{waits}, or do it yourself: {{0}} leads to the collections."
    return own, "container.previous-tab"


def _look(tour: Tour, screen: Screen[Any]) -> Advice:
    name = _quoted(tour.created or "")
    if isinstance(screen, FeedScreen):
        if screen.feed.feed.key == tour.own:
            said = f"The marked line is {name}'s. {{0}} shows why it fired and what became of it."
            return said, "table.open"
        return (f"{name} has fired: look for its name, and open its line.",)
    if isinstance(screen, (FormScreen, ModalScreen)):
        return (f"{name} has fired. Close this first.",)
    return f"{name} has fired. {{0}} shows the whole feed, with its line marked.", "app.feed"


def _is_looked_at(tour: Tour, screen: Screen[Any]) -> bool:
    return isinstance(screen, ExecutionScreen) and screen.execution_id in tour.fired


def _leave(_: Tour, screen: Screen[Any]) -> Advice:
    if isinstance(screen, FormScreen):
        return ("That is all.",)
    said = (
        "That is all. {0} leads to the projects: in the Runs tab of acme/vision "
        "runs train while you watch. {1} shows the keys of any place, {2} finds anything."
    )
    return said, "app.project", "app.help", "app.find"


STEPS: Sequence[tuple[Advise, Done]] = (
    (_open, _has_opened),
    (_new, _has_begun),
    (_save, lambda tour, _: tour.created is not None),
    (_wait, lambda tour, _: tour.own is not None),
    (_look, _is_looked_at),
    (_leave, lambda *_: False),
)
"""What to do in each step, and whether it is done."""


class TourPanel(Static):
    """Says what to do next; a click or the key 0 ends the tour."""

    def on_mount(self) -> None:
        self.screen.add_class("-tour")

    def on_unmount(self) -> None:
        self.screen.remove_class("-tour")

    def say(self, text: str) -> None:
        markup = "[b $accent]Tour[/] $text  [dim]0 ends it[/]"
        show_text(self, Content.from_markup(markup, text=text))

    async def on_click(self, event: events.Click) -> None:
        event.stop()
        await self.run_action("app.end_tour")


class Tour:
    """Shows one step at a time on whichever screen is open, until it is ended."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self.step = 0
        self.created: str | None = None
        """The automation that was created on the tour."""
        self._executions: dict[str, set[int]] = {}
        """What each automation has fired since the tour began."""
        self.named: list[str] = []
        """The actions whose keys the step names now."""
        self._marked = False
        self._panels: list[TourPanel] = []
        self._timer = app.set_interval(_POLL_INTERVAL, self.check)

    def note_fired(self, executions: Sequence[Execution]) -> None:
        """Note what automations have fired: the user's own may come before its name does."""
        for one in executions:
            self._executions.setdefault(one.automation, set()).add(one.id)

    @property
    def fired(self) -> set[int]:
        """The executions of the user's own automation."""
        return self._executions.get(self.created or "", set())

    @property
    def own(self) -> int | None:
        """The newest of them."""
        return max(self.fired, default=None)

    def check(self) -> None:
        """Go on if the step is done, and show the step on the open screen."""
        if not self._app.screen_stack:  # the app is ending
            return
        screen = self._app.screen
        while STEPS[self.step][1](self, screen):
            self.step += 1
        if isinstance(screen, FeedScreen) and self.own is not None and not self._marked:
            self._marked = screen.feed.feed.move_to(self.own)
        said, *self.named = STEPS[self.step][0](self, screen)
        keys = (self._key(screen, action) for action in self.named)
        text = f"{self.step + 1}/{len(STEPS)}  {said.format(*keys)}"
        panel = next(iter(screen.query(TourPanel)), None)
        if panel is None and not screen.is_modal:
            panel = TourPanel()
            self._panels.append(panel)
            screen.mount(panel)
        if panel is not None:
            panel.say(text)

    def _key(self, screen: Screen[Any], action: str) -> str:
        """Return the key of an action as it is shown, changed by the user's config or not."""
        for _, binding, enabled, _ in screen.active_bindings.values():
            if binding.id == action and enabled:
                return self._app.get_key_display(binding).replace("⏎", "enter")
        return BY_ID[action].keys.partition(",")[0]

    def end(self) -> None:
        """Remove the steps, from the screens of the other modes too."""
        self._timer.stop()
        for panel in self._panels:
            if panel.is_attached:
                panel.remove()

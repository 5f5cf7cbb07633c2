"""The guided tour: from opening a registry to seeing one's own automation fire."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual import events
from textual.app import App
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from firetower.core.executions import Execution
from firetower.core.text import visible
from firetower.tui.form.screen import FormScreen
from firetower.tui.screens.container import ContainerScreen
from firetower.tui.screens.execution import ExecutionScreen
from firetower.tui.text import show_text

_POLL_INTERVAL = 0.3
"""Seconds between two checks whether a step is done."""


@dataclass(frozen=True, slots=True)
class TourStep:
    """One step: what to do, and when it is done."""

    text: str
    """`{name}` stands for the automation that was created on the tour."""
    done: Callable[[Tour, Screen[object]], bool]


def _has_opened(tour: Tour, screen: Screen[object]) -> bool:
    opened = isinstance(screen, ContainerScreen) and screen.is_open
    return opened or _has_begun(tour, screen)  # a quick user was there between two checks


def _has_begun(tour: Tour, screen: Screen[object]) -> bool:
    return isinstance(screen, FormScreen) or tour.created is not None


STEPS: Sequence[TourStep] = (
    TourStep(
        "A simulated ML team works in here; nothing leaves this machine. Registries hold "
        "linked versions. Choose models with ↓, then enter (or click it).",
        _has_opened,
    ),
    TourStep(
        "Each row is an automation: where it watches, for what, and what it does. Press n.",
        _has_begun,
    ),
    TourStep(
        "It already says: when an alias is added in the registry. Under Endpoint choose "
        "ci-deploy (or set Action to only record), then save with ctrl+o. Tab: next field.",
        lambda tour, _: tour.created is not None,
    ),
    TourStep(
        "{name} watches from now on. The team moves an alias every now and then: look for its "
        "name in the feed. Or do it yourself: h, enter on a collection, a.",
        lambda tour, _: tour.created in tour.fired,
    ),
    TourStep(
        "{name} has fired. Press 3 for the whole feed, then enter on a line: why it fired, what "
        "was sent, what came back.",
        lambda _, screen: isinstance(screen, ExecutionScreen),
    ),
    TourStep(
        "That is all there is to know. ? shows the keys of any place, ^p finds any action.",
        lambda *_: False,
    ),
)


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
        self.fired: set[str] = set()
        """The automations that have fired since."""
        self._panels: list[TourPanel] = []
        self._timer = app.set_interval(_POLL_INTERVAL, self.check)

    def note_fired(self, executions: Sequence[Execution]) -> None:
        """Note which automations have fired."""
        self.fired.update(execution.automation for execution in executions)

    def check(self) -> None:
        """Go on if the step is done, and show the step on the open screen."""
        screen = self._app.screen
        while STEPS[self.step].done(self, screen):
            self.step += 1
        text = STEPS[self.step].text.replace("{name}", visible(self.created or ""))
        text = f"{self.step + 1}/{len(STEPS)}  {text}"
        panel = next(iter(screen.query(TourPanel)), None)
        if panel is None and (not screen.is_modal or isinstance(screen, ExecutionScreen)):
            panel = TourPanel()
            self._panels.append(panel)
            screen.mount(panel)
        if panel is not None:
            panel.say(text)

    def end(self) -> None:
        """Remove the steps, from the screens of the other modes too."""
        self._timer.stop()
        for panel in self._panels:
            if panel.is_attached:
                panel.remove()

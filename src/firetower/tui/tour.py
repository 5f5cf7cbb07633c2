"""The guided tour: from opening a registry to seeing one's own automation fire."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from textual.app import App
from textual.screen import Screen

from firetower.core.executions import Execution
from firetower.core.text import visible
from firetower.tui.form.screen import FormScreen
from firetower.tui.screens.container import ContainerScreen
from firetower.tui.screens.execution import ExecutionScreen
from firetower.tui.widgets.tour_panel import TourPanel

_LOOK = 0.3
"""Seconds between two looks at whether a step was taken."""


@dataclass(slots=True)
class TourProgress:
    """What has happened on the tour so far."""

    made: str | None = None
    """The automation that was made on the tour."""
    fired: set[str] = field(default_factory=set)
    """The automations that have fired since."""


@dataclass(frozen=True, slots=True)
class TourStep:
    """One step: what to do, and how it is seen to be done."""

    says: Callable[[TourProgress], str]
    done: Callable[[Screen[object], TourProgress], bool]


def _writes(screen: Screen[object], progress: TourProgress) -> bool:
    return isinstance(screen, FormScreen) or progress.made is not None


def _is_open(screen: Screen[object], progress: TourProgress) -> bool:
    opened = isinstance(screen, ContainerScreen) and screen.is_open
    return opened or _writes(screen, progress)  # who is quick has been there between two looks


def _says(text: str) -> Callable[[TourProgress], str]:
    return lambda _: text


STEPS: Sequence[TourStep] = (
    TourStep(
        _says(
            "A simulated ML team works in here; nothing leaves this machine. Registries hold "
            "linked versions. Choose models with ↓, then enter (or click it)."
        ),
        _is_open,
    ),
    TourStep(
        _says("Each row is an automation: where it watches, for what, and what it does. Press n."),
        _writes,
    ),
    TourStep(
        _says(
            "It already says: when an alias is added in the registry. Under Endpoint choose "
            "ci-deploy (or set Action to only record), then save with ctrl+o. Tab: next field."
        ),
        lambda _, progress: progress.made is not None,
    ),
    TourStep(
        lambda progress: (
            f"{visible(progress.made or '')} watches from now on. The team moves an alias every "
            "now and then: look for its name in the feed. Or do it yourself: h, enter on a "
            "collection, a."
        ),
        lambda _, progress: progress.made in progress.fired,
    ),
    TourStep(
        lambda progress: (
            f"{visible(progress.made or '')} has fired. Press 3 for the whole feed, then enter on "
            "a line: why it fired, what was sent, what came back."
        ),
        lambda screen, _: isinstance(screen, ExecutionScreen),
    ),
    TourStep(
        _says("That is all there is to know. ? shows the keys of any place, ^p finds any action."),
        lambda *_: False,
    ),
)


class Tour:
    """Shows one step at a time on whichever screen is open, until it is ended."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._step = 0
        self.progress = TourProgress()
        self._panels: list[TourPanel] = []
        self._timer = app.set_interval(_LOOK, self.look)

    @property
    def step(self) -> int:
        """The number of the step, from 0."""
        return self._step

    def note_saved(self, name: str) -> None:
        """Note the automation that was made."""
        self.progress.made = name

    def note_fired(self, executions: Sequence[Execution]) -> None:
        """Note what has fired."""
        self.progress.fired.update(execution.automation for execution in executions)

    def look(self) -> None:
        """Go on if the step was taken, and show the step where one is."""
        screen = self._app.screen
        while STEPS[self._step].done(screen, self.progress):
            self._step += 1
        says = f"{self._step + 1}/{len(STEPS)}  {STEPS[self._step].says(self.progress)}"
        panels = screen.query(TourPanel)
        if panels:
            panels.first().say(says)
        elif not screen.is_modal or isinstance(screen, ExecutionScreen):
            self._panels.append(TourPanel(says))
            screen.mount(self._panels[-1])

    def end(self) -> None:
        """Take the steps away, from the screens of the other modes too."""
        self._timer.stop()
        for panel in self._panels:
            if panel.is_attached:
                panel.remove()

"""The screens that the app opens, each imported when it is first shown or soon after the start."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from firetower.tui import messages
from firetower.tui.page import Page

if TYPE_CHECKING:
    from textual.app import App
    from textual.command import Provider
    from textual.screen import Screen


def _imported(path: str) -> Any:  # noqa: ANN401 - whichever class it is
    """Import a class of this package, named `module.Class`."""
    module, _, name = path.rpartition(".")
    return getattr(import_module(f"firetower.tui.{module}"), name)


def _made(path: str, *arguments: object) -> Screen[Any]:
    screen: Screen[Any] = _imported(path)(*arguments)
    return screen


_MODES: Mapping[str, str] = {
    "registry": "screens.container.RegistryScreen",
    "project": "screens.container.ProjectScreen",
    "feed": "screens.feed.FeedScreen",
    "automations": "screens.automation.AutomationsScreen",
    "endpoints": "screens.endpoints.EndpointsScreen",
}
MODES: Mapping[str, Callable[[], Screen[None]]] = {
    mode: partial(_made, path) for mode, path in _MODES.items()
}
PALETTE: Sequence[Callable[[], type[Provider]]] = (
    partial(_imported, "palette.ActionCommands"),
    partial(_imported, "palette.NamedCommands"),
)
_SCREENS: Mapping[type[messages.AppRequest], str] = {
    messages.OpenEndpoint: "screens.endpoint.EndpointScreen",
    messages.OpenSecrets: "screens.secrets.SecretsScreen",
    messages.OpenWorkerLog: "screens.worker_log.WorkerLogScreen",
    messages.OpenExecution: "screens.execution.ExecutionScreen",
    messages.OpenAutomation: "screens.automation.AutomationScreen",
    messages.OpenCollection: "screens.collection.CollectionScreen",
    messages.OpenVersion: "screens.collection.VersionScreen",
    messages.OpenRun: "screens.run.RunScreen",
    messages.ExplainEvent: "screens.explain.ExplainEventScreen",
    messages.ExplainAutomation: "screens.explain.ExplainAutomationScreen",
    messages.TestEndpoint: "screens.endpoint_dialogs.EndpointTestScreen",
    messages.WriteAutomation: "form.screen.FormScreen",
}


def screen_for(request: messages.AppRequest) -> Screen[Any]:
    """Return the screen that a request asks for; the request's fields are its arguments."""
    arguments = [getattr(request, one.name) for one in fields(request) if one.init]
    return _made(_SCREENS[type(request)], *arguments)


def import_all() -> None:
    """Import every screen, so that none is waited for once the first one is shown."""
    for path in (*_MODES.values(), *_SCREENS.values(), "palette.ActionCommands"):
        _imported(path)


def visit(app: App[None], request: messages.Open) -> None:
    """Show a screen of the whole app, in place of another one of those."""
    screen = screen_for(request)
    if isinstance(app.screen, type(screen)):
        return
    if isinstance(app.screen, Page) and app.screen.BELONGS_TO == "app":
        app.switch_screen(screen)
    else:
        app.push_screen(screen)


def close_for_mode(app: App[None], mode: str) -> None:
    """Close the screens that a mode's key closes."""
    closed = {"app", "mode"} if mode == app.current_mode else {"app"}
    while isinstance(app.screen, Page) and app.screen.BELONGS_TO in closed:
        app.pop_screen()

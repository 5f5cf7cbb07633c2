"""The screens, each imported when it is opened.

Those that open from the first one take as long to import as all that it needs itself.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.command import Provider
    from textual.dom import DOMNode
    from textual.screen import Screen

    from firetower.core.automations import Automation, Definition
    from firetower.core.references import ContainerKind, ContainerReference
    from firetower.tui.screens.ask import Ask


def prepare() -> None:
    """Import them all: once the first screen is shown, nothing else waits for that."""
    for name in ("screens.automation", "screens.collection", "screens.feed", "commands"):
        import_module(f"firetower.tui.{name}")


def registry() -> Screen[None]:
    """Return the Registry screen."""
    from firetower.tui.screens.registry import RegistryScreen

    return RegistryScreen()


def project() -> Screen[None]:
    """Return the Project screen."""
    from firetower.tui.screens.project import ProjectScreen

    return ProjectScreen()


def feed() -> Screen[None]:
    """Return the Feed screen."""
    from firetower.tui.screens.feed import FeedScreen

    return FeedScreen()


def actions() -> type[Provider]:
    """Return the palette's actions."""
    from firetower.tui.commands import Actions

    return Actions


def places() -> type[Provider]:
    """Return the palette's places."""
    from firetower.tui.commands import Places

    return Places


def new_automation(container: ContainerReference) -> Screen[str | None]:
    """Return the form of a new automation."""
    from firetower.core.drafts import Draft
    from firetower.tui.form.screen import FormScreen

    return FormScreen(Draft.new(container))


def edited_automation(automation: Automation) -> Screen[str | None]:
    """Return the form of an automation."""
    from firetower.core.drafts import Draft
    from firetower.tui.form.screen import FormScreen

    return FormScreen(Draft.of(automation), automation)


def automation(name: str, kind: ContainerKind) -> Screen[None]:
    """Return all of an automation."""
    from firetower.tui.screens.automation import AutomationScreen

    return AutomationScreen(name, kind)


def collection(reference: str) -> Screen[None]:
    """Return a collection's versions."""
    from firetower.tui.screens.collection import CollectionScreen

    return CollectionScreen(reference)


def execution(number: int) -> Screen[None]:
    """Return all of a firing."""
    from firetower.tui.screens.execution import ExecutionScreen

    return ExecutionScreen(number)


def explained_event(number: int) -> Screen[None]:
    """Return what became of an event."""
    from firetower.tui.screens.explain import ExplainEventScreen

    return ExplainEventScreen(number)


def explained_automation(name: str) -> Screen[None]:
    """Return why an automation fired, and why not."""
    from firetower.tui.screens.explain import ExplainAutomationScreen

    return ExplainAutomationScreen(name)


def endpoint(name: str) -> Screen[None]:
    """Return the endpoints, with the cursor on one of them."""
    from firetower.tui.screens.endpoints import EndpointsScreen

    return EndpointsScreen(at=name)


async def redelivery(node: DOMNode, endpoint: str) -> None:
    """Send again what failed at an endpoint, after a question; to be run in a worker."""
    from firetower.tui.screens.redeliver import send_failed_of

    await send_failed_of(node, endpoint)


def new_place(kind: ContainerKind) -> Ask[ContainerReference]:
    """Return the dialog for a new registry or project."""
    from firetower.tui.screens.catalog import new_place as dialog

    return dialog(kind)


def try_out(node: DOMNode, definition: Definition) -> None:
    """Try out the endpoint of an automation."""
    from firetower.tui.screens.probe import show_probe

    show_probe(node, definition)

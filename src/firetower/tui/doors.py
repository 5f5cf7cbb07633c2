"""The screens that open from the first one, each imported when it is opened.

Together they take as long to import as all that the first screen needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.dom import DOMNode
    from textual.screen import Screen

    from firetower.core.automations import Automation, Definition
    from firetower.core.references import ContainerKind, ContainerReference
    from firetower.tui.screens.ask import Ask


def prepare() -> None:
    """Import them all: once the first screen is shown, nothing else waits for that."""
    for name in ("screens.automation", "screens.collection", "screens.feed", "commands"):
        import_module(f"firetower.tui.{name}")


def new_automation(container: ContainerReference) -> Screen[str | None]:
    """Return the form of a new automation."""
    from firetower.tui.form.draft import Draft
    from firetower.tui.form.screen import FormScreen

    return FormScreen(Draft.new(container))


def edited_automation(automation: Automation) -> Screen[str | None]:
    """Return the form of an automation."""
    from firetower.tui.form.draft import Draft
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


def new_place(kind: ContainerKind) -> Ask[ContainerReference]:
    """Return the dialog for a new registry or project."""
    from firetower.tui.screens.catalog import new_place as dialog

    return dialog(kind)


def try_out(node: DOMNode, definition: Definition) -> None:
    """Try out the endpoint of an automation."""
    from firetower.tui.screens.probe import show_probe

    show_probe(node, definition)

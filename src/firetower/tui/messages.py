"""Messages between widgets, screens and the app: the app alone opens screens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from textual.dom import DOMNode
from textual.message import Message
from textual.screen import Screen

if TYPE_CHECKING:
    from firetower.core.automations import Automation
    from firetower.core.catalog import Collection
    from firetower.core.circuit_breaker import CircuitChange
    from firetower.core.drafts import Draft
    from firetower.core.errors import FiretowerError
    from firetower.core.executions import Execution
    from firetower.core.references import ContainerReference
    from firetower.worker_process import WorkerProcess


@dataclass
class AppRequest(Message, bubble=False):
    """Asks the app for something; refused once another screen is over the one that asked."""

    source: Screen[Any] = field(init=False, repr=False)


def post(node: DOMNode, request: AppRequest) -> None:
    """Send a request to the app from a widget or screen."""
    request.source = node.screen
    node.app.post_message(request)


class Open(AppRequest):
    """Asks for a screen over the one it comes from."""


@dataclass
class OpenNamed(Open):
    """Asks for a screen of what has this name or reference."""

    name: str


class OpenAutomation(OpenNamed):
    """Show an automation in full."""


class OpenCollection(OpenNamed):
    """Show the versions of a collection."""


class OpenVersion(OpenNamed):
    """Show a version in full."""


class OpenRun(OpenNamed):
    """Show a run in full."""


class OpenEndpoint(OpenNamed):
    """Show an endpoint in full."""


class ExplainAutomation(OpenNamed):
    """Show why an automation fired for some events and not for others."""


class TestEndpoint(OpenNamed):
    """Send a sample to an endpoint and show the answer."""


@dataclass
class OpenExecution(Open):
    """Show an execution in full."""

    execution_id: int


@dataclass
class OpenSecrets(Open):
    """Show the secrets."""


@dataclass
class OpenWorkerLog(Open):
    """Show what the worker that the app started has printed; None where it starts none."""

    worker: WorkerProcess | None


@dataclass
class ExplainEvent(Open):
    """Show which automations an event fired, and why the others did not fire."""

    event_id: int


@dataclass
class WriteAutomation(AppRequest):
    """Open the form on a draft, of a new automation or of `before`; AutomationSaved answers."""

    draft: Draft
    before: Automation | None = None


@dataclass
class LeaveUnsaved(AppRequest):
    """Ask whether to leave the screen although something typed there would be lost."""

    loss: str


@dataclass
class OpenContainer(AppRequest):
    """Switch to a registry or project."""

    reference: ContainerReference


@dataclass
class AutomationSaved(Message, bubble=False):
    """The form that a screen asked for was saved, under this name."""

    name: str


class RowsChanged(Message):
    """A list shows other rows, or has changed some: read it again."""


@dataclass
class NewVersion(Message):
    """Log a version into the open project, or link one into the open registry."""

    collections: Sequence[Collection]
    at: Collection | None
    """The collection to propose."""


@dataclass
class TagCollection(Message):
    """Change a collection's tags."""

    collection: Collection


@dataclass
class DatabaseChanged(Message, bubble=False):
    """Something that screens show has changed in the database."""

    executions: Sequence[Execution] = ()
    circuits: Sequence[CircuitChange] = ()
    """Circuits that have opened or closed."""
    incomplete: bool = False
    """Whether more has changed than is named here: before the database was watched."""


class StatusChanged(Message, bubble=False):
    """The database's status has changed, and nothing else that screens show."""


@dataclass
class WatchFailed(Message, bubble=False):
    """The database cannot be read; it is tried again."""

    error: FiretowerError

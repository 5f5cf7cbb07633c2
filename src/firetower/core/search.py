"""What a search by name finds."""

from dataclasses import dataclass
from enum import StrEnum

from firetower.core.references import ContainerKind


class FoundKind(StrEnum):
    """What was found."""

    AUTOMATION = "automation"
    ENDPOINT = "endpoint"
    CONTAINER = "container"
    COLLECTION = "collection"
    VERSION = "version"
    EXECUTION = "execution"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class Found:
    """One thing found, by the name under which it is opened."""

    kind: FoundKind
    name: str
    """An automation's or endpoint's name, a reference, or an execution's number."""
    label: str
    """What the search read: the name, or a reference by alias."""
    container: ContainerKind | None = None
    """Of a container and of an automation: what it is, or is in."""
    note: str = ""
    """What else tells it from others."""

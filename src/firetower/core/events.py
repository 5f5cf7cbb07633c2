"""Events, and the one table of which event fires in which scope and carries what."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

from pydantic import JsonValue

from firetower.core.errors import InvalidInput
from firetower.core.json import parse_object
from firetower.core.metrics import Crossing
from firetower.core.references import CollectionReference, ContainerKind, ContainerReference
from firetower.core.runs import RunSnapshot
from firetower.core.text import and_list, nearest, quoted, shortened


class EventType(StrEnum):
    """W&B's types of events, and RUN_ALERT; `LINK_MODEL` is read as `LINK_ARTIFACT`."""

    CREATE_ARTIFACT = "CREATE_ARTIFACT"
    LINK_ARTIFACT = "LINK_ARTIFACT"
    UNLINK_ARTIFACT = "UNLINK_ARTIFACT"
    ADD_ARTIFACT_ALIAS = "ADD_ARTIFACT_ALIAS"
    REMOVE_ARTIFACT_ALIAS = "REMOVE_ARTIFACT_ALIAS"
    ADD_ARTIFACT_TAG = "ADD_ARTIFACT_TAG"
    REMOVE_ARTIFACT_TAG = "REMOVE_ARTIFACT_TAG"
    ADD_COLLECTION_TAG = "ADD_COLLECTION_TAG"
    REMOVE_COLLECTION_TAG = "REMOVE_COLLECTION_TAG"
    RUN_STATE = "RUN_STATE"
    RUN_ALERT = "RUN_ALERT"
    RUN_METRIC = "RUN_METRIC"
    RUN_METRIC_CHANGE = "RUN_METRIC_CHANGE"
    RUN_METRIC_ZSCORE = "RUN_METRIC_ZSCORE"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an event type in any case. Raises InvalidInput that names the nearest."""
        name = text.strip().upper().replace("-", "_")
        if name == "LINK_MODEL":
            name = "LINK_ARTIFACT"
        if name in cls.__members__:
            return cls(name)
        close = nearest(name, cls.__members__)
        raise InvalidInput(
            f"there is no event type {quoted(shortened(text, 60))}",
            f"Did you mean {close}?" if close else f"Choose one of {', '.join(cls.__members__)}.",
        )

    @property
    def spec(self) -> "EventSpec":
        """The row of this type in the table of events."""
        return EVENTS[self]


@dataclass(frozen=True, slots=True)
class EventSpec:
    """One row of the table of events: everything that depends on an event's type."""

    label: str
    """As a column shows it: "alias added"."""
    sentence: str
    """As a sentence says it, after "When": "an alias is added"."""
    containers: frozenset[ContainerKind]
    """Where it happens: it fires in the scopes of these, and of what covers them."""
    carries: frozenset[str]
    """What it carries beside its container and author; filters and variables need some of it."""


_BOTH = frozenset({ContainerKind.PROJECT, ContainerKind.REGISTRY})
_PROJECT = frozenset({ContainerKind.PROJECT})
_REGISTRY = frozenset({ContainerKind.REGISTRY})
_VERSION = frozenset({"collection", "version"})
_ALIAS = _VERSION | {"alias"}
_TAG = _VERSION | {"tag"}
_COLLECTION_TAG = frozenset({"collection", "tag"})
_RUN = frozenset({"run"})
_METRIC = frozenset({"run", "metric"})
_ALERT = frozenset({"run", "alert"})

EVENTS: Mapping[EventType, EventSpec] = {
    EventType.CREATE_ARTIFACT: EventSpec(
        "new version", "a new version is logged", _PROJECT, _VERSION
    ),
    EventType.LINK_ARTIFACT: EventSpec(
        "version linked", "a version is linked", _REGISTRY, _VERSION
    ),
    EventType.UNLINK_ARTIFACT: EventSpec("link removed", "a link is removed", _REGISTRY, _VERSION),
    EventType.ADD_ARTIFACT_ALIAS: EventSpec("alias added", "an alias is added", _BOTH, _ALIAS),
    EventType.REMOVE_ARTIFACT_ALIAS: EventSpec(
        "alias removed", "an alias is removed", _BOTH, _ALIAS
    ),
    EventType.ADD_ARTIFACT_TAG: EventSpec(
        "version tagged", "a tag is added to a version", _BOTH, _TAG
    ),
    EventType.REMOVE_ARTIFACT_TAG: EventSpec(
        "version untagged", "a tag is removed from a version", _BOTH, _TAG
    ),
    EventType.ADD_COLLECTION_TAG: EventSpec(
        "collection tagged", "a tag is added to a collection", _BOTH, _COLLECTION_TAG
    ),
    EventType.REMOVE_COLLECTION_TAG: EventSpec(
        "collection untagged", "a tag is removed from a collection", _BOTH, _COLLECTION_TAG
    ),
    EventType.RUN_STATE: EventSpec("run state", "a run starts or ends", _PROJECT, _RUN),
    EventType.RUN_ALERT: EventSpec("run alert", "a run sends an alert", _PROJECT, _ALERT),
    EventType.RUN_METRIC: EventSpec(
        "metric threshold", "a metric of a run crosses a threshold", _PROJECT, _METRIC
    ),
    EventType.RUN_METRIC_CHANGE: EventSpec(
        "metric change", "a metric of a run rises or falls", _PROJECT, _METRIC
    ),
    EventType.RUN_METRIC_ZSCORE: EventSpec(
        "metric z-score", "a metric of a run is far from its mean", _PROJECT, _METRIC
    ),
}

_NEAREST_IN_PROJECT = {
    EventType.LINK_ARTIFACT: EventType.CREATE_ARTIFACT,
    EventType.UNLINK_ARTIFACT: EventType.REMOVE_ARTIFACT_ALIAS,
}
"""The event to use instead of one that happens only in a registry."""


def why_not_allowed(type_: EventType, kind: ContainerKind) -> tuple[str, EventType] | None:
    """Return why an event type never fires in a kind of container, and the nearest that does.

    Returns None for a pair that is allowed.
    """
    spec = EVENTS[type_]
    if kind in spec.containers or kind.covers_several:
        return None
    only = and_list(sorted(spec.containers), "or")
    reason = f"{type_} ({spec.label}) happens only in a {only}"
    return reason, _NEAREST_IN_PROJECT.get(type_, EventType.LINK_ARTIFACT)


def check_allowed(type_: EventType, kind: ContainerKind) -> None:
    """Refuse an event type that never fires in a kind of container. Raises InvalidInput."""
    if refusal := why_not_allowed(type_, kind):
        reason, close = refusal
        raise InvalidInput(
            f"{reason}, so it never fires in a {kind}",
            f"The nearest event in a {kind} is {close} ({close.spec.label}).",
        )


@dataclass(frozen=True)
class EventVersion:
    """The version an event is about, in the event's collection."""

    artifact_id: str
    """Opaque and stable: the same for a version and each of its links."""
    index: int
    source: str | None = None
    """The version that was logged, where this one is a link to it."""
    metadata_json: str = "{}"

    @cached_property
    def metadata(self) -> dict[str, JsonValue]:
        """The version's metadata, parsed when first asked for."""
        return parse_object(self.metadata_json)


@dataclass(frozen=True, slots=True)
class Event:
    """An immutable record that something happened.

    A plain dataclass, as its version: the store makes one for every row it evaluates, of values
    that were checked when they were written.
    """

    id: int
    type: EventType
    recorded_at: datetime
    """With a time zone."""
    author: str
    container: ContainerReference
    """The registry or project in which it happened."""
    collection: CollectionReference | None = None
    """None for an event of a run."""
    artifact_type: str = ""
    version: EventVersion | None = None
    alias: str | None = None
    tag: str | None = None
    previous_index: int | None = None
    """For a moved alias: the index of the version it named before."""
    cause: str | None = None
    """The webhook-id of the execution for which the change was made."""
    run: RunSnapshot | None = None
    metric: Crossing | None = None

    @property
    def length(self) -> int:
        """Characters of what has no limit in it: metadata and config."""
        metadata = "" if self.version is None else self.version.metadata_json
        return len(metadata) + len("" if self.run is None else self.run.config_json)

    @property
    def subject(self) -> str:
        """The version, collection or run it is about, as a reference."""
        if self.run is not None:
            return str(self.run.reference)
        if self.version is None:
            return str(self.collection)
        return f"{self.collection}:v{self.version.index}"

    @property
    def detail(self) -> str:
        """The change in short: "← production", "resnet-50 failed", "loss of resnet-50 is 0.7"."""
        if self.run is not None:
            name = "" if self.run.name == self.run.id else self.run.name
            if self.metric is not None:
                return self.metric.words(name)
            if self.run.alert is not None:
                return f"{name} {self.run.alert.severity}: {self.run.alert.title}".lstrip()
            return f"{name} {self.run.state}".lstrip()
        removed = self.type.startswith("REMOVE")
        if self.alias is not None:
            return f"{'−' if removed else '←'} {self.alias}"
        if self.tag is not None:
            return f"{'−' if removed else '+'} tag {self.tag}"
        return ""

    @property
    def reference(self) -> str:
        """The full reference; for an alias event with the alias, as W&B gives it."""
        if self.alias is not None:
            return f"{self.collection}:{self.alias}"
        return self.subject

    def as_data(self) -> dict[str, Any]:
        """Return the event as JSON-ready data, the same in every listing and envelope."""
        version = self.version
        data: dict[str, Any] = {
            "event_id": self.id,
            "event_type": str(self.type),
            "author": self.author,
            self.container.kind.value: str(self.container),
        }
        if self.collection is not None:
            data |= {"collection": self.collection.name, "artifact_type": self.artifact_type}
        if self.run is not None:
            config = {"config": self.run.config}
            data |= {"run": str(self.run.reference), "run_status": self.run.status}
            data |= {f"run_{name}": value for name, value in self.run.as_data().items()} | config
            if self.run.alert is not None:
                data["alert"] = self.run.alert.model_dump()
        if self.metric is not None:
            data["metric"] = self.metric.as_data()
        if version is not None:
            data |= {
                "version": self.subject,
                "version_index": version.index,
                "artifact_id": version.artifact_id,
                "source_version": version.source,
                "metadata": version.metadata,
            }
        if self.alias is not None:
            data |= {"alias": self.alias, "previous_version_index": self.previous_index}
        if self.tag is not None:
            data["tag"] = self.tag
        if self.cause is not None:
            data["cause"] = self.cause
        return data

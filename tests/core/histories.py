"""Random histories of saves and events, as a store would hold them."""

from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from core.builders import MODELS, VISION, make_definition, make_event, make_revision
from firetower.core.automations import Definition, Mode, Revision
from firetower.core.events import Event, EventType
from firetower.core.filters.patterns import Pattern
from firetower.core.references import CollectionReference, ContainerReference
from firetower.core.scopes import (
    CollectionScope,
    CollectionsScope,
    ContainerScope,
    Scope,
    covers,
)

COLLECTIONS = {
    "models/resnet": "model",
    "models/bert": "model",
    "data/resnet": "dataset",
    "acme/vision": "model",  # of registry acme, and written as project acme/vision is
    "acme/vision/resnet": "model",
    "acme/vision/coco": "dataset",
}
SCOPES: list[Scope] = [
    ContainerScope(container=MODELS),
    ContainerScope(container=ContainerReference.registry("data")),
    ContainerScope(container=VISION),
    ContainerScope(container=ContainerReference.entity_named("acme")),
    ContainerScope(container=ContainerReference.organization()),
    CollectionScope(collection=CollectionReference.parse("models/resnet")),
    CollectionScope(collection=CollectionReference.parse("acme/vision")),
    CollectionsScope(container=VISION, glob="res*"),
    CollectionsScope(container=VISION, regex=Pattern("o$")),
    CollectionsScope(container=VISION, artifact_type="dataset"),
]
FILTERS: list[dict[str, Any]] = [
    {},
    {"alias": "a"},
    {"alias": {"$ne": "a"}},
    {"alias": {"$regex": "^a"}},
    {"alias": {"$regex": "^ab+$"}},
    {"alias": {"$regex": "^(a|b)"}},
    {"alias": {"$in": ["a", "b"]}},
    {"alias": "b", "author": "ada"},
    {"author": {"$regex": "^ad"}},
    {"tag": {"$regex": "^eu"}},
    {"tag": {"$exists": False}},
    {"version_index": {"$gt": 1}},
]
TYPES = [EventType.ADD_ARTIFACT_ALIAS, EventType.ADD_COLLECTION_TAG]


@dataclass(frozen=True)
class Save:
    automation_id: int
    definition: Definition
    mode: Mode


@dataclass(frozen=True)
class Happens:
    type_: EventType
    collection: str
    alias: str
    index: int
    gap: int


@dataclass(frozen=True)
class Evaluates:
    """The worker comes round: it takes in what was saved, then what happened."""


Step = Save | Happens | Evaluates

steps = st.lists(
    st.builds(
        Save,
        st.integers(1, 4),
        st.builds(
            make_definition,
            scope=st.sampled_from(SCOPES),
            event_type=st.sampled_from(TYPES),
            filter_=st.sampled_from(FILTERS),
        ),
        st.sampled_from([Mode.ENABLED, Mode.SHADOW, Mode.ENABLED, Mode.DISABLED, Mode.DELETED]),
    )
    | st.builds(
        Happens,
        st.sampled_from(TYPES),
        st.sampled_from(sorted(COLLECTIONS)),
        st.sampled_from(["a", "b", "ab", "abb"]),
        st.integers(0, 3),
        st.integers(1, 3),
    )
    | st.just(Evaluates()),
    max_size=40,
)


@dataclass
class History:
    """What the store would hold: every event, and every revision with its ends."""

    events: list[Event] = field(default_factory=list)
    revisions: list[Revision] = field(default_factory=list)
    last_id: int = 0

    def happens(self, step: Happens) -> None:
        self.last_id += step.gap
        self.events.append(
            make_event(
                step.type_,
                event_id=self.last_id,
                collection=step.collection,
                artifact_type=COLLECTIONS[step.collection],
                alias=step.alias,
                index=step.index,
            )
        )

    def saves(self, step: Save) -> Revision:
        earlier = [r for r in self.revisions if r.automation_id == step.automation_id]
        if earlier:
            place = self.revisions.index(earlier[-1])
            self.revisions[place] = replace(earlier[-1], until_event_id=self.last_id)
        revision = make_revision(
            step.definition,
            automation_id=step.automation_id,
            number=len(earlier) + 1,
            mode=step.mode,
            after=self.last_id,
        )
        self.revisions.append(revision)
        return revision

    def fires(self, event: Event) -> list[int]:
        """Return, by a loop over all that ever was, the revisions that an event fires."""
        return sorted(
            revision.id
            for revision in self.revisions
            if revision.acts
            and revision.definition.event_type is event.type
            and covers(revision.definition.scope, event)
            and revision.in_force_at(event)
            and revision.definition.filter.holds(event)
        )

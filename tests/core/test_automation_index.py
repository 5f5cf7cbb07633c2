"""The index against the plain truth: a loop over every revision that ever was."""

from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.builders import MODELS, VISION, make_definition, make_event, make_revision
from firetower.core.automations import Definition, Mode, Revision
from firetower.core.evaluation import AutomationIndex, evaluate
from firetower.core.events import Event, EventType
from firetower.core.patterns import Pattern
from firetower.core.references import CollectionReference, ContainerReference
from firetower.core.scopes import CollectionScope, CollectionsScope, ContainerScope, Scope

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
            and revision.definition.scope.covers(event.collection, event.artifact_type)
            and revision.in_force_at(event)
            and revision.definition.filter.holds(event)
        )


def next_events(event_id: int) -> list[Event]:
    """Return what could happen next: an event of each type in each collection."""
    return [
        make_event(
            type_, event_id=event_id, collection=name, artifact_type=COLLECTIONS[name], alias="a"
        )
        for type_ in TYPES
        for name in COLLECTIONS
    ]


def found(index: AutomationIndex, event: Event) -> list[int]:
    return sorted(revision.id for revision in index.matching(event))


@settings(max_examples=300)
@given(steps)
def test_an_index_kept_up_to_date_finds_what_a_loop_over_all_revisions_finds(
    history_steps: list[Step],
) -> None:
    history, index = History(), AutomationIndex()
    evaluated = 0
    unknown: list[Revision] = []
    for step in [*history_steps, Evaluates()]:
        match step:
            case Happens():
                history.happens(step)
            case Save():
                unknown.append(history.saves(step))
            case Evaluates():
                for revision in unknown:
                    index.add(revision)
                    index.add(revision)  # hearing of it twice changes nothing
                unknown.clear()
                for event in history.events[evaluated:]:
                    index.forget_before(event.id)
                    assert found(index, event) == history.fires(event)
                evaluated = len(history.events)
                for event in next_events(history.last_id + 1):
                    assert found(index, event) == history.fires(event)
    modes = {revision.automation_id: revision.mode for revision in history.revisions}
    assert len(index) == sum(mode is not Mode.DELETED for mode in modes.values())


@settings(max_examples=200)
@given(steps)
def test_an_index_made_from_the_stored_revisions_finds_the_same(
    history_steps: list[Step],
) -> None:
    history = History()
    for step in history_steps:
        match step:
            case Happens():
                history.happens(step)
            case Save():
                history.saves(step)
            case Evaluates():
                pass
    index = AutomationIndex(history.revisions)
    for event in [*history.events, *reversed(history.events)]:
        assert found(index, event) == history.fires(event)
    firings = evaluate(history.events, index, {}, {})
    assert [firing.event.id for firing in firings] == sorted(
        event.id for event in history.events for _ in history.fires(event)
    )


def test_a_revision_is_found_by_its_id_until_no_event_can_need_it() -> None:
    old, new = make_revision(after=0), make_revision(number=2, after=5)
    index = AutomationIndex([old, new])
    assert index.revision(new.id) == new
    index.forget_before(5)
    assert found(index, make_event(event_id=5)) == [old.id]
    index.forget_before(6)
    assert index.revision(old.id) is None
    assert found(index, make_event(event_id=6)) == [new.id]


def test_an_automation_fires_for_no_event_older_than_itself() -> None:
    index = AutomationIndex([make_revision(after=5)])
    assert found(index, make_event(event_id=5)) == []
    assert len(found(index, make_event(event_id=6))) == 1

"""The index against the plain truth: a loop over every revision that ever was."""

from hypothesis import given

from core.builders import VISION, make_crossing, make_definition, make_event, make_revision
from core.histories import COLLECTIONS, TYPES, Evaluates, Happens, History, Save, Step, steps
from firetower.core.automations import Mode, Revision
from firetower.core.events import Event, EventType
from firetower.core.matching import AutomationIndex, decide, match
from firetower.core.references import ContainerReference
from firetower.core.scopes import ContainerScope


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


@given(steps)
def test_updated_index_finds_what_a_loop_over_revisions_finds(
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
    firings = list(decide(match(history.events, index), {}, {}))
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


def test_what_is_found_comes_in_the_order_of_saves() -> None:
    entity = ContainerScope(container=ContainerReference.entity_named("acme"))
    places = [ContainerScope(container=VISION), entity, ContainerScope(container=VISION)]
    aliases, metrics = (
        [
            make_revision(
                make_definition(scope=place, event_type=type_, condition=condition),
                automation_id=number,
            )
            for number, place in enumerate(places)
        ]
        for type_, condition in (
            (EventType.ADD_ARTIFACT_ALIAS, None),
            (EventType.RUN_METRIC, make_crossing().condition),
        )
    )
    index = AutomationIndex(aliases)
    assert index.matching(make_event(collection="acme/vision/resnet")) == aliases
    index = AutomationIndex(metrics)
    assert index.watching(VISION, "loss") == metrics
    edited = make_revision(metrics[1].definition, automation_id=1, number=2, after=5)
    index.add(edited)
    assert index.watching(VISION, "loss") == [metrics[0], metrics[2], edited]
    assert index.watching(VISION, "accuracy") == []


def test_a_regex_of_a_forgotten_revision_is_searched_no_more() -> None:
    definition = make_definition(filter_={"alias": {"$regex": "^prod"}})
    first, second, third = (make_revision(definition, automation_id=n) for n in range(3))
    index = AutomationIndex([first, second, third])
    index.add(make_revision(automation_id=2, number=2, mode=Mode.DISABLED, after=5))
    assert len(found(index, make_event(event_id=5))) == 3
    index.forget_before(6)
    assert found(index, make_event(event_id=6)) == [first.id, second.id]


def test_an_automation_fires_for_no_event_older_than_itself() -> None:
    index = AutomationIndex([make_revision(after=5)])
    assert found(index, make_event(event_id=5)) == []
    assert len(found(index, make_event(event_id=6))) == 1

"""The index against the plain truth: a loop over every revision that ever was."""

from hypothesis import given

from core.builders import make_event, make_revision
from core.histories import COLLECTIONS, TYPES, Evaluates, Happens, History, Save, Step, steps
from firetower.core.automations import Revision
from firetower.core.events import Event
from firetower.core.matching import AutomationIndex, decide, match


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


def test_an_automation_fires_for_no_event_older_than_itself() -> None:
    index = AutomationIndex([make_revision(after=5)])
    assert found(index, make_event(event_id=5)) == []
    assert len(found(index, make_event(event_id=6))) == 1

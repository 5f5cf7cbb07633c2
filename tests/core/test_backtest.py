"""A backtest decides as evaluation does."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.builders import NOON, make_definition, make_event, make_revision
from firetower.core.backtest import Simulation
from firetower.core.events import Event
from firetower.core.executions import SkipReason, Status
from firetower.core.matching import decide

HOUR = timedelta(hours=1)
causes = st.sampled_from([None, "msg_1", "msg_1_x7", "msg_1_x8", "msg_1_x20"])
moments = st.integers(0, 60).map(lambda minutes: NOON + timedelta(minutes=minutes))


@given(
    happened=st.lists(st.tuples(moments, causes), max_size=70),
    cooldown=st.none() | st.integers(1, 20).map(lambda minutes: timedelta(minutes=minutes)),
)
def test_it_fires_and_holds_what_evaluation_does(
    happened: list[tuple[datetime, str | None]], cooldown: timedelta | None
) -> None:
    events = {
        number: make_event(event_id=number, at=at, cause=cause)
        for number, (at, cause) in enumerate(happened, 1)
    }
    revision = make_revision(make_definition(cooldown=cooldown))

    def find(ids: Sequence[int]) -> Sequence[Event]:
        return [events[number] for number in ids]

    firings = list(decide([(revision, event) for event in events.values()], {}, {}))
    fired = [firing.event for firing in firings if firing.status is not Status.SKIPPED]
    simulation = Simulation(revision.definition, NOON, NOON + HOUR)
    for event in reversed(events.values()):
        offset = (event.recorded_at - NOON) // timedelta(microseconds=1)
        simulation.add(event.id, offset, event.cause)
    result = simulation.result(find)
    assert result.fired == len(fired) == sum(result.bars)
    assert result.skipped == sum(firing.skip_reason is SkipReason.COOLDOWN for firing in firings)
    assert list(result.newest) == fired[:-51:-1]


def test_simulation_of_no_time_counts_its_events_in_one_bar() -> None:
    simulation = Simulation(make_definition(), NOON, NOON)
    simulation.add(1, 0, None)
    result = simulation.result(lambda _: [])
    assert (result.fired, sum(result.bars)) == (1, 1)

"""Executions and what became of circuits, in one order."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.builders import NOON, make_execution
from firetower.core.circuit_breaker import Circuit, CircuitChange, CircuitChangeKind
from firetower.core.executions import Execution
from firetower.core.feed import CircuitLine, merge_feed

MINUTES = st.lists(st.integers(0, 30), max_size=12).map(sorted)


def executions_at(minutes: list[int], first: int = 1) -> list[Execution]:
    return [
        make_execution(id=first + place, created_at=NOON + timedelta(minutes=minute))
        for place, minute in enumerate(minutes)
    ]


def news_at(minutes: list[int]) -> list[CircuitChange]:
    circuit = Circuit(opened_at=NOON, probe_at=NOON, failures=5, reason="503")
    return [
        CircuitChange(
            kind=CircuitChangeKind.OPENED,
            endpoint="ci",
            circuit=circuit,
            at=NOON + timedelta(minutes=minute),
            id=1 + place,
        )
        for place, minute in enumerate(minutes)
    ]


def test_circuit_news_follow_earlier_executions_precede_same_time() -> None:
    lines = merge_feed(executions_at([1, 2, 2, 5], first=7), news_at([0, 2, 3, 9]))
    told = [(line.after, line.change.id) for line in lines if isinstance(line, CircuitLine)]
    assert told == [(6, 1), (7, 2), (9, 3), (10, 4)]
    assert [line.change.id if isinstance(line, CircuitLine) else -line.id for line in lines] == [
        *(1, -7, 2, -8, -9, 3, -10, 4)
    ]


def test_news_without_any_execution_stand_at_the_beginning() -> None:
    assert [
        line.after for line in merge_feed([], news_at([1, 2])) if isinstance(line, CircuitLine)
    ] == [0] * 2


@given(MINUTES, MINUTES)
def test_nothing_is_left_out_or_moved_and_all_is_in_its_place(
    fired: list[int], told: list[int]
) -> None:
    executions, news = executions_at(fired), news_at(told)
    lines = merge_feed(executions, news)
    assert [line for line in lines if isinstance(line, Execution)] == executions
    assert [line.change for line in lines if isinstance(line, CircuitLine)] == news
    places = [
        (line.after, line.change.id) if isinstance(line, CircuitLine) else (line.id, 0)
        for line in lines
    ]
    assert places == sorted(set(places))


@given(st.permutations(range(6)), st.permutations(range(6)))
def test_a_clock_that_steps_loses_nothing(fired: list[int], told: list[int]) -> None:
    lines = merge_feed(executions_at(fired), news_at(told))
    assert len(lines) == len(fired) + len(told)
    places = [
        (line.after, line.change.id) if isinstance(line, CircuitLine) else (line.id, 0)
        for line in lines
    ]
    assert places == sorted(set(places))

"""What answers say of their endpoint, and when an open circuit is probed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firetower.core.circuit_breaker import (
    FAILURES_TO_OPEN,
    FIRST_PROBE_DELAY,
    LONGEST_PROBE_DELAY,
    Circuit,
    CircuitChange,
    CircuitChangeKind,
    next_probe,
    opens,
    summarize,
)
from firetower.core.retry import Answer, works

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
_FAILURE = Answer(503)
_OPENED = "! circuit of ci opened, probe at 12:30:00"
_WHY = "503, 7 times in a row"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(200), True),
        (Answer(204), True),
        (Answer(400), True),
        (Answer(401), True),
        (Answer(404), True),
        (Answer(410), True),
        (Answer(422), True),
        (Answer(199), False),
        (Answer(300), False),
        (Answer(302), False),
        (Answer(408), False),
        (Answer(425), False),
        (Answer(429), False),
        (Answer(500), False),
        (Answer(503), False),
        (Answer(error="connection refused"), False),
        (Answer(200, error="no complete answer within 10 s"), False),
    ],
)
def test_what_shows_that_an_endpoint_works(answer: Answer, *, expected: bool) -> None:
    assert works(answer) is expected


@given(st.lists(st.sampled_from([200, 404, 500, 503])))
def test_a_run_counts_the_failures_at_the_end(codes: list[int]) -> None:
    run = summarize([Answer(code) for code in codes])
    tail = "".join("f" if code >= 500 else "w" for code in codes).rpartition("w")[2]
    assert run.failures == len(tail)
    assert run.worked == (len(tail) < len(codes))
    assert (run.last is None) == (not tail)


@given(st.integers(0, 10_000), st.floats(-1, 1))
def test_pauses_grow_to_their_longest(probes: int, jitter: float) -> None:
    pause = next_probe(_FAILURE, probes=probes, now=NOW, jitter=jitter) - NOW
    assert 0.8 * FIRST_PROBE_DELAY <= pause <= 1.2 * LONGEST_PROBE_DELAY
    assert pause <= next_probe(_FAILURE, probes=probes + 1, now=NOW, jitter=jitter) - NOW


@pytest.mark.parametrize("jitter", [-1, 0.5])
def test_jitter_moves_the_first_probe_by_a_fifth_of_itself(jitter: float) -> None:
    at = next_probe(_FAILURE, probes=0, now=NOW, jitter=jitter)
    assert at == NOW + FIRST_PROBE_DELAY * (1 + 0.2 * jitter)


@pytest.mark.parametrize(("asked", "expected"), [("3600", 3600), ("1", 30), ("soon", 30)])
def test_a_probe_waits_as_long_as_it_was_asked_to(asked: str, expected: int) -> None:
    answer = Answer(503, retry_after=asked)
    at = next_probe(answer, probes=0, now=NOW, jitter=0)
    assert at == NOW + timedelta(seconds=expected)


@pytest.mark.parametrize(
    ("failures", "seconds", "expected"),
    [
        (1, 0, False),
        (FAILURES_TO_OPEN, 0, False),
        (FAILURES_TO_OPEN, 59.999, False),
        (FAILURES_TO_OPEN, 60, True),
        (FAILURES_TO_OPEN - 1, 60, False),
        (FAILURES_TO_OPEN - 1, 86_400, False),
        (1_000, 1, False),
        (1_000, 3_600, True),
        (FAILURES_TO_OPEN, -3_600, True),
    ],
)
def test_what_opens_a_circuit(failures: int, seconds: float, *, expected: bool) -> None:
    assert opens(failures, timedelta(seconds=seconds)) is expected


@pytest.mark.parametrize(
    ("kind", "waiting", "expected"),
    [
        (CircuitChangeKind.OPENED, 0, f"{_OPENED}; {_WHY}"),
        (CircuitChangeKind.OPENED, 1, f"{_OPENED}, 1 queued; {_WHY}"),
        (CircuitChangeKind.OPENED, 1_340, f"{_OPENED}, 1,340 queued; {_WHY}"),
        (CircuitChangeKind.PROBED, 0, f"! circuit of ci still open, probe at 12:30:00; {_WHY}"),
        (CircuitChangeKind.CLOSED, 0, "✓ circuit of ci closed after 12m"),
        (CircuitChangeKind.CLOSED, 1, "✓ circuit of ci closed after 12m, sends 1 queued"),
        (
            CircuitChangeKind.CLOSED,
            1_340,
            "✓ circuit of ci closed after 12m, sends 1,340 queued, ten a second",
        ),
    ],
)
def test_describe_says_how_a_circuit_changed(
    kind: CircuitChangeKind, waiting: int, expected: str
) -> None:
    circuit = Circuit(opened_at=NOW, probe_at=NOW + timedelta(minutes=30), failures=7, reason="503")
    at = NOW + timedelta(minutes=12, microseconds=9)
    news = CircuitChange(kind=kind, endpoint="ci", circuit=circuit, at=at, waiting=waiting)
    assert f"{news.glyph} {news.describe(lambda moment: f'{moment:%H:%M:%S}')}" == expected


def test_one_that_closed_within_a_second_closed_at_once() -> None:
    circuit = Circuit(opened_at=NOW, probe_at=NOW, failures=5, reason="503")
    news = CircuitChange(kind=CircuitChangeKind.CLOSED, endpoint="ci", circuit=circuit, at=NOW)
    assert news.describe(str) == "circuit of ci closed at once"

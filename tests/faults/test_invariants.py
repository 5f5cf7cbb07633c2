"""The checker itself: an honest log passes, and each way of doctoring it is found."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import firetower
from faults.invariants import Arrived, Evidence, Fired, Tried, check, gather, violations
from firetower.core.executions import Status
from receiver import serve
from towers import linked_model, on_alias, run, webhook

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FINISHED, PENDING = Status.FINISHED.value, Status.PENDING.value


def _honest() -> Evidence:
    """One acknowledged change, delivered at the second try; one that was not acknowledged."""
    return Evidence(
        acknowledged=frozenset({"a"}),
        events=("a", "b"),
        automations=frozenset({"deploy"}),
        executions=(
            Fired(1, "deploy", "a", FINISHED, "msg_1"),
            Fired(2, "deploy", "b", FINISHED, "msg_2"),
        ),
        attempts=(
            Tried(1, 1, NOON, SECOND, PENDING),
            Tried(1, 2, NOON + 5 * SECOND, SECOND, FINISHED),
            Tried(2, 1, NOON, SECOND, FINISHED),
        ),
        arrivals=(Arrived("msg_1", "deploy", "a"), Arrived("msg_2", "deploy", "b")),
    )


def _tried_again(evidence: Evidence) -> Evidence:
    again = Tried(2, 2, NOON + 60 * SECOND, SECOND, FINISHED)
    return replace(evidence, attempts=(*evidence.attempts, again))


DOCTORED: dict[str, tuple[Callable[[Evidence], Evidence], str]] = {
    "event lost": (
        lambda e: replace(e, events=("b",), executions=e.executions[1:], arrivals=e.arrivals[1:]),
        "the acknowledged change a has no event",
    ),
    "event doubled": (lambda e: replace(e, events=("a", "b", "b")), "the change b has 2 events"),
    "execution missing": (
        lambda e: replace(e, executions=e.executions[:1], arrivals=e.arrivals[:1]),
        "deploy has 0 executions for b",
    ),
    "execution doubled": (
        lambda e: replace(e, executions=(*e.executions, replace(e.executions[1], id=3))),
        "deploy has 2 executions for b",
    ),
    "never received": (
        lambda e: replace(e, arrivals=e.arrivals[:1]),
        "execution 2 is finished, and was never received",
    ),
    "another id": (
        lambda e: replace(e, arrivals=(*e.arrivals, Arrived("msg_3", "deploy", "b"))),
        "deploy for b arrived as msg_3",
    ),
    "sent without an attempt": (
        lambda e: replace(e, arrivals=(*e.arrivals, e.arrivals[1])),
        "execution 2 arrived 2 times in 1 attempts",
    ),
    "tried after its success": (_tried_again, "execution 2 was tried again (2) after its success"),
}


def test_an_honest_log_passes() -> None:
    check(_honest())


@pytest.mark.parametrize("how", DOCTORED)
def test_a_doctored_log_is_found(how: str) -> None:
    doctor, said = DOCTORED[how]
    assert any(said in broken for broken in violations(doctor(_honest())))
    with pytest.raises(AssertionError):
        check(doctor(_honest()))


def test_what_is_not_finished_is_found_where_all_was_to_be() -> None:
    waiting = replace(_honest().executions[1], status=PENDING)
    evidence = replace(_honest(), executions=(_honest().executions[0], waiting))
    check(evidence, all_finished=False)
    with pytest.raises(AssertionError, match="not everything was finished"):
        check(evidence)


def test_a_clock_that_steps_proves_no_order() -> None:
    assert [*violations(replace(_tried_again(_honest()), steady=False))] == []


def test_the_two_logs_of_a_real_run_agree_until_one_is_doctored(tmp_path: Path) -> None:
    database = str(tmp_path / "tower.db")
    with serve() as receiver, firetower.connect(database) as tower:
        webhook(tower, "ci", receiver.url())
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        tower.add_alias(version, "one")
        tower.add_alias(version, "two")
        assert run(database, "worker", "--once").returncode == 0
        check(gather(database, ["one", "two"], receiver.requests))
        with pytest.raises(AssertionError, match="three has no event"):
            check(gather(database, ["one", "two", "three"], receiver.requests))
        with pytest.raises(AssertionError, match="never received"):
            check(gather(database, ["one", "two"], receiver.requests[1:]))

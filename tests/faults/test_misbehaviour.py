"""Endpoints that misbehave: each is told by its name, and none touches its neighbour."""

from datetime import timedelta
from pathlib import Path

import firetower
from faults.conftest import Count
from faults.invariants import check, gather
from faults.processes import start_worker, wait_for_peace
from faults.rogue import serve_rogue
from firetower.core.executions import Status
from receiver import serve
from towers import linked_model, on_alias, run, webhook

TIMEOUT = timedelta(seconds=2)
"""Of endpoints that only it ends; two of them have sent their status by then."""
PATIENT = timedelta(seconds=30)
"""Of those that answer or fail at once, however busy the machine is."""
SCHEDULE = (timedelta(milliseconds=50),) * 2
TRIES = len(SCHEDULE) + 1
ALIASES = 3

FINISHED, FAILED = Status.FINISHED, Status.FAILED
LATE = "no complete answer within 2 s"
EXPECTED: dict[str, tuple[Status, str | None]] = {
    "hangs": (FAILED, LATE),
    "drips-body": (FINISHED, None),
    "drips-headers": (FINISHED, None),
    "resets": (FAILED, "connection reset"),
    "floods": (FINISHED, None),
    "endless-headers": (FINISHED, None),
    "endless-information": (FAILED, "the answer is not HTTP: no status in its first 8,192"),
    "garbage": (FAILED, "the answer is not HTTP"),
    "miscompressed": (FINISHED, None),
    "flaps": (FINISHED, None),
    "busy": (FAILED, "429"),
    "busy-for-1s": (FAILED, "429"),
    "busy-for-nonsense": (FAILED, None),
    "redirects": (FAILED, "307"),
    "switches": (FAILED, None),
    "healthy": (FINISHED, None),
}
"""How each path's executions end, and what the last try says; None where it may vary."""

ENDLESS = {"hangs", "drips-body", "drips-headers"}


def test_each_misbehaviour_is_named_and_spares_a_healthy_endpoint(
    tmp_path: Path, rounds: int, count: Count
) -> None:
    database = str(tmp_path / "tower.db")
    aliases = [f"alias-{number}" for number in range(ALIASES * rounds)]
    with serve() as elsewhere, serve_rogue(elsewhere.url("/stolen")) as rogue:
        with firetower.connect(database) as tower:
            tower.secrets.set("TOKEN", "very-secret-token")
            version = linked_model(tower)
            for name in EXPECTED:
                webhook(
                    tower,
                    name,
                    rogue.url(f"/{name}"),
                    timeout=TIMEOUT if name in ENDLESS else PATIENT,
                    schedule=SCHEDULE,
                    access_token_secret="TOKEN",
                )
                on_alias(tower, name, name)
            with start_worker(database):
                for alias in aliases:
                    tower.add_alias(version, alias)
                wait_for_peace(database)
            check(gather(database, aliases, rogue.requests), all_finished=False)
            assert elsewhere.requests == []
            for execution in tower.executions.newest(10_000):
                status, said = EXPECTED[execution.automation]
                assert execution.status is status, (execution.automation, execution.detail)
                _, attempts = tower.executions.get(execution.id)
                if said is not None:
                    assert said in str(execution.detail), execution.automation
                assert all(len(attempt.response_body) <= 1_000 for attempt in attempts)
                if status is FAILED:
                    assert execution.attempts == TRIES
        count(executions=len(aliases) * len(EXPECTED))


def test_a_gone_endpoint_is_asked_no_more(tmp_path: Path) -> None:
    database, aliases = str(tmp_path / "tower.db"), [f"alias-{number}" for number in range(20)]
    with serve_rogue("") as rogue, firetower.connect(database) as tower:
        webhook(tower, "gone", rogue.url("/gone"), max_in_flight=1)
        version = linked_model(tower)
        on_alias(tower, "gone", "gone")
        for alias in aliases:
            tower.add_alias(version, alias)
        assert run(database, "worker", "--once").returncode == 0
        assert len(rogue.requests) <= 2  # one more may be claimed while the answer is recorded
        check(gather(database, aliases, rogue.requests), all_finished=False)


def test_a_name_that_is_not_found_is_tried_again_and_given_up_on(tmp_path: Path) -> None:
    database = str(tmp_path / "tower.db")
    with firetower.connect(database) as tower:
        webhook(tower, "nowhere", "http://firetower.invalid/", schedule=SCHEDULE)
        version = linked_model(tower)
        on_alias(tower, "nowhere", "nowhere")
        tower.add_alias(version, "one")
        with start_worker(database):
            wait_for_peace(database)
        [execution] = tower.executions.newest(10)
        assert (execution.status, execution.attempts) == (FAILED, TRIES)
        assert "the host's name was not found" in str(execution.detail)
        check(gather(database, ["one"], []), all_finished=False)

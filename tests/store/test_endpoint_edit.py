"""Editing an endpoint: what is queued follows it, on both databases."""

from datetime import timedelta

import pytest

from circuits import fail_until_open
from firetower.core.actions import WebhookAction
from firetower.core.endpoints import EndpointKind, EndpointSettings, EndpointState
from firetower.core.errors import Conflict, InvalidInput, NotFound
from firetower.core.executions import SkipReason, Status
from firetower.core.retry import Answer
from firetower.store.queue.record import recover
from firetower.store.store import Store
from store.bench import Bench

NEW = "http://new.test/"


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


def edited(bench: Bench, **changes: object) -> EndpointSettings:
    before = bench.tower.endpoints.find("ci").settings
    return before.model_copy(update=changes)


def test_what_is_queued_follows_the_endpoint(bench: Bench) -> None:
    bench.automate()
    for alias in ("first", "second"):
        bench.tower.add_alias(bench.version, alias)
    [claim] = bench.turn(room=1)
    bench.answer(claim, 503)  # one waits for its retry, one for its first attempt
    before = bench.tower.endpoints.find("ci")
    after = bench.tower.endpoints.edit("ci", edited(bench, url=NEW, timeout=timedelta(seconds=3)))
    assert (after.id, after.created_at) == (before.id, before.created_at)
    assert [one.status for one in bench.executions] == [Status.PENDING] * 2
    bench.now += timedelta(seconds=10)
    claims = bench.turn(room=5)
    assert [(one.execution_id, one.number) for one in claims] == [(2, 1), (1, 2)]
    assert {one.endpoint.settings.url for one in claims} == {NEW}
    assert {one.endpoint.settings.timeout for one in claims} == {timedelta(seconds=3)}


def test_edit_closes_the_circuit_but_does_not_enable(bench: Bench) -> None:
    fail_until_open(bench.store, "ci", Answer(503))
    bench.tower.endpoints.disable("ci", EndpointKind.WEBHOOK)
    off = bench.tower.endpoints.edit("ci", edited(bench, url=NEW))
    assert (off.state, off.circuit) == (EndpointState.DISABLED, None)


def test_name_and_kind_stay(bench: Bench) -> None:
    with pytest.raises(InvalidInput, match="stays a webhook"):
        bench.tower.endpoints.edit("ci", edited(bench, name="other"))
    with pytest.raises(NotFound):
        bench.tower.endpoints.edit("nobody", edited(bench))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"url": None}, "no address"),
        ({"url_secret": "OTHER"}, "no address"),
        ({"url": "ftp://ci.test/"}, "not http"),
        ({"timeout": timedelta(0)}, "timeout"),
        ({"max_in_flight": 0}, "in flight"),
    ],
)
def test_edit_refuses_what_create_refuses(
    bench: Bench, wrong: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        bench.tower.endpoints.edit("ci", edited(bench, **wrong))


def test_secret_of_a_payload_cannot_be_taken_away(bench: Bench) -> None:
    bench.tower.endpoints.edit(
        "ci", edited(bench, access_token_secret="CI_TOKEN"), {"CI_TOKEN": "t0ken"}
    )
    action = WebhookAction(endpoint="ci", payload='{"token": "${ACCESS_TOKEN}"}')
    bench.automate(action=action)
    without = edited(bench, access_token_secret=None)
    with pytest.raises(Conflict, match="automation deploy would no longer work"):
        bench.tower.endpoints.edit("ci", without)
    bench.tower.add_alias(bench.version, "waiting")
    bench.turn()
    bench.tower.automations.delete("deploy")
    with pytest.raises(Conflict, match="deploy"):  # one is still queued
        bench.tower.endpoints.edit("ci", without)
    [claim] = bench.turn(room=1)
    bench.answer(claim, 204)
    assert bench.tower.endpoints.edit("ci", without).settings.secret_names == frozenset()


def test_redelivery_names_why_for_each_that_is_refused(bench: Bench) -> None:
    bench.automate()
    bench.automate("note", records=True)
    bench.tower.add_alias(bench.version, "first")
    [claim] = bench.turn(room=1)
    bench.answer(claim, 410)
    sent, recorded = sorted(bench.executions, key=lambda one: one.endpoint is None)
    bench.tower.automations.delete("deploy")
    bench.tower.endpoints.delete("ci", EndpointKind.WEBHOOK)
    with pytest.raises(Conflict) as raised:
        bench.tower.executions.redeliver([sent.id, recorded.id])
    assert f"{sent.id} (its endpoint ci was deleted)" in raised.value.message
    assert f"{recorded.id} (it has nothing to send" in raised.value.message
    with pytest.raises(Conflict, match="1 execution failed at endpoints deleted since"):
        bench.tower.executions.redeliver_failed(bench.now - timedelta(hours=1))


def test_what_fails_at_an_endpoint_deleted_meanwhile_is_skipped(bench: Bench) -> None:
    bench.automate()
    bench.tower.add_alias(bench.version, "first")
    [claim] = bench.turn(room=1)
    bench.tower.automations.delete("deploy")
    bench.tower.endpoints.delete("ci", EndpointKind.WEBHOOK)
    bench.answer(claim, 503)
    with bench.store.changing() as change:  # as with each heartbeat of a worker
        recover(change)
    assert bench.only.status is Status.SKIPPED
    assert bench.only.skip_reason is SkipReason.ENDPOINT_DELETED
    assert bench.only.finished_at == bench.now

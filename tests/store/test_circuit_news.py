"""What became of circuits, in the feed, on both databases."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from firetower.core.actions import WebhookAction
from firetower.core.circuit_breaker import CircuitChange, CircuitChangeKind
from firetower.core.endpoints import EndpointKind, EndpointSettings
from firetower.core.executions import Execution
from firetower.core.feed import CircuitLine, FeedEntry
from firetower.core.references import ContainerReference
from firetower.core.scopes import ContainerScope
from firetower.store.store import Store
from store.bench import Bench
from store.test_circuits import circuit, fire, open_circuit, probe

MINUTE = timedelta(minutes=1)
MODELS = ContainerReference.registry("models")
OTHER = ContainerReference.registry("other")
VISION = ContainerReference.project("acme/vision")


@pytest.fixture
def bench(store: Store) -> Bench:
    bench = Bench(store)
    bench.automate()
    return bench


def told(bench: Bench, container: ContainerReference | None = None) -> list[CircuitChange]:
    page = bench.tower.executions.page(1_000, container=container)
    return [line.change for line in page.entries if isinstance(line, CircuitLine)]


def close(bench: Bench) -> None:
    bench.answer(probe(bench), 200)


def shape(bench: Bench) -> list[str]:
    """Return all lines of the feed: an alias for what it fired, or the turn of a circuit."""
    return [
        line.event.alias or "" if isinstance(line, Execution) else line.change.kind.value
        for line in bench.tower.executions.page(1_000).entries
    ]


def test_an_opening_and_a_closing_stand_among_what_fired_around_them(bench: Bench) -> None:
    open_circuit(bench)
    bench.now += MINUTE
    fire(bench, 2, "held")
    bench.turn()
    bench.now += MINUTE
    close(bench)
    bench.now += MINUTE
    fire(bench, 1, "after")
    bench.turn()
    fired = [f"a{number}" for number in range(5)]
    assert shape(bench) == [*fired, "opened", "held0", "held1", "closed", "after0"]


def test_it_says_how_many_it_holds_and_how_many_go_out(bench: Bench) -> None:
    fire(bench, 8)
    claims = bench.turn(room=5)
    for claim in claims[:-1]:
        bench.answer(claim, 503)
    bench.now += MINUTE
    bench.answer(claims[-1], 503)
    bench.now += MINUTE
    close(bench)
    assert [(one.kind, one.waiting) for one in told(bench)] == [
        (CircuitChangeKind.OPENED, 3),
        (CircuitChangeKind.CLOSED, 2),
    ]


def test_one_that_is_disabled_says_of_nothing_that_it_goes_out(bench: Bench) -> None:
    open_circuit(bench)
    fire(bench, 2, "b")
    bench.turn()
    bench.tower.endpoints.disable("ci", EndpointKind.WEBHOOK)
    assert [(one.kind, one.waiting) for one in told(bench)] == [
        (CircuitChangeKind.OPENED, 0),
        (CircuitChangeKind.CLOSED, 0),
    ]


def test_one_that_is_gone_says_of_nothing_that_it_goes_out(bench: Bench) -> None:
    open_circuit(bench)
    fire(bench, 3, "b")
    bench.turn()
    bench.answer(probe(bench), 410)
    assert circuit(bench) is None
    assert [(one.kind, one.waiting) for one in told(bench)][-1] == (CircuitChangeKind.CLOSED, 0)


def test_enabling_by_hand_says_how_many_go_out(bench: Bench) -> None:
    open_circuit(bench)
    fire(bench, 2, "b")
    bench.turn()
    bench.tower.endpoints.enable("ci", EndpointKind.WEBHOOK)
    assert told(bench)[-1].waiting == 2


def test_pages_add_up_to_all_lines_each_once(bench: Bench) -> None:
    for number in range(3):
        fire(bench, 2, f"before-{number}-")
        bench.turn()
        bench.now += MINUTE
        open_circuit_again(bench, number)
        bench.now += MINUTE
        fire(bench, 2, f"during-{number}-")
        bench.turn()
        bench.now += MINUTE
        bench.tower.endpoints.enable("ci", EndpointKind.WEBHOOK)
        bench.now += MINUTE
    whole = bench.tower.executions.page(1_000)
    assert not whole.more
    assert sum(isinstance(line, CircuitLine) for line in whole.entries) == 6
    for limit in (1, 2, 3, 7, 100):
        lines: list[FeedEntry] = []
        before_id, more = None, True
        while more:
            page = bench.tower.executions.page(limit, before_id=before_id)
            lines = [*page.entries, *lines]
            executions = [line for line in page.entries if isinstance(line, Execution)]
            assert len(executions) <= limit
            before_id, more = executions[0].id if executions else before_id, page.more
        assert numbers(lines) == numbers(whole.entries), limit


def numbers(lines: Sequence[FeedEntry]) -> list[int]:
    return [-line.change.id if isinstance(line, CircuitLine) else line.id for line in lines]


def open_circuit_again(bench: Bench, number: int) -> None:
    fire(bench, 5, f"fails-{number}-")
    claims = bench.turn(room=50)
    for claim in claims[:-1]:
        bench.answer(claim, 503)
    bench.now += MINUTE
    bench.answer(claims[-1], 503)
    assert circuit(bench) is not None


def test_a_page_since_a_moment_leaves_out_what_was_told_before(bench: Bench) -> None:
    found = open_circuit(bench)
    page = bench.tower.executions.page(10, since=found.opened_at + MINUTE)
    assert page.entries == []
    page = bench.tower.executions.page(10, since=found.opened_at - timedelta(seconds=1))
    assert [type(line) for line in page.entries] == [CircuitLine]
    assert bench.tower.executions.page(0).entries == ()


def test_circuit_news_of_a_container_cover_endpoints_it_used(
    bench: Bench,
) -> None:
    bench.tower.create_registry("other")
    bench.tower.endpoints.create(
        EndpointSettings(name="spare", kind=EndpointKind.WEBHOOK, url="http://spare.test/")
    )
    elsewhere = ContainerScope(container=OTHER)
    bench.automate("elsewhere", scope=elsewhere, action=WebhookAction(endpoint="spare"))
    entity = ContainerScope(container=ContainerReference.entity_named("acme"))
    bench.automate("projects", scope=entity)
    open_circuit(bench)
    assert [one.endpoint for one in told(bench, MODELS)] == ["ci"]
    assert [one.endpoint for one in told(bench, VISION)] == ["ci"]
    assert told(bench, OTHER) == []
    assert bench.tower.endpoints.circuit_changes_since(0, OTHER) == []
    found = bench.tower.automations.get("elsewhere").definition
    changed = found.model_copy(update={"action": WebhookAction(endpoint="ci")})
    bench.tower.automations.edit("elsewhere", changed)
    bench.tower.automations.edit("elsewhere", found)
    assert [one.endpoint for one in told(bench, OTHER)] == ["ci"]
    assert len(bench.tower.endpoints.circuit_changes_since(0, OTHER)) == 1


def count_queries(bench: Bench) -> int:
    """Return how many statements reading a page takes."""
    run: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        run.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        bench.tower.executions.page(500)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return len(run)


def test_a_page_asks_no_more_for_many_lines_than_for_few(bench: Bench) -> None:
    asked = []
    for number in range(4):
        asked.append(count_queries(bench))
        open_circuit_again(bench, number)
        bench.now += MINUTE
        bench.tower.endpoints.enable("ci", EndpointKind.WEBHOOK)
    assert len(told(bench)) == 8
    assert asked[-1] <= asked[1]

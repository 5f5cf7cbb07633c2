from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.builders import NOON, VISION, make_definition, make_endpoint, make_revision
from core.test_metrics import threshold, values
from firetower.core.actions import NoAction, WebhookAction
from firetower.core.automations import Mode, Revision
from firetower.core.crossings import MAX_SKIPPED, Series, Watch, decide_crossings
from firetower.core.endpoints import Endpoint
from firetower.core.events import Event, EventType
from firetower.core.matching import Decision
from firetower.core.scopes import ContainerScope

MINUTE = timedelta(minutes=1)
HIGH, LOW = 0.7, 0.1
ENDPOINTS = {1: make_endpoint()}


def watching(*, mode: Mode = Mode.ENABLED, endpoint: int | None = None, **given: Any) -> Revision:
    """Return a revision, saved at noon, that fires where a loss is above 0.65."""
    condition = given.pop("condition", threshold())
    definition = make_definition(
        scope=ContainerScope(container=VISION),
        event_type=EventType.RUN_METRIC,
        action=NoAction() if endpoint is None else WebhookAction(endpoint="ci"),
        **given,
    ).model_copy(update={"condition": condition})
    return make_revision(definition, mode=mode, endpoint_id=endpoint)


def event(at: datetime, place: int = 0, cause: str | None = None) -> Event:
    return Event(place, EventType.RUN_METRIC, at, "ada", VISION, cause=cause)


def fired(
    revision: Revision,
    given: Sequence[float],
    *,
    minutes: Sequence[float] = (),
    watch: Watch = Watch(),  # noqa: B008
    endpoints: dict[int, Endpoint] = ENDPOINTS,
    cuts: Sequence[int] = (),
    cause: str | None = None,
) -> tuple[Watch, list[Decision]]:
    """Return what becomes of values, one a minute after noon, evaluated in pieces."""
    moments = [NOON + MINUTE * (minutes[n] if minutes else n) for n in range(len(given))]
    assert revision.definition.metric is not None
    before = revision.definition.metric.needed - 1
    decisions: list[Decision] = []
    places = sorted({0, *cuts, len(given)})
    for first, last in pairwise(places):
        start = max(0, first - before)
        piece = Series(
            list(range(start, last)),
            list(given[start:last]),
            moments[start:last],
            first - start,
        )
        events = [event(moments[place], place, cause) for place in range(start, last)]
        record = events.__getitem__
        found = decide_crossings(
            revision, watch, piece, endpoints, record=record, cause=lambda: cause
        )
        if found.unlisted is not None:
            decisions[-1] = decisions[-1]._replace(detail=found.unlisted)
        decisions += found.decisions
        watch = found.watch
    return watch, decisions


def outcomes(decisions: Sequence[Decision]) -> list[tuple[int, str]]:
    return [(one.event.id, one.skip_reason or one.status.value) for one in decisions]


def test_a_condition_fires_as_it_begins_to_hold_once_a_day_for_a_run() -> None:
    minutes = [0, 1, 2, 3, 4, 5, 6, 24 * 60, 24 * 60 + 1, 25 * 60, 48 * 60, 49 * 60]
    given = [LOW, HIGH, HIGH, LOW, HIGH, LOW, HIGH, LOW, HIGH, LOW, HIGH, HIGH]
    watch, decisions = fired(watching(), given, minutes=minutes)
    assert outcomes(decisions) == [
        (1, "finished"),
        (4, "cooldown"),
        (6, "cooldown"),
        (8, "finished"),
        (10, "cooldown"),
    ]
    assert decisions[1].cooldown_until == NOON + MINUTE * (24 * 60 + 1)
    assert watch.skipped == 1
    assert watch.held


@pytest.mark.parametrize("cuts", [[], [7, 30, 90], list(range(120))])
@pytest.mark.parametrize("reason", ["cooldown", "endpoint_disabled", "loop"])
def test_skipped_crossings_that_are_not_listed_are_counted(reason: str, cuts: list[int]) -> None:
    given = [HIGH, LOW] * (MAX_SKIPPED + 50)
    disabled = make_endpoint(disabled_reason="410 Gone")
    watch, decisions = fired(
        watching(endpoint=1 if reason == "endpoint_disabled" else None),
        given,
        cuts=cuts,
        endpoints={1: disabled},
        cause="msg_1_x8" if reason == "loop" else None,
    )
    listed = [one for _, one in outcomes(decisions)]
    acted = 1 if reason == "cooldown" else 0
    assert listed == ["finished"] * acted + [reason] * MAX_SKIPPED
    assert watch.skipped == MAX_SKIPPED + 50 - acted
    first, last = {one.detail for one in decisions[acted:-1]}, decisions[-1].detail
    assert last == f"{50 - acted} more crossings not listed"
    assert len(first) == 1
    assert last not in first


def test_each_series_of_skipped_crossings_keeps_its_own_count() -> None:
    cooldown = 250 * MINUTE
    disabled = {1: make_endpoint(disabled=True)}
    revision, given = watching(endpoint=1, cooldown=cooldown), [HIGH, LOW] * 300
    watch, decisions = fired(revision, given[:130], endpoints=disabled)
    assert (watch.began_at, watch.skipped) == (None, 65)
    for cuts in ([], [3, 249, 252]):
        after, made = fired(revision, given, watch=watch, cuts=cuts)
        assert outcomes(made)[0] == (0, "pending")  # enabled again: at once
        counts = [one.detail for one in made if one.detail]
        assert counts == [f"{n - MAX_SKIPPED} more crossings not listed" for n in (124, 124, 49)]
        assert (len(made), after.skipped) == (3 * (1 + MAX_SKIPPED), 49)
    watch, decisions = fired(revision, [HIGH], watch=after, minutes=[800], endpoints=disabled)
    assert outcomes(decisions) == [(0, "endpoint_disabled")]
    assert (watch.began_at, watch.skipped) == (None, 1)


def test_a_cooldown_of_its_own_replaces_the_day() -> None:
    _, decisions = fired(watching(cooldown=2 * MINUTE), [HIGH, LOW, HIGH, LOW, HIGH, LOW, HIGH])
    assert [one for _, one in outcomes(decisions)] == ["finished"] * 4
    # After the clock was set back it starts again from the new time.
    minutes = [100, 101, 95, 96, 106]
    _, decisions = fired(
        watching(cooldown=10 * MINUTE), [HIGH, LOW, HIGH, LOW, HIGH], minutes=minutes
    )
    assert [one for _, one in outcomes(decisions)] == ["finished", "cooldown", "finished"]


@pytest.mark.parametrize(
    ("given", "minutes", "wanted"),
    [
        pytest.param([HIGH, HIGH], [-2, -1], [], id="written before it was saved"),
        pytest.param([HIGH, HIGH], [-1, 0], [1], id="held already: the first one that counts"),
        pytest.param([LOW, HIGH], [5, 6], [1], id="written later"),
    ],
)
def test_only_values_written_after_the_save_fire(
    given: list[float], minutes: list[float], wanted: list[int]
) -> None:
    _, decisions = fired(watching(), given, minutes=minutes)
    assert [place for place, _ in outcomes(decisions)] == wanted


def test_a_window_reaches_back_before_the_save() -> None:
    revision = watching(condition=threshold(aggregate="AVERAGE", window=3))
    _, decisions = fired(revision, [HIGH] * 4, minutes=[-2, -1, 0, 1])
    assert outcomes(decisions) == [(2, "finished")]


def test_new_revision_starts_unheld_and_keeps_the_cooldown() -> None:
    first = watching(cooldown=2 * MINUTE)
    watch, decisions = fired(first, [HIGH])
    assert len(decisions) == 1
    again = replace(first, id=first.id + 1, number=2)
    _, decisions = fired(again, [HIGH, HIGH, HIGH], watch=watch)
    assert outcomes(decisions) == [(0, "cooldown")]
    _, decisions = fired(again, [HIGH], minutes=[2], watch=watch)
    assert outcomes(decisions) == [(0, "finished")]


def test_what_sends_nothing_says_why() -> None:
    _, decisions = fired(watching(mode=Mode.SHADOW, endpoint=1), [HIGH, LOW, HIGH])
    assert outcomes(decisions) == [(0, "shadow"), (2, "cooldown")]
    assert decisions[0].request_body
    _, decisions = fired(watching(endpoint=1), [HIGH, LOW, HIGH], endpoints={})
    assert outcomes(decisions) == [(0, "endpoint_deleted"), (2, "endpoint_deleted")]
    _, decisions = fired(watching(endpoint=1), [HIGH])
    assert outcomes(decisions) == [(0, "pending")]


REVISIONS = [
    watching(),
    watching(cooldown=MINUTE * 4),
    watching(cooldown=MINUTE * 4, mode=Mode.SHADOW),
    watching(cooldown=MINUTE * 3, condition=threshold("$lt", aggregate="AVERAGE", window=3)),
]


@given(
    st.sampled_from(REVISIONS),
    st.lists(values | st.sampled_from([HIGH, LOW]), max_size=30),
    st.lists(st.integers(0, 29)),
)
def test_any_split_into_batches_fires_the_same_as_one_pass(
    revision: Revision, given: list[float], cuts: list[int]
) -> None:
    cuts = [cut for cut in cuts if cut < len(given)]
    whole_watch, whole = fired(revision, given)
    watch, decisions = fired(revision, given, cuts=cuts)
    assert [one[2:] for one in decisions] == [one[2:] for one in whole]
    assert outcomes(decisions) == outcomes(whole)
    assert watch == whole_watch

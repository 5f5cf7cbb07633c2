"""Whatever text, number or header comes: a decision, valid JSON, and nothing a terminal obeys."""

import json
from datetime import timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from core.builders import NOON, make_event
from core.strategies import filters, jsons
from firetower.cli.output import event_text
from firetower.core.actions import WebhookAction
from firetower.core.automations import Definition
from firetower.core.events import EventType
from firetower.core.executions import Status
from firetower.core.filters.filter import Filter
from firetower.core.references import ContainerReference
from firetower.core.requests import render_body
from firetower.core.retry import Answer, judge
from firetower.core.scopes import ContainerScope
from firetower.core.text import MAX_DIGITS
from hostile.texts import anything, obeyed

numbers = st.sampled_from([10**400, -(10**400), 10**MAX_DIGITS - 1, 1e308, 5e-324, 2**63, -0.0])


@given(
    anything | st.integers().map(str) | st.datetimes().map("{:%a, %d %b %Y %H:%M:%S GMT}".format)
)
@example("9" * 100_000)
@example("Fri, 31 Dec 9999 23:59:59 -2359")
@example("Mon, 01 Jan 0001 00:00:00 +2359")
def test_any_retry_after_is_a_wait_from_a_second_to_a_day(said: str) -> None:
    verdict = judge(
        Answer(429, retry_after=said),
        retries_used=0,
        schedule=(timedelta(seconds=5),),
        now=NOON,
        jitter=0,
    )
    assert verdict.status is Status.PENDING
    assert verdict.next_attempt_at is not None
    assert timedelta(seconds=1) <= verdict.next_attempt_at - NOON <= timedelta(days=1)


@given(filters, jsons | numbers | anything)
def test_any_metadata_is_decided_by_any_filter(condition: object, value: object) -> None:
    event = make_event(metadata={"a": value, "b": {"c": value}, "list": [value]})
    found = Filter.of(condition)
    assert found.holds(event) is found.trace(event).held


@given(jsons | numbers | anything, anything)
def test_any_value_makes_a_body_that_is_json(value: object, key: str) -> None:
    event = make_event(metadata={key: value, "x": value}, author=key)
    for payload in ('{"text": "${artifact_metadata.x}", "bare": ${artifact_metadata.x}}', None):
        definition = Definition(
            name="deploy",
            scope=ContainerScope(container=ContainerReference.registry("models")),
            event_type=EventType.ADD_ARTIFACT_ALIAS,
            action=WebhookAction(endpoint="ci", payload=payload),
        )
        body = render_body(definition, event, None)
        assert body.isascii()
        read = json.loads(body)
        if payload is not None:
            assert read["bare"] == json.loads(json.dumps(value))


@given(anything, anything)
def test_no_line_of_an_event_is_obeyed(alias: str, author: str) -> None:
    event = make_event(alias=alias, author=author)
    shown = event_text(event)
    assert obeyed(shown) == set()
    assert "\n" not in shown

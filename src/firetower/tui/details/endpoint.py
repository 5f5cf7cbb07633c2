"""One endpoint in full."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from textual.content import Content

from firetower.core.endpoints import Endpoint, EndpointDetail, EndpointKind
from firetower.core.statistics import LastFailure, Traffic
from firetower.core.text import and_list, counted, shortened, visible
from firetower.core.times import duration
from firetower.tui.session import Tower
from firetower.tui.text import (
    body_lines,
    clock,
    exact,
    field,
    hanging,
    lines,
    mark,
    milliseconds,
    plain,
)

if TYPE_CHECKING:
    from firetower.delivery.endpoint_test import EndpointTest

_SECOND = timedelta(seconds=1)
_NAMED = 12
"""Automations that are named; the endpoint's own screen lists all."""
_WAITS = 6
"""Waits of the retry schedule that are shown."""
_BODY = 600
"""Characters of an answer that are shown."""
_LABEL = 12
Part: TypeAlias = Content | tuple[str, Content | str]
"""A line, or a value beside its name."""


@dataclass(frozen=True, slots=True)
class EndpointRecord:
    """All that is shown of an endpoint."""

    detail: EndpointDetail
    traffic: Traffic
    failure: LastFailure | None


def read_endpoint(tower: Tower, name: str, traffic: Traffic | None = None) -> EndpointRecord:
    """Read all that is shown of an endpoint, its traffic unless it is known. Raises NotFound."""
    endpoints = tower.endpoints
    sent = endpoints.traffic().get(name, Traffic()) if traffic is None else traffic
    return EndpointRecord(endpoints.get(name), sent, endpoints.last_failure(name))


def endpoint_text(
    record: EndpointRecord,
    now: datetime,
    width: int,
    test: EndpointTest | None = None,
    *,
    with_users: bool = True,
) -> Content:
    """Return what is known of an endpoint in `width` cells, with the answer to the last test.

    `with_users` names the automations that use it.
    """
    detail = record.detail
    parts: list[Part] = [
        ("sends to", detail.endpoint.target),
        *_state(detail, now),
        *_traffic(record.traffic),
        *(_users(detail) if with_users else ()),
        *_failure(record.failure),
        Content(""),
        *_settings(detail.endpoint),
        *_test(test),
    ]
    return Content("\n").join(_drawn(part, width) for part in parts)


def _drawn(part: Part, width: int) -> Content:
    if isinstance(part, Content):
        return part
    name, value = part
    if isinstance(value, Content):
        return field(name, value, width=_LABEL)
    return hanging(name, value, width, indent=_LABEL)


def _state(detail: EndpointDetail, now: datetime) -> Iterator[Part]:
    endpoint = detail.endpoint
    if endpoint.disabled_at is not None:
        yield ("state", Content.styled("◌ disabled", "$warning"))
        because = f", {endpoint.disabled_reason}" if endpoint.disabled_reason else ""
        yield ("since", f"{clock(endpoint.disabled_at, now)}{because}")
    elif (circuit := endpoint.circuit) is not None:
        yield ("state", Content.styled("! circuit open", "$warning"))
        failures = f"{counted(circuit.failures, 'failure')} in a row: {circuit.reason}"
        yield ("since", f"{clock(circuit.opened_at, now)}, {failures}")
        yield ("next probe", f"{_until(circuit.probe_at, now)}  {clock(circuit.probe_at, now)}")
    else:
        yield ("state", Content.styled("✓ enabled", "$success"))
    if detail.counts:
        yield ("waiting", detail.counts)


def _until(moment: datetime, now: datetime) -> str:
    """Return how long it is until a moment: "in 23 s", "in 4 min 10 s", "now"."""
    seconds = (moment - now) // _SECOND
    if seconds <= 0:
        return "now"
    minutes, rest = divmod(seconds, 60)
    return f"in {minutes} min {rest} s" if minutes else f"in {rest} s"


def _traffic(traffic: Traffic) -> Iterator[Part]:
    flight = f", {traffic.in_flight:,} in flight" if traffic.in_flight else ""
    if not traffic.sent:
        yield ("24 h", f"nothing was sent{flight}")
        return
    yield ("24 h", f"{traffic.success_words} of {traffic.sent:,} accepted{flight}")
    p50, p95 = milliseconds(traffic.p50_ms), milliseconds(traffic.p95_ms)
    yield ("answers in", f"p50 {p50}, p95 {p95}")


def _users(detail: EndpointDetail) -> Iterator[Part]:
    label = "used by"
    for name in detail.automations[:_NAMED] or ("no automation",):
        yield (label, name)
        label = ""
    if (left := len(detail.automations) - _NAMED) > 0:
        yield ("", Content.styled(f"… {left:,} more, enter lists them", "dim"))


def _failure(failure: LastFailure | None) -> Iterator[Part]:
    if failure is None:
        return
    attempt = failure.attempt
    code = "" if attempt.status_code is None else f"{attempt.status_code} "
    yield Content("")
    yield ("last error", exact(failure.at))
    took = f" in {milliseconds(attempt.duration_ms)}" if attempt.was_sent else ""
    yield ("", f"{code}{attempt.error or ''}".strip() + took)
    yield ("", f"{failure.automation}, execution {failure.execution_id}")
    if attempt.response_body:
        yield body_lines(shortened(attempt.response_body, _BODY))


def _settings(endpoint: Endpoint) -> Iterator[Part]:
    settings = endpoint.settings
    if settings.access_token_secret is not None:
        secret = f"Bearer •••• from secret {settings.access_token_secret}"
        yield ("headers", f"Authorization: {secret}")
    if settings.signing_secret is not None:
        label = "" if settings.access_token_secret else "headers"
        yield (label, f"webhook-signature: signed with secret {settings.signing_secret}")
        encoding = settings.signature_encoding.value
        yield ("", f"X-Wandb-Signature: the same, {encoding}")
    if settings.kind is EndpointKind.WEBHOOK and not settings.secret_names:
        yield ("headers", "no token, not signed")
    if settings.url_secret is not None:
        yield ("secret", settings.url_secret)
    if settings.shown_proxy is not None:
        yield ("proxy", settings.shown_proxy)
    if settings.ca_file is not None:
        yield ("CA file", settings.ca_file)
    waits = [duration(wait) for wait in settings.schedule]
    more = f", … {len(waits)} in all" if len(waits) > _WAITS else ""
    yield ("retries", f"after {', '.join(waits[:_WAITS])}{more}" if waits else "never")
    limits = f"{duration(settings.timeout)} a request, {settings.max_in_flight} at a time"
    yield ("limits", limits)


def _test(test: EndpointTest | None) -> Iterator[Part]:
    if test is not None:
        yield Content("")
        yield ("last test", answer_line(test))
        if test.answer.body:
            yield body_lines(shortened(test.answer.body, _BODY))


def test_words(endpoint: Endpoint) -> Content:
    """Return what a test sends where."""
    settings = endpoint.settings
    if settings.kind is EndpointKind.SLACK:
        said = f"Posts one line to the Slack channel behind the secret {settings.url_secret}."
    else:
        token, key = settings.access_token_secret, settings.signing_secret
        proofs = [f"with the token {token}"] if token else []
        proofs += [f"signed with {key}"] if key else []
        how = f", {and_list(proofs)}" if proofs else ""
        said = f"POST {visible(settings.url or '')}\nSends a sample of the type TEST{how}."
    if not endpoint.enabled:
        said += "\nThe endpoint is disabled: only this test goes there."
    return lines(said)


def answer_line(test: EndpointTest) -> Content:
    """Return the answer to a test in one line: "✓ 202 in 34 ms"."""
    style = "$success" if test.answer.succeeded else "$error"
    answer = mark(test.answer.succeeded) + plain(test.answer.words).stylize(style)
    return Content.assemble(answer, " ", (f"in {milliseconds(test.duration_ms)}", "dim"))

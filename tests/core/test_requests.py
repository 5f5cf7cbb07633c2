import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.builders import (
    NOON,
    STANDARD_SECRET,
    make_definition,
    make_endpoint,
    make_event,
    make_run_snapshot,
    make_webhook,
)
from core.strategies import events
from firetower.core.actions import NoAction, Severity, SlackAction
from firetower.core.endpoints import Endpoint, EndpointKind, SignatureEncoding
from firetower.core.events import Event, EventType
from firetower.core.metrics import Aggregate, ChangeCondition, ChangeType, Crossing, Direction
from firetower.core.requests import (
    MAX_KEPT,
    SLACK_COLOURS,
    WITHHELD,
    Request,
    Secrets,
    build_request,
    record_answer,
    record_request,
    render_body,
    slack_escape,
    standard_signature,
    wandb_signature,
)
from firetower.core.retry import Answer
from firetower.core.runs import RunState
from firetower.core.templates import MASK

TOKEN, SIGN = "tok-123-geheim", STANDARD_SECRET
BOTH = make_endpoint(access_token_secret="GH", signing_secret="SIGN")
SECRETS = Secrets({"GH": TOKEN, "SIGN": SIGN})
SLACK = make_endpoint(kind=EndpointKind.SLACK, url=None, url_secret="HOOK")
HOOK = Secrets({"HOOK": "https://hooks.slack.com/services/T0/B0/geheim"})


def request(body: str = "{}", endpoint: Endpoint = BOTH, secrets: Secrets = SECRETS) -> Request:
    return build_request(body, endpoint, secrets, webhook_id="msg_1", sent_at=NOON, version="1.0")


def sent(payload: str | None, **event: Any) -> Any:
    definition = make_definition(action=make_webhook(payload))
    return json.loads(render_body(definition, make_event(**event), BOTH, SECRETS))


def message(event: Event, **action: Any) -> Any:
    definition = make_definition(action=SlackAction(endpoint="team-ml", **action))
    return json.loads(render_body(definition, event, SLACK, HOOK))


def test_a_payload_is_filled_from_event_and_secrets() -> None:
    payload = '{"é": "${artifact_version_string}", "f1": ${artifact_metadata.f1}, "t": "${GH}"}'
    assert sent(payload, metadata={"f1": 0.9}) == {
        "é": "models/resnet:production",
        "f1": 0.9,
        "t": TOKEN,
    }
    assert sent('["${ACCESS_TOKEN}", "${SIGN}"]') == [TOKEN, SIGN]


def test_without_a_payload_the_standards_envelope_is_sent() -> None:
    event = make_event(metadata={"f1": 0.9})
    assert sent(None, metadata={"f1": 0.9}) == {
        "type": "ADD_ARTIFACT_ALIAS",
        "timestamp": "2026-03-01T12:00:00.000000Z",
        "data": {"automation": "deploy-on-prod", **event.as_data()},
    }


def test_nothing_is_rendered_where_nothing_is_sent() -> None:
    assert render_body(make_definition(action=NoAction()), make_event(), None) == ""


def test_a_rendering_without_secrets_shows_masks() -> None:
    definition = make_definition(action=make_webhook('["${ACCESS_TOKEN}", ${GH}, "${alias}"]'))
    assert render_body(definition, make_event(), BOTH) == f'["{MASK}", "{MASK}", "production"]'


def test_an_empty_secret_is_not_replaced_by_a_variable_of_its_name() -> None:
    endpoint = make_endpoint(access_token_secret="alias")
    definition = make_definition(action=make_webhook('["${alias}", ${ACCESS_TOKEN}]'))
    body = render_body(definition, make_event(), endpoint, Secrets({"alias": ""}))
    assert json.loads(body) == ["", ""]


def test_an_attempt_carries_the_headers_of_both_schemes() -> None:
    made = request('{"a": 1}')
    assert made.url == "https://ci.example/hook"
    assert made.body == b'{"a": 1}'
    assert made.headers == {
        "content-type": "application/json",
        "user-agent": "firetower/1.0",
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(NOON.timestamp())),
        "webhook-signature": standard_signature([SIGN], "msg_1", NOON, made.body),
        "X-Wandb-Signature": wandb_signature(SIGN, made.body, SignatureEncoding.BASE64),
        "Authorization": f"Bearer {TOKEN}",
    }


def test_while_a_secret_is_rotated_both_values_sign() -> None:
    made = request(secrets=Secrets({"GH": TOKEN, "SIGN": "new"}, {"SIGN": "old"}))
    both = standard_signature(["new", "old"], "msg_1", NOON, made.body)
    assert made.headers["webhook-signature"] == both
    assert made.headers["X-Wandb-Signature"] == wandb_signature(
        "new", made.body, SignatureEncoding.BASE64
    )


def test_the_signature_of_wandb_can_be_hex() -> None:
    hexed = BOTH.settings.model_copy(update={"signature_encoding": SignatureEncoding.HEX})
    made = request(endpoint=BOTH.model_copy(update={"settings": hexed}))
    assert bytes.fromhex(made.headers["X-Wandb-Signature"])


def test_without_secrets_nothing_is_signed_or_authorized() -> None:
    made = request(endpoint=make_endpoint(), secrets=Secrets())
    assert set(made.headers) == {
        "content-type",
        "user-agent",
        "webhook-id",
        "webhook-timestamp",
    }


def test_a_payload_with_text_outside_ascii_can_be_sent() -> None:
    definition = make_definition(action=make_webhook('{"text": "déployé 🔥 ${alias}"}'))
    body = render_body(definition, make_event(alias="prêt"), BOTH, SECRETS)
    assert json.loads(request(body).body) == {"text": "déployé 🔥 prêt"}


secret_values = st.text(min_size=1).filter(lambda value: value not in MASK)


@given(events, secret_values, secret_values, secret_values)
def test_no_secret_appears_in_what_is_recorded(
    event: Event, token: str, sign: str, old: str
) -> None:
    token, sign, old = (
        f"{name}!{value}" for name, value in zip("tso", (token, sign, old), strict=True)
    )
    secrets = Secrets({"GH": token, "SIGN": sign}, {"SIGN": old})
    payload = '{"a": "<${ACCESS_TOKEN}>${GH}", "b": ${SIGN}, "c": "${alias}", "d": "${tag}"}'
    definition = make_definition(action=make_webhook(payload))
    for told in (event, replace(event, alias=token, tag=f"{old}{sign}")):
        made = request(render_body(definition, told, BOTH, secrets), secrets=secrets)
        assert made.headers["Authorization"] == f"Bearer {token}"
        kept = record_request(made, BOTH, secrets)
        text = "\n".join([kept.url, kept.body, *kept.headers.values()])
        for secret in (token, sign, old):
            assert secret not in text
            assert json.dumps(secret)[1:-1] not in text
        assert MASK in kept.body
        assert kept.headers["webhook-signature"] == made.headers["webhook-signature"]


def test_a_secret_that_contains_another_is_masked_as_a_whole() -> None:
    secrets = Secrets({"a": "geheim", "b": "geheim-lang", "c": ""})
    assert secrets.mask("x geheim-lang geheim y") == f"x {MASK} {MASK} y"


@given(st.integers(0, 30), st.sampled_from([TOKEN, "https://geheim.test/a", "q" * 40]))
def test_a_secret_at_the_cut_of_an_answer_is_not_halved(before: int, secret: str) -> None:
    told = "." * (MAX_KEPT - before) + secret + "." * 50
    kept = record_answer(Answer(200, error=told, body=told), Secrets({"S": secret}))
    assert (kept.body, kept.error) == (WITHHELD, WITHHELD)


def test_what_a_database_cannot_keep_of_an_answer_is_replaced() -> None:
    kept = record_answer(Answer(418, error="a\0b", body="\ud800", retry_after="7"), SECRETS)
    assert kept == Answer(418, error="a\ufffdb", body="\ufffd", retry_after="7")


def test_the_url_of_a_slack_hook_is_sent_to_and_never_recorded() -> None:
    made = request(endpoint=SLACK, secrets=HOOK)
    assert made.url == HOOK.values["HOOK"]
    assert record_request(made, SLACK, HOOK).url == MASK


def test_secrets_and_requests_do_not_show_themselves() -> None:
    assert "geheim" not in repr(SECRETS) + repr(HOOK)
    assert "geheim" not in repr(request()) + repr(request(endpoint=SLACK, secrets=HOOK))


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("a & b", "a &amp; b"),
        ("&lt;", "&amp;lt;"),
        ("<https://evil.example|click>", "&lt;https://evil.example|click&gt;"),
    ],
)
def test_text_from_outside_pings_nobody_in_slack(text: str, escaped: str) -> None:
    assert slack_escape(text) == escaped
    event = make_event(alias=text, author=text)
    templated = message(event, title="<b> ${alias}", message="${event_author}")
    assert templated["text"] == f"<b> {escaped}"
    assert templated["attachments"][0]["text"] == escaped
    default = json.dumps(message(event), ensure_ascii=False)
    assert escaped in default
    assert text not in default


def test_a_message_is_readable_without_a_template() -> None:
    told = message(make_event(), severity=Severity.ERROR)
    assert told == {
        "text": "deploy-on-prod: alias added",
        "attachments": [
            {
                "color": SLACK_COLOURS[Severity.ERROR],
                "text": "models/resnet:v3 ← production, by ada",
                "footer": "Firetower · ERROR",
                "ts": int(NOON.timestamp()),
            }
        ],
    }


def test_a_message_on_a_metric_says_what_was_found_where() -> None:
    run = make_run_snapshot(RunState.RUNNING)
    told = message(make_event(EventType.RUN_METRIC, run=run))
    assert told["text"] == "deploy-on-prod: metric threshold"
    found = "loss of resnet-50 (x3k9ab2c) is 0.7, above 0.65, at step 120 in acme/vision, by ada"
    assert told["attachments"][0]["text"] == slack_escape(found)
    change = ChangeCondition(
        metric="loss",
        aggregate=Aggregate.AVERAGE,
        window=2,
        change_type=ChangeType.RELATIVE,
        direction=Direction.INCREASE,
        amount=0.2,
    )
    crossing = Crossing.of(change, 7, [0.4, 0.42, 0.5, 0.6])
    event = replace(make_event(EventType.RUN_METRIC_CHANGE, run=run), metric=crossing)
    told = message(event, title="${metric_name} of ${run_name}: ${metric_filter_short}")
    assert told["text"] == "loss of resnet-50: average loss +20 %"
    found = "average loss of resnet-50 (x3k9ab2c) rose by 34.1 % over 2 values: 0.41 → 0.55"
    assert told["attachments"][0]["text"].startswith(found)


@given(st.text())
def test_escaped_text_reads_as_before_and_has_no_bracket(text: str) -> None:
    escaped = slack_escape(text)
    assert not set(escaped) & set("<>")
    back = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert back == text


def test_a_secret_written_into_a_webhooks_url_is_masked_there() -> None:
    endpoint = make_endpoint(url="https://ci.example/t0ken/hook")
    made = Request("https://ci.example/t0ken/hook", {}, b"{}")
    kept = record_request(made, endpoint, Secrets({"TOKEN": "t0ken"}))
    assert kept.url == f"https://ci.example/{MASK}/hook"

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError
from standardwebhooks.webhooks import EmptyWebhookSecretError

from core.builders import STANDARD_SECRET
from firetower.core.endpoints import SignatureEncoding
from firetower.core.masking import signing_key
from firetower.core.requests import standard_signature, wandb_signature

ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
SENT_AT = datetime.fromtimestamp(1614265330, UTC)


def whsec(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


def headers(signature: str, sent_at: datetime) -> dict[str, str]:
    return {
        "webhook-id": ID,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": signature,
    }


def test_the_vector_of_standard_webhooks() -> None:
    assert (
        standard_signature([STANDARD_SECRET], ID, SENT_AT, b'{"test": 2432232314}')
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


@pytest.mark.parametrize(
    ("encoding", "signature"),
    [
        (SignatureEncoding.BASE64, "4tKqnWHayH0Vdy0mtiM/LbZ7bOGK7h+UrHO5F40Uk8U="),
        (
            SignatureEncoding.HEX,
            "e2d2aa9d61dac87d15772d26b6233f2db67b6ce18aee1f94ac73b9178d1493c5",
        ),
    ],
)
def test_the_vector_of_wandb(encoding: SignatureEncoding, signature: str) -> None:
    body = b'{"key1": "value1", "key2": "value2"}'
    assert wandb_signature("your_api_secret", body, encoding) == signature


@given(st.binary(min_size=24, max_size=64), st.dictionaries(st.text(), st.text(), max_size=3))
def test_a_receiver_with_the_standards_package_verifies(key: bytes, data: dict[str, str]) -> None:
    now = datetime.now(UTC)  # the package compares with its own clock
    body = json.dumps(data).encode()
    signature = standard_signature([whsec(key)], ID, now, body)
    assert Webhook(whsec(key)).verify(body, headers(signature, now)) == data


@given(st.text(min_size=1).filter(lambda secret: not secret.startswith("whsec_")))
def test_a_secret_in_words_is_used_as_its_utf8_bytes(secret: str) -> None:
    now = datetime.now(UTC)
    signature = standard_signature([secret], ID, now, b"{}")
    assert Webhook(secret.encode()).verify(b"{}", headers(signature, now)) == {}


def test_rotated_secret_verifies_with_both_keys_and_no_third() -> None:
    now = datetime.now(UTC)
    old, new, other = (whsec(bytes([n]) * 32) for n in range(3))
    given = headers(standard_signature([new, old], ID, now, b"{}"), now)
    for secret in (old, new):
        Webhook(secret).verify(b"{}", given)
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(b"{}", given)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(b"{ }", given)


def test_each_attempt_is_signed_for_its_own_second() -> None:
    def signed(second: float) -> str:
        return standard_signature(["s"], ID, datetime.fromtimestamp(second, UTC), b"{}")

    assert signed(1614265330) == signed(1614265330.9) != signed(1614265331)


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        pytest.param(whsec(b"k" * 24), b"k" * 24, id="24 bytes"),
        pytest.param(whsec(b"k" * 64), b"k" * 64, id="64 bytes"),
        pytest.param(whsec(b"k" * 25).rstrip("="), b"k" * 25, id="without its padding"),
        pytest.param(whsec(b"k" * 23), b"k" * 23, id="shorter than the standard asks"),
        pytest.param(whsec(b"k" * 65), b"k" * 65, id="longer than the standard asks"),
        pytest.param("whsec_", b"whsec_", id="prefix alone"),
        pytest.param("whsec_hello", b"whsec_hello", id="a length base64 does not have"),
        pytest.param("whsec_é", "whsec_é".encode(), id="not ASCII"),
        pytest.param("pässword", "pässword".encode(), id="words"),
    ],
)
def test_key_of_a_secret_in_the_standards_form_is_decoded(secret: str, key: bytes) -> None:
    assert signing_key(secret) == key


@given(
    st.text("AZaz09+/=-_ !é", max_size=40)
    | st.binary(min_size=1).map(lambda key: whsec(key).removeprefix("whsec_").rstrip("="))
)
def test_wherever_the_standards_package_reads_a_key_it_is_this_one(text: str) -> None:
    try:
        key = Webhook("whsec_" + text)._whsecret
    except (ValueError, EmptyWebhookSecretError):  # it refuses what is no base64 at all
        key = f"whsec_{text}".encode()
    assert signing_key("whsec_" + text) == key


@given(st.text())
def test_no_secret_breaks_the_worker(secret: str) -> None:
    assert signing_key("whsec_" + secret)
    assert signing_key(secret) == secret.encode() or secret.startswith("whsec_")

"""Secrets are masked in whatever form an answer gives them back."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firetower.core.requests import Secrets
from firetower.core.templates import MASK

HOOK = Secrets({"HOOK": "https://hooks.slack.com/services/T0/B0/geheim"})


@pytest.mark.parametrize(
    "given_back",
    [
        "https://hooks.slack.com/services/T0/B0/geheim",
        "/services/T0/B0/geheim",
        "%2Fservices%2FT0%2FB0%2Fgeheim",
        "aHR0cHM6Ly9ob29rcy5zbGFjay5jb20vc2VydmljZXMvVDAvQjAvZ2VoZWlt",
    ],
)
def test_a_secret_is_masked_in_every_form_in_which_an_answer_may_give_it_back(
    given_back: str,
) -> None:
    assert HOOK.mask(f"Cannot POST {given_back} here") == f"Cannot POST {MASK} here"


@given(st.text())
def test_whatever_the_secret_is_it_is_masked(value: str) -> None:
    assert value == "" or value not in Secrets({"S": value}).mask(f"x{value}y").replace(MASK, "")


@pytest.mark.parametrize("code", [b64encode, urlsafe_b64encode])
@given(st.binary(max_size=40), st.text(min_size=8, max_size=40), st.binary(max_size=40))
def test_base64_of_a_longer_text_keeps_nothing_of_a_secret_in_it(
    code: Callable[[bytes], bytes], before: bytes, secret: str, after: bytes
) -> None:
    content = secret.encode(errors="replace")
    encoded = code(before + content + after).decode()
    masked = Secrets({"S": secret}).mask(f"Basic {encoded}")
    assert MASK in masked
    own = 8 * len(before + content) // 6 - -(-8 * len(before) // 6)
    assert len(masked.replace(MASK, "")) <= len(f"Basic {encoded}") - own


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        ("dXNlcjpodW50ZXI0Mg==", f"dXNlcjp{MASK}g=="),
        ("dXNlcjE6aHVudGVyNDI=", f"dXNlcjE6{MASK}="),
        ("eyJwIjoiaHVudGVyNDIifQ==", f"eyJwIjoi{MASK}ifQ=="),
    ],
)
def test_user_and_password_in_base64(encoded: str, expected: str) -> None:
    assert Secrets({"S": "hunter42"}).mask(encoded) == expected


def test_base64_of_a_short_secret_is_no_part_of_another_text() -> None:
    short = Secrets({"S": "abc12"})
    assert short.mask("YWJjMTI=") == f"{MASK}="
    assert short.mask(b64encode(b"xxabc12yy").decode()) == b64encode(b"xxabc12yy").decode()

"""The values that a secret may have, by what an endpoint does with it."""

import pytest

from firetower.core.endpoints import MAX_SECRET, SecretUse, check_secret_value
from firetower.core.errors import InvalidInput

PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----"
TOKEN, URL, SIGNING = SecretUse.ACCESS_TOKEN, SecretUse.URL, SecretUse.SIGNING


@pytest.mark.parametrize(
    ("value", "uses"),
    [
        (PEM, [SIGNING]),
        ("schlüssel\tμ\r\n", [SIGNING]),
        ("x" * MAX_SECRET, []),
        ("abc.DEF-123 ~", [TOKEN, SIGNING]),
        ("https://hooks.slack.com/T0/B0", [URL]),
    ],
)
def test_value_that_can_be_sent_is_kept_whole(value: str, uses: list[SecretUse]) -> None:
    assert check_secret_value(value, *uses) == value


@pytest.mark.parametrize(
    ("value", "uses", "words"),
    [
        ("", [], "empty"),
        (" \t\n", [], "empty"),
        ("x" * (MAX_SECRET + 1), [], "too long"),
        ("\ufeffq1w2e3", [], "byte order mark"),
        ("q1w2\x00e3", [SIGNING], r"control character \x00"),
        ("q1w2\x7fe3", [], r"control character \x7f"),
        ("q1w2\x1be3", [], r"control character \x1b"),
        ("q1w2\x85e3", [], r"control character \x85"),
        ("q1w2\ufffde3", [SIGNING], "are no text"),
        ("q1w2\ud800e3", [], r"control character \ud800"),
        (PEM, [TOKEN], "access token"),
        ("q1w2\r", [TOKEN], "access token"),
        ("q1w2\t", [TOKEN], "access token"),
        ("q1w2é", [SIGNING, TOKEN], "access token"),
        ("q1w2 ", [TOKEN], "access token"),
        ("hooks.slack.test/q1w2", [URL], "no URL"),
        ("https://slack.test/q1w2\n", [URL], "no URL"),
    ],
)
def test_value_that_cannot_be_sent_is_refused_unrepeated(
    value: str, uses: list[SecretUse], words: str
) -> None:
    with pytest.raises(InvalidInput) as raised:
        check_secret_value(value, *uses)
    assert words in raised.value.message
    assert "q1w2" not in raised.value.text

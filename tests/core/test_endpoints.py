from typing import Any

import pytest

from core.builders import make_endpoint, refusal
from firetower.core.endpoints import EndpointKind, check_url, shown_url
from firetower.core.requests import Request, Secrets, record_request


@pytest.mark.parametrize(
    "url",
    [
        "https://ci.example/hook",
        "http://localhost:8080",
        "http://10.0.0.1/a?b=c#d",
        "HTTPS://CI.EXAMPLE/",
        "http://[::1]:9000/hook",
        "https://hooks.slack.com/services/T0/B0/x",
        "http://ci_1.in-side.example.:80/?sig=a%2fb+c",
        "https://b\u00fccher.example/",
        "https://xn--bcher-kva.example/",
    ],
)
def test_an_http_url_with_a_host_is_taken(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "not http"),
        ("ci.example/hook", "not http"),
        ("ftp://ci.example", "not http"),
        ("file:///etc/passwd", "not http"),
        ("javascript:alert(1)", "not http"),
        ("//ci.example", "not http"),
        ("http://", "no host"),
        ("http://a..b/", "no host"),
        ("http://./", "no host"),
        ("http://.a/", "no host"),
        ("http://a.b../", "no host"),
        ("http://-a.b/", "no host"),
        ("http://a-.b/", "no host"),
        ("http://a%20b/", "no host"),
        ("http://a,b/", "no host"),
        ("http://*.b/", "no host"),
        ("http://1.2.3/", "no host"),
        ("http://999.1.1.1/", "no host"),
        ("http://" + "a" * 64 + ".b/", "no host"),
        ("http://" + "a." * 127 + "bc/", "no host"),
        ("https:///hook", "no host"),
        ("http://:80/", "no host"),
        ("http://a b/", "no host"),
        ("http://ci.example/a b", "no host"),
        ("http://ci.example:0/", "no host"),
        ("http://ci.example/\n", "no host"),
        ("http://ci.example/\x1b[2J", "no host"),
        ("http://ci.example:99999/", "cannot be read"),
        ("http://ci.example:http/", "cannot be read"),
        ("http://[::1/", "cannot be read"),
        ("http://[::1]x/", "no host"),
        ("http://[v1.x]/", "no host"),
    ],
)
def test_another_url_is_refused(url: str, why: str) -> None:
    said = refusal(lambda: check_url(url))
    assert why in said
    assert "https://HOST/PATH" in said
    assert "\x1b" not in said


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?token=q1w2", "?token=••••"),
        (
            "?access_token=q1w2==&api_key=q1/w2&branch=q1",
            "?access_token=••••&api_key=••••&branch=••••",
        ),
        ("?X-Amz-Signature=q1&sig=q1%26w2#key=q1", "?X-Amz-Signature=••••&sig=••••#key=••••"),
        ("?q1w2", "?••••"),
        ("?a=1;key=q1", "?a=••••"),
        ("#q1?x=q1", "#••••"),
        ("?a=b?c=q1\nq1", "?a=••••"),
        ("", ""),
    ],
)
def test_values_of_a_query_are_shown_nowhere(query: str, shown: str) -> None:
    url = f"https://ci.example/a&b=c/{query}"
    assert shown_url(url) == f"https://ci.example/a&b=c/{shown}"
    endpoint = make_endpoint(url=url)
    assert endpoint.target.endswith(shown)
    assert "q1" not in endpoint.target + endpoint.address
    assert "q1" not in refusal(lambda: check_url(f"ftp{url}"))
    request = Request(url, {}, b"")
    assert "q1" not in record_request(request, endpoint, Secrets()).url


@pytest.mark.parametrize("url", ["https://ada:hunter2@ci.example/", "https://hunter2@ci.example"])
def test_a_url_with_a_password_is_refused_without_showing_it(url: str) -> None:
    said = refusal(lambda: check_url(url))
    assert "--access-token" in said
    assert "hunter2" not in said
    without = url.partition("://")[2]
    for wrong in (
        f"ftp://{url[8:]}",
        without,
        f"https:{without}",
        f"{url.strip('/')}:99999",
        f"{url} x",
    ):
        said = refusal(lambda: check_url(wrong))  # noqa: B023 - called at once
        assert "https://HOST/PATH" in said
        assert "hunter2" not in said
    assert "hunter2" not in refusal(lambda: check_url("https://ada:hunter2/x@ci.example"))


@pytest.mark.parametrize(
    ("settings", "granted", "used"),
    [
        ({}, set(), set()),
        ({"access_token_secret": "GH"}, {"GH", "ACCESS_TOKEN"}, {"GH"}),
        ({"signing_secret": "SIGN"}, {"SIGN"}, {"SIGN"}),
        (
            {"access_token_secret": "GH", "signing_secret": "SIGN"},
            {"GH", "SIGN", "ACCESS_TOKEN"},
            {"GH", "SIGN"},
        ),
        ({"url": None, "url_secret": "HOOK"}, set(), {"HOOK"}),
    ],
    ids=["none", "token", "signing", "both", "slack"],
)
def test_an_endpoint_grants_its_own_secrets_but_never_its_url(
    settings: dict[str, Any], granted: set[str], used: set[str]
) -> None:
    given = make_endpoint(**settings).settings
    assert given.granted == granted
    assert given.secret_names == used


def test_the_target_of_a_slack_hook_is_never_its_url() -> None:
    slack = make_endpoint(kind=EndpointKind.SLACK, url=None, url_secret="HOOK")
    assert slack.target == "Slack, URL in secret HOOK"
    assert make_endpoint().target == "https://ci.example/hook"


def test_an_endpoint_is_enabled_until_it_is_disabled() -> None:
    assert make_endpoint().enabled
    assert not make_endpoint(disabled_reason="gone").enabled

import re
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.builders import refusal
from firetower.core.errors import InvalidInput
from firetower.core.references import (
    check_alias,
    check_automation_name,
    check_endpoint_name,
    check_name,
    check_secret_name,
    is_version_like,
)


@pytest.mark.parametrize(
    "name", ["resnet", "ResNet 50", "a", "x" * 128, "prod-é", "模型", "[b]", "a.b_c", "v1.2", "-"]
)
def test_a_name_is_any_printable_text_without_slash_and_colon(name: str) -> None:
    assert check_name(name, "collection name") == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param(" ", "is empty", id="blank"),
        pytest.param(" resnet", "spaces around", id="leading space"),
        pytest.param("resnet\n", "spaces around", id="trailing newline"),
        pytest.param("x" * 129, "129 characters", id="129 characters"),
        pytest.param("a/b", 'contains "/"', id="slash"),
        pytest.param("a:b", 'contains ":"', id="colon"),
        pytest.param("a\x1b[31mb", "control character", id="escape sequence"),
        pytest.param("a\x00b", "control character", id="null"),
        pytest.param("a\x85b", "control character", id="C1 control"),
        pytest.param("a\u2028b", "control character", id="line separator"),
        pytest.param("a\ud800b", "control character", id="lone surrogate"),
        pytest.param("prod\u200b", "invisible character", id="zero-width space"),
        pytest.param("p\u200drod", "invisible character", id="zero-width joiner"),
        pytest.param("pr\u00adod", "invisible character", id="soft hyphen"),
        pytest.param("\u202eprod", "invisible character", id="direction"),
        pytest.param("prod\ufe0f", "invisible character", id="variation selector"),
        pytest.param("prod\u3164", "invisible character", id="filler"),
        pytest.param("prod\u034f", "invisible character", id="grapheme joiner"),
        pytest.param("prod\U000e0041", "invisible character", id="language tag"),
    ],
)
def test_a_name_that_would_break_something_is_refused(name: str, why: str) -> None:
    said = refusal(lambda: check_name(name, "collection name"))
    assert why in said
    assert "collection name" in said
    assert said.replace("\n", " ").isprintable()


@given(st.text(st.characters(), max_size=140))
def test_what_passes_as_a_name_never_breaks_a_reference_or_a_line(name: str) -> None:
    try:
        name = check_name(name, "alias")
    except InvalidInput:
        return
    assert unicodedata.is_normalized("NFC", name)
    assert not {unicodedata.category(c) for c in name} & {"Cf"}
    assert 1 <= len(name) <= 128
    assert name == name.strip()
    assert not set(name) & set("/:")
    assert len(name.splitlines()) == 1
    assert not {unicodedata.category(c) for c in name} & {"Cc", "Cs", "Zl", "Zp"}


@given(
    st.text(
        st.characters(
            categories=["L", "N", "P", "S"], exclude_characters="/:\u115f\u1160\u2800\u3164\uffa0"
        ),
        min_size=1,
        max_size=40,
    )
)
def test_printable_text_of_one_word_is_a_name_in_one_spelling(name: str) -> None:
    spellings = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    assert {check_name(spelling, "tag") for spelling in spellings} == {
        unicodedata.normalize("NFC", name)
    }


@pytest.mark.parametrize("check", [check_alias, check_automation_name, check_endpoint_name])
def test_two_spellings_of_a_name_are_one(check: Callable[[str], str]) -> None:
    assert check("cafe\u0301") == check("caf\u00e9") == "caf\u00e9"


@pytest.mark.parametrize("name", [None, 7, ["a"], {"a": 1}, b"a"])
def test_what_is_no_text_is_no_name(name: str) -> None:
    assert "not text" in refusal(lambda: check_name(name, "alias"))


@pytest.mark.parametrize("alias", ["production", "Latest", "v", "v1.0", "version3", "V1", "v1a"])
def test_an_alias_is_a_name_that_the_catalog_does_not_give(alias: str) -> None:
    assert check_alias(alias) == alias


@pytest.mark.parametrize(
    ("alias", "why"),
    [
        ("latest", "moved by logging"),
        ("v0", "version number"),
        ("v12345", "version number"),
        ("a:b", '":"'),
        ("", "empty"),
    ],
)
def test_an_alias_of_the_catalog_cannot_be_set_by_hand(alias: str, why: str) -> None:
    assert why in refusal(lambda: check_alias(alias))


@given(st.integers(0, 10**9))
def test_every_version_number_is_version_like(index: int) -> None:
    assert is_version_like(f"v{index}")
    assert not is_version_like(f"v{index}\n")
    assert not is_version_like(f"-v{index}")


@pytest.mark.parametrize("name", ["deploy", "deploy / prod: eu", "x" * 255, "[bold]"])
def test_an_automation_has_a_name_of_one_line(name: str) -> None:
    assert check_automation_name(name) == name


@pytest.mark.parametrize(
    ("name", "why"),
    [("", "empty"), ("  ", "empty"), ("a\nb", "control"), ("x" * 256, "256 characters")],
    ids=["empty", "blank", "two lines", "256 characters"],
)
def test_an_automation_name_that_cannot_be_read_is_refused(name: str, why: str) -> None:
    assert why in refusal(lambda: check_automation_name(name))


WANDB_WEBHOOK_NAME = re.compile(r"^[-\w]+([ ]+[-\w]+)*\Z")


@given(st.text(st.sampled_from("aé_- 9.\n/"), max_size=70))
def test_an_endpoint_name_follows_wandbs_rule(name: str) -> None:
    if WANDB_WEBHOOK_NAME.match(name) and len(name) <= 64:
        assert check_endpoint_name(name) == name
    else:
        assert "not allowed" in refusal(lambda: check_endpoint_name(name))


def test_long_almost_valid_endpoint_name_is_refused_at_once() -> None:
    assert "64" in refusal(lambda: check_endpoint_name("a " * 100_000))


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "a", "_", "9"])
def test_a_secret_name_has_letters_digits_and_underscores(name: str) -> None:
    assert check_secret_name(name) == name


@pytest.mark.parametrize("name", ["", "a-b", "a b", "é", "a\n", "x" * 129, "${a}"])
def test_another_secret_name_is_refused(name: str) -> None:
    assert "not allowed" in refusal(lambda: check_secret_name(name))

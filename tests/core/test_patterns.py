import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from core.builders import refusal
from firetower.core.errors import InvalidInput
from firetower.core.filters.patterns import MAX_PATTERN, Pattern


class Holder(BaseModel):
    pattern: Pattern


@pytest.mark.parametrize(
    ("source", "text", "found"),
    [
        ("prod", "my-prod-1", True),
        ("^prod", "my-prod", False),
        ("^prod$", "prod", True),
        ("", "anything", True),
        ("(?i)PROD", "prod", True),
        ("é.", "né!", True),
        ("^.$", "模", True),
        (r"^\d+$", "12\n", False),
        ("a.b", "a\nb", False),
        ("a", "\ud800a", True),
    ],
)
def test_a_pattern_is_searched_for_anywhere(source: str, text: str, found: bool) -> None:
    assert Pattern(source).search(text) is found


@pytest.mark.timeout(10)
@pytest.mark.parametrize("source", ["(a+)+$", "(a|a)+$", "(a|aa)+$", "(.*a){20}$"])
def test_a_pattern_that_would_hang_a_backtracking_engine_finishes(source: str) -> None:
    assert not Pattern(source).search("a" * 100_000 + "!")


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("(", id="open group"),
        pytest.param("[a", id="open class"),
        pytest.param("*a", id="nothing to repeat"),
        pytest.param("a(?=b)", id="look-ahead"),
        pytest.param("(?<!a)b", id="look-behind"),
        pytest.param(r"(a)\1", id="back-reference"),
        pytest.param("((a{100}){100}){100}", id="too large"),
        pytest.param("(\x1b[31m", id="escape sequence"),
    ],
)
def test_a_pattern_that_re2_does_not_take_is_refused_in_its_words(
    source: str, capfd: pytest.CaptureFixture[str]
) -> None:
    said = refusal(lambda: Pattern(source))
    assert said.startswith("RE2 refuses the regex")
    assert said.replace("\n", " ").isprintable()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("source", ["a(?=b)", "(?!a)b", "(?<!a)b", "(?<=a)b", "(?>a)", r"(a)\1"])
def test_look_around_is_named_where_it_is_used(source: str) -> None:
    assert "no look-around" in refusal(lambda: Pattern(source))


@pytest.mark.parametrize("source", ["(", "[a", "*a", "a{9999}", "[z-a]", r"\Za", "(?i", "(?x)a"])
def test_other_mistakes_say_nothing_of_look_around(source: str) -> None:
    assert "look-around" not in refusal(lambda: Pattern(source))


def test_a_pattern_is_bounded_in_length() -> None:
    Pattern("a" * MAX_PATTERN)
    assert "1,001 characters" in refusal(lambda: Pattern("a" * (MAX_PATTERN + 1)))


@given(st.text(st.sampled_from("ab-.é")), st.text(st.sampled_from("ab-.é"), max_size=3))
def test_an_escaped_text_is_found_exactly_where_it_stands(text: str, part: str) -> None:
    assert Pattern(re.escape(part)).search(text) is (part in text)


@given(
    st.text(st.sampled_from("ab^$|.*+?"), max_size=8), st.text(st.sampled_from("ab"), max_size=8)
)
def test_what_re2_takes_means_what_pythons_re_means(source: str, text: str) -> None:
    try:
        expected = re.search(source.replace("$", r"\Z"), text) is not None
        pattern = Pattern(source)
    except (re.error, InvalidInput):  # one of the two engines does not take it
        return
    assert pattern.search(text) is expected


def test_equal_patterns_are_one_and_are_stored_as_text() -> None:
    holder = Holder(pattern=Pattern("^a"))
    assert holder.model_dump_json() == '{"pattern":"^a"}'
    assert Holder.model_validate_json('{"pattern":"^a"}') == holder
    assert len({Pattern("^a"), Pattern("^a"), Pattern("a")}) == 2
    assert str(Pattern("^a")) == "^a"

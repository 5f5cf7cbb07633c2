import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from firetower.core.errors import InvalidInput
from firetower.core.filters.patterns import Pattern, PatternSet, plain_search, re2_search

CHARACTERS = "aAb-_.|^$\\/ \n\té模\x00\ud800"
TEXTS = st.text(st.sampled_from(CHARACTERS), max_size=6)
WORDS = st.text(st.sampled_from("aAb-_.|^$\\/ \n\té模\x00"), max_size=3).map(
    lambda word: re.sub(r"([-_.|^$\\/])", r"\\\1", word)
)
GROUPS = st.lists(WORDS, min_size=1, max_size=3).flatmap(
    lambda words: st.sampled_from(["({})", "(?:{})"]).map(lambda form: form.format("|".join(words)))
)
PLAIN = st.tuples(
    st.sampled_from(["", "^"]), st.one_of(WORDS, GROUPS), st.sampled_from(["", "$", ".*"])
).map("".join)
PIECES = st.sampled_from(
    [*"aAb|^$()[].*+?{}\\", "a", "b", r"\d", r"\.", r"\|", "(a|b)", "[a|]", "{2}", "(?i)", r"\Q|\E"]
)
"""Of any expression, whether RE2 takes it or not."""


@given(PLAIN, TEXTS)
@example("^prod$", "prod\n")
@example("(|a)", "")
@example("a.*", "\na\n")
def test_a_plain_expression_finds_what_re2_finds(source: str, text: str) -> None:
    plain = plain_search(source)
    assert plain is not None
    assert plain(text) is re2_search(source)(text)


@given(st.lists(PIECES, max_size=8).map("".join), TEXTS)
@example("^a|b", "b")
@example("^ab?", "a")
@example("^ab{0}", "a")
@example("^a(b|c)|b", "b")
@example(r"^a[(]|b[)]", "b)")
def test_any_expression_means_what_it_means_to_re2(source: str, text: str) -> None:
    try:
        found = re2_search(source)(text)
    except InvalidInput:
        return
    assert Pattern(source).search(text) is found
    assert sorted(PatternSet([source, ""]).matching(text)) == ([0, 1] if found else [1])


@pytest.mark.parametrize("source", ["prod.", "^prod|staging$", "(?i)prod", r"\d", "a{2}", ".*prod"])
def test_what_says_more_than_a_text_is_left_to_re2(source: str) -> None:
    assert plain_search(source) is None


@given(st.lists(PLAIN, max_size=8), TEXTS)
def test_a_set_finds_what_each_pattern_finds(sources: list[str], text: str) -> None:
    found = [place for place, source in enumerate(sources) if Pattern(source).search(text)]
    assert sorted(PatternSet(sources).matching(text)) == found


def test_a_set_too_large_for_its_memory_still_finds_all() -> None:
    sources = [f"(?i)stage-{number}[a-z]+x?" for number in range(300)]
    for max_memory in (50_000, 150_000, 400_000):
        assert PatternSet(sources, max_memory=max_memory).matching("Stage-17ab") == [17]

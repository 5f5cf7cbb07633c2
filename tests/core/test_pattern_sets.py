from hypothesis import example, given
from hypothesis import strategies as st

from firetower.core.errors import InvalidInput
from firetower.core.filters.patterns import Pattern, PatternSet

TEXTS = st.text(st.sampled_from("aAb-_.|^$\\/ \n\té模\x00\ud800"), max_size=6)
PIECES = st.sampled_from(
    [*"aAb|^$()[].*+?{}\\", "a", "b", r"\d", r"\.", r"\|", "(a|b)", "[a|]", "{2}", "(?i)", r"\Q|\E"]
)


def _accepted(source: str) -> bool:
    try:
        Pattern(source)
    except InvalidInput:
        return False
    return True


SOURCES = st.lists(PIECES, max_size=8).map("".join).filter(_accepted)


@given(st.lists(SOURCES, max_size=8), TEXTS)
@example(["^prod$", "prod"], "prod\n")
@example(["^a|b", ""], "b")
@example([r"^a[(]|b[)]", "a.*"], "b)")
def test_a_set_finds_what_each_pattern_finds(sources: list[str], text: str) -> None:
    found = [place for place, source in enumerate(sources) if Pattern(source).search(text)]
    assert sorted(PatternSet(dict(enumerate(sources))).matching(text)) == found


def test_a_set_too_large_for_its_memory_still_finds_all() -> None:
    sources = {number: f"(?i)stage-{number}[a-z]+x?" for number in range(300)}
    for max_memory in (50_000, 150_000, 400_000):
        assert PatternSet(sources, max_memory=max_memory).matching("Stage-17ab") == [17]

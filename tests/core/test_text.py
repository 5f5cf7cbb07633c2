import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.strategies import jsons
from firetower.core.errors import NotFound
from firetower.core.text import (
    agreeing,
    and_list,
    counted,
    is_needed,
    nearest,
    quoted,
    shortened,
    storable,
    visible,
)


@pytest.mark.parametrize(
    ("word", "found"),
    [("alais", "alias"), ("taag", "tag"), ("alias", "alias"), ("zzz", None), ("", None)],
)
def test_the_nearest_choice_is_a_likely_one_or_none(word: str, found: str | None) -> None:
    assert nearest(word, ["tag", "alias", "collection"]) == found


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("plain [/b] text", "plain [/b] text"),
        ("é 模型 🔥", "é 模型 🔥"),
        ("\x1b[31m", r"\x1b[31m"),
        ("a\nb\r", r"a\nb\r"),
        ("\u202eevil", r"\u202eevil"),
        ("\u200b", r"\u200b"),
        ("\ud800", r"\ud800"),
        ("\u2028", r"\u2028"),
        ("\x9b", r"\x9b"),
    ],
)
def test_control_characters_are_drawn_as_escapes(text: str, drawn: str) -> None:
    assert visible(text) == drawn


@given(st.text(st.characters()))
def test_visible_text_has_nothing_a_terminal_obeys(text: str) -> None:
    shown = visible(text)
    shown.encode("utf-8")
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert visible(shown) == shown


@given(st.text(st.characters(exclude_categories=())))
def test_storable_text_is_unicode_without_nul_and_else_the_same(text: str) -> None:
    kept = storable(text)
    assert "\0" not in kept
    assert kept.encode("utf-8").decode("utf-8") == kept
    assert storable(kept) == kept
    if text.isprintable():
        assert kept == text


@pytest.mark.parametrize(("text", "kept"), [("a\0b", "a\ufffdb"), ("a\ud800b", "a\ufffdb")])
def test_what_no_database_keeps_is_replaced(text: str, kept: str) -> None:
    assert storable(text) == kept


@given(jsons)
def test_a_quoted_value_is_its_json_on_one_line(value: object) -> None:
    shown = quoted(value)
    assert len(shown.splitlines()) == 1
    assert shown == visible(json.dumps(value, ensure_ascii=False))


@given(st.text(), st.integers(1, 10))
def test_shortened_text_fits_and_says_that_it_was_cut(text: str, limit: int) -> None:
    short = shortened(text, limit)
    assert len(short) <= limit
    assert short == text or (len(text) > limit and short == text[: limit - 1] + "…")


@pytest.mark.parametrize(
    ("items", "read"),
    [([], ""), (["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c")],
)
def test_a_list_reads_as_a_sentence_does(items: list[str], read: str) -> None:
    assert and_list(items, "or") == and_list(items, "or", most=3) == read


@pytest.mark.parametrize(
    ("count", "read"), [(2, "1 and 2"), (3, "1, 2 and 1 more"), (1_002, "1, 2 and 1,000 more")]
)
def test_a_long_list_says_how_many_more_there_are(count: int, read: str) -> None:
    assert and_list(map(str, range(1, count + 1)), most=2) == read


def test_error_leaves_out_the_middle_of_what_is_too_long() -> None:
    error = NotFound(f"there is no automation {'x' * 10**6}", "y" * 10**6)
    assert error.message.startswith("there is no automation xxx")
    assert "… (998,023 characters) …xxx" in error.message
    assert len(error.text) < 5_000
    assert NotFound("short", "hint").text == "short\nhint"
    assert nearest("deplo" * 10**5, ["deploy"]) is None


def test_a_count_agrees_with_its_noun() -> None:
    assert counted(1, "try", "tries") == "1 try"
    assert counted(0, "version") == "0 versions"
    assert counted(12_345, "try", "tries") == "12,345 tries"


@pytest.mark.parametrize(
    ("number", "verb", "said"),
    [
        (0, "match", "match"),
        (1, "match", "matches"),
        (2, "match", "match"),
        (1, "wait", "waits"),
        (1, "use", "uses"),
        (1, "are", "is"),
        (1, "have", "has"),
        (3, "have", "have"),
    ],
)
def test_verb_goes_with_its_number(number: int, verb: str, said: str) -> None:
    assert agreeing(number, verb) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [("Name", "Name is needed"), ("Aliases", "Aliases are needed"), ("Tags", "Tags are needed")],
)
def test_what_is_needed_is_said_in_its_number(name: str, said: str) -> None:
    assert is_needed(name) == said


@pytest.mark.parametrize("what", ["deep", "in a circle", "digits", "key", "own text"])
def test_value_that_cannot_be_written_is_quoted_as_its_type(what: str) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    value: object = 10**5_000
    match what:
        case "deep":
            value = []
            for _ in range(100_000):
                value = [value]
        case "in a circle":
            circle: list[object] = []
            circle.append(circle)
            value = circle
        case "key":
            value = {(1, 2): 3}
        case "own text":
            value = Broken()
    assert quoted(value) == f"({type(value).__name__})"

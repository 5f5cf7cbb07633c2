import json
import math
from collections.abc import Callable
from enum import Enum, IntEnum, StrEnum
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.builders import refusal
from core.strategies import jsons
from firetower.core.json import MAX_DEPTH, clean, dump, parse, parse_object
from firetower.core.templates import PayloadTemplate
from firetower.core.text import MAX_DIGITS


class Size(IntEnum):
    SMALL = 1


class Colour(StrEnum):
    RED = "red"


class Shade(str, Enum):  # noqa: UP042 - as enums were written before StrEnum
    DARK = "dark"


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@given(jsons)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert parse(dump(value), "the value") == value
    assert parse_object(dump({"value": value})) == {"value": value}


@given(jsons | st.text(st.characters()))
def test_written_json_is_ascii_on_one_line(value: Any) -> None:
    text = dump(value)
    assert text.isascii()
    assert len(text.splitlines()) == 1
    assert json.loads(text) == value


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        pytest.param(math.nan, "NaN", id="nan"),
        pytest.param({"loss": [math.inf, -math.inf]}, {"loss": ["Infinity", "-Infinity"]}, id="∞"),
        pytest.param((1, 2), [1, 2], id="tuple"),
        pytest.param({1: "a", None: "b"}, {"1": "a", "None": "b"}, id="keys that are not text"),
        pytest.param(Size.SMALL, 1, id="int enum"),
        pytest.param(Colour.RED, "red", id="str enum"),
        pytest.param(np.float64(0.5), 0.5, id="numpy float"),
        pytest.param(np.float32("nan"), "NaN", id="numpy nan"),
        pytest.param(np.int64(7), 7, id="numpy int"),
        pytest.param(np.bool_(1), True, id="numpy bool"),
        pytest.param(np.longdouble("0.5"), 0.5, id="numpy long double"),
        pytest.param(np.longdouble("inf"), "Infinity", id="numpy long infinity"),
        pytest.param(np.array([0.5], np.longdouble), [0.5], id="numpy long doubles"),
        pytest.param(np.array([[1.0, np.inf]]), [[1.0, "Infinity"]], id="numpy array"),
        pytest.param(
            {0: 0, None: 0, np.int64(2): 0, Size.SMALL: 0, Shade.DARK: 0},
            {"0": 0, "None": 0, "2": 0, "1": 0, "dark": 0},
            id="keys",
        ),
    ],
)
def test_python_values_become_plain_json(value: object, plain: object) -> None:
    cleaned = clean(value, "the metadata")
    assert cleaned == plain
    assert json.loads(dump(cleaned)) == plain


@pytest.mark.parametrize(
    "value",
    [
        *(b"bytes", {1, 2}, object(), 1j, {"a": [print]}, np.complex128(1), np.clongdouble(1)),
        *(np.datetime64("2026-01-01T00:00:00.000000001"), np.timedelta64(1, "ns")),
        np.array(["2026-01-01"], "datetime64[ns]"),
        *({b"key": 1}, {(1, 2): 1}, {"a": {frozenset(): 1}}),
    ],
)
def test_a_value_that_json_does_not_have_is_refused_by_its_type(value: object) -> None:
    assert "which JSON does not have" in refusal(lambda: clean(value, "the metadata"))


@pytest.mark.parametrize("text", ["", "{", "{'a': 1}", "nul", '{"a": 1,}', "1 2", "\ufeff{}"])
def test_text_that_is_not_json_is_refused_with_its_place(text: str) -> None:
    assert "the filter is not JSON" in refusal(lambda: parse(text, "the filter"))


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda: parse("1" * (MAX_DIGITS + 1), "the metadata"), id="text"),
        pytest.param(lambda: parse("1" * 5_000, "the metadata"), id="text Python cannot read"),
        pytest.param(lambda: clean({"n": -(10**MAX_DIGITS)}, "the metadata"), id="value"),
    ],
)
def test_a_number_without_end_is_refused(act: Callable[[], object]) -> None:
    assert "more than 4,000 digits" in refusal(act)


@pytest.mark.parametrize("number", ["1e400", "-1e400", "2e73600", "1e-400", "-0.0001E-999"])
def test_a_number_out_of_range_is_refused_in_json(number: str) -> None:
    said = refusal(lambda: parse(f'{{"a": [{number}]}}', "the metadata"))
    assert f"the metadata contains {number}, beyond the range" in said


def test_a_number_out_of_range_is_refused_in_python() -> None:
    assert "beyond the range" in refusal(lambda: clean(np.longdouble("1e4000"), "the metadata"))


@pytest.mark.parametrize("number", ["0.0", "-0.0e5", "0E-999", "1.7976931348623157e308", "5e-324"])
def test_a_number_at_the_edge_of_the_range_is_read(number: str) -> None:
    assert parse(number, "the metadata") == float(number)


@pytest.mark.parametrize("text", ['{"a":1,"a":1}', '[{"b":{"a":1,"c":2,"\\u0061":2}}]'])
def test_two_equal_keys_of_one_object_are_refused_by_name(text: str) -> None:
    assert 'the filter has the key "a" twice' in refusal(lambda: parse(text, "the filter"))
    payload = text.replace(":1", ":${alias}")
    assert 'the payload has the key "a" twice' in refusal(lambda: PayloadTemplate.parse(payload))


def test_two_keys_of_one_name_in_python_are_refused() -> None:
    assert 'key "1" twice' in refusal(lambda: clean({1: "a", "1": "b"}, "the metadata"))


@pytest.mark.parametrize("number", [2**63, -(2**70), 10**MAX_DIGITS - 1])
def test_a_number_beyond_64_bits_is_kept_whole(number: int) -> None:
    assert parse(dump(clean(number, "the metadata")), "the metadata") == number


@pytest.mark.parametrize("depth", [MAX_DEPTH + 2, 1_000, 100_000])
def test_deep_nesting_is_refused_and_not_recursed_into(depth: int) -> None:
    assert "nested deeper" in refusal(lambda: parse(nested(depth), "the filter"))


def test_nesting_up_to_the_limit_is_read() -> None:
    assert dump(parse(nested(MAX_DEPTH), "the filter")) == nested(MAX_DEPTH)


def test_a_list_that_holds_itself_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert "nested deeper" in refusal(lambda: clean(loop, "the metadata"))

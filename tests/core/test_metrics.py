import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from core.builders import refusal
from firetower.core.metrics import (
    MAX_WINDOW,
    AnyMetricCondition,
    ChangeType,
    Condition,
    Crossing,
    number,
    parse_change,
    parse_number,
    parse_window,
)

ADAPTER: TypeAdapter[Any] = TypeAdapter(Condition)
NAN, INF = math.nan, math.inf


def condition(kind: str, **given: Any) -> AnyMetricCondition:
    made: AnyMetricCondition = ADAPTER.validate_python({"kind": kind, "metric": "loss", **given})
    return made


def threshold(comparison: str = "$gt", value: float = 0.65, **given: Any) -> AnyMetricCondition:
    return condition("threshold", comparison=comparison, threshold=value, **given)


def change(direction: str, amount: float, **given: Any) -> AnyMetricCondition:
    return condition(
        "change", **{"change_type": "RELATIVE", "direction": direction, "amount": amount} | given
    )


AVERAGE_5 = threshold(aggregate="AVERAGE", window=5)
RISES = change("INCREASE", 0.3, aggregate="AVERAGE", window=2)
FALLS = change("DECREASE", 0.1, change_type="ABSOLUTE")
ZSCORE = condition("zscore", window=3, threshold=2)

READINGS = [
    (threshold(), [0.7], True, "loss of resnet is 0.7, above 0.65"),
    (threshold(), [0.65], False, "loss is 0.65, asked: > 0.65"),
    (threshold("$gte"), [0.65], True, "loss of resnet is 0.65, at least 0.65"),
    (threshold("$lt"), [0.7, 0.6], True, "loss of resnet is 0.6, below 0.65"),
    (threshold("$lte"), [0.65], True, "loss of resnet is 0.65, at most 0.65"),
    (threshold("$eq", 0), [0.0], True, "loss of resnet is 0, exactly 0"),
    (threshold("$ne", 0), [1e-7], True, "loss of resnet is 1e-07, not 0"),
    (threshold("$ne", 0), [NAN], False, "the window holds a value that is not a finite number"),
    (threshold(), [INF], False, "the window holds a value that is not a finite number"),
    (threshold(), [], False, "the window has 0 of 1 value"),
    (threshold(window=5), [0.7], True, "loss of resnet is 0.7, above 0.65"),
    (AVERAGE_5, [9, 9, 9], False, "the window has 3 of 5 values"),
    (AVERAGE_5, [0.61] * 5, False, "average loss over 5 values is 0.61, asked: > 0.65"),
    (
        AVERAGE_5,
        [0, 0.5, 0.6, 0.7, 0.8, 0.9],
        True,
        "average loss of resnet over 5 values is 0.7, above 0.65",
    ),
    (
        AVERAGE_5,
        [1, NAN, 1, 1, 1],
        False,
        "the window holds a value that is not a finite number",
    ),
    (
        threshold("$lt", aggregate="MIN", window=3),
        [0.1, 1, 1],
        True,
        "minimum loss of resnet over 3 values is 0.1, below 0.65",
    ),
    (
        threshold("$lt", aggregate="MAX", window=3),
        [0.1, 1, 1],
        False,
        "maximum loss over 3 values is 1, asked: < 0.65",
    ),
    (
        RISES,
        [0.4, 0.42, 0.54, 0.56],
        True,
        "average loss of resnet rose by 34.1 % over 2 values: 0.41 → 0.55",
    ),
    (
        RISES,
        [0.4, 0.4, 0.3, 0.3],
        False,
        "average loss fell by 25 % over 2 values: 0.4 → 0.3, asked: +30 %",
    ),
    (RISES, [0.4, 0.4, 0.5], False, "the window has 3 of 4 values"),
    (
        change("ANY", 0.5),
        [-2, -1],
        True,
        "loss of resnet rose by 50 %: -2 → -1",
    ),
    (change("ANY", 0.5), [1, 1], False, "loss did not change: 1 → 1, asked: ±50 %"),
    (
        change("ANY", 0.5),
        [0, 1],
        False,
        "loss has no relative change: 0 → 1, asked: ±50 %",
    ),
    (FALLS, [1.0, 0.5], True, "loss of resnet fell by 0.5: 1 → 0.5"),
    (
        change("INCREASE", 2, aggregate="AVERAGE", prior_window=2, change_type="ABSOLUTE"),
        [9, 1, 3, 4],
        True,
        "average loss of resnet rose by 2: 2 → 4",
    ),
    (
        change("DECREASE", 1, aggregate="MAX", window=2, change_type="ABSOLUTE"),
        [3, 2, 2, 2],
        True,
        "maximum loss of resnet fell by 1 over 2 values: 3 → 2",
    ),
    (FALLS, [INF, 0.5], False, "the window holds a value that is not a finite number"),
    (FALLS, [0.5, NAN], False, "the window holds a value that is not a finite number"),
    (ZSCORE, [1, 2, 3, 9], True, "loss of resnet is 9, z-score 8.57: the mean before it is 2"),
    (ZSCORE, [1, 2, 3, 2], False, "loss is 2, z-score 0: the mean before it is 2, asked: ≥ ±2"),
    (ZSCORE, [1, 1, 1, 9], False, "loss is 9; the values before it are all the same, asked: ≥ ±2"),
    (ZSCORE, [1, 2, NAN, 9], False, "the window holds a value that is not a finite number"),
    (ZSCORE, [1, 2, 3], False, "the window has 3 of 4 values"),
    (
        threshold(aggregate="AVERAGE", window=2),
        [1e308, 1.7e308],
        False,
        "the window holds a value that is not a finite number",
    ),
]


@pytest.mark.parametrize(("tested", "values", "held", "words"), READINGS)
def test_a_condition_says_what_it_finds(
    tested: AnyMetricCondition, values: list[float], held: bool, words: str
) -> None:
    found = tested.measure(values)
    assert found.held is held
    assert (tested.found(found, "resnet") if held else tested.asked(found)) == words


WORDS = [
    (threshold(), "loss is above 0.65", "loss > 0.65"),
    (AVERAGE_5, "average loss over 5 values is above 0.65", "average loss > 0.65"),
    (
        RISES,
        "average loss rises by 30 % or more over 2 values",
        "average loss +30 %",
    ),
    (FALLS, "loss falls by 0.1 or more", "loss −0.1"),
    (change("ANY", 2), "loss changes by 200 % or more", "loss ±200 %"),
    (
        condition("zscore"),
        "loss is 3 standard deviations or more away from the mean of the 30 values before it",
        "z-score of loss ≥ ±3",
    ),
    (
        condition("zscore", direction="DECREASE", window=10),
        "loss is 3 standard deviations or more below the mean of the 10 values before it",
        "z-score of loss ≤ −3",
    ),
]


@pytest.mark.parametrize(("tested", "words", "label"), WORDS)
def test_a_condition_reads_as_words_and_survives_json(
    tested: AnyMetricCondition, words: str, label: str
) -> None:
    assert (tested.words, tested.label) == (words, label)
    assert ADAPTER.validate_json(tested.model_dump_json()) == tested


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("threshold", {"metric": " "}, "metric name"),
    ("threshold", {"metric": "x" * 300}, "metric name"),
    ("threshold", {"metric": "a\nb"}, "metric name"),
    ("threshold", {"window": 0}, "a window of 0 values is not possible"),
    ("threshold", {"window": 10**6}, "a window of 1,000,000 values is not possible"),
    ("threshold", {"threshold": NAN}, "the threshold nan cannot be compared with"),
    ("threshold", {"threshold": -INF}, "the threshold -inf cannot be compared with"),
    ("change", {"prior_window": 0}, "a prior window of 0 values is not possible"),
    ("change", {"amount": 0}, "a change of 0 always holds"),
    ("change", {"amount": NAN}, "a change nan cannot be compared with"),
    ("zscore", {"window": 1}, "a window of 1 value is not possible"),
    ("zscore", {"threshold": -1}, "a z-score of -1 always holds"),
]


@pytest.mark.parametrize(("kind", "given", "words"), REFUSED)
def test_an_impossible_condition_is_refused(kind: str, given: dict[str, Any], words: str) -> None:
    usual = {
        "threshold": {"comparison": "$gt", "threshold": 1},
        "change": {"change_type": "ABSOLUTE", "direction": "ANY", "amount": 1},
        "zscore": {},
    }[kind]
    assert words in refusal(lambda: condition(kind, **{**usual, **given}))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("0.2", (ChangeType.ABSOLUTE, 0.2)),
        ("20%", (ChangeType.RELATIVE, 0.2)),
        (" 7.5 % ", (ChangeType.RELATIVE, 0.075)),
        ("1e-3", (ChangeType.ABSOLUTE, 0.001)),
    ],
)
def test_a_change_is_read_in_units_or_percent(text: str, read: tuple[ChangeType, float]) -> None:
    assert parse_change(text) == read


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (lambda: parse_change("20 %%"), 'the change "20 %%" is not a share'),
        (lambda: parse_change("%"), 'the change "%" is not a share'),
        (lambda: parse_change("nan%"), 'the change "nan%" is not a share'),
        (lambda: parse_change("much"), 'the change "much" is not a number'),
        (lambda: parse_change("inf"), "the change inf cannot be compared with"),
        (lambda: parse_number("NaN", "threshold"), "the threshold nan cannot be compared with"),
        (lambda: parse_number("", "threshold"), 'the threshold "" is not a number'),
        (lambda: parse_number("0,65", "threshold"), 'the threshold "0,65" is not a number'),
        (lambda: parse_window("0"), "a window of 0 values is not possible"),
        (lambda: parse_window("1000000"), "a window of 1,000,000 values is not possible"),
        (lambda: parse_window("2.5"), 'the window "2.5" is not a whole number'),
        (lambda: parse_window("9" * 5000), "is not a whole number"),
    ],
)
def test_a_number_that_is_none_is_refused(refused: Any, words: str) -> None:
    assert words in refusal(refused)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"),
        (0.41234567, "0.4123"),
        (-2, "-2"),
        (9999.6, "10,000"),
        (12345.6, "12,346"),
        (1204000, "1,204,000"),
        (1e-7, "1e-07"),
        (1e300, "1e+300"),
        (NAN, "nan"),
        (-INF, "-inf"),
    ],
)
def test_a_number_is_shown_with_few_digits(value: float, words: str) -> None:
    assert number(value) == words


values = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, 0.5, 1.0, 1e308])
conditions = st.sampled_from(
    [
        threshold(value=0.5),
        threshold("$lte", 0.5, aggregate="AVERAGE", window=3),
        threshold("$ne", 0, aggregate="MAX", window=2),
        change("INCREASE", 0.5, aggregate="AVERAGE", window=2, prior_window=3),
        change("ANY", 0.5, change_type="ABSOLUTE"),
        condition("zscore", window=4, threshold=1, direction="DECREASE"),
    ]
)


@given(conditions, st.lists(values, max_size=30), st.data())
def test_edges_are_the_same_however_values_are_split(
    tested: AnyMetricCondition, given: list[float], data: st.DataObject
) -> None:
    whole = [(place, found.held) for place, found in tested.edges(given)]
    split, held, first = [], False, 0
    while first < len(given):
        last = data.draw(st.integers(first + 1, len(given)))
        start = max(0, first - tested.needed + 1)
        for place, found in tested.edges(given[start:last], first - start, held=held):
            split.append((start + place, found.held))
            held = found.held
        first = last
    assert split == whole
    assert [held for _, held in whole] == [number % 2 == 0 for number in range(len(whole))]
    assert all(math.isfinite(given[place]) for place, held in whole if held)


@given(conditions, st.lists(values, max_size=30))
def test_a_crossing_survives_json(tested: AnyMetricCondition, given: list[float]) -> None:
    for place, found in tested.edges(given):
        if found.held:
            made = Crossing.of(tested, place, given[: place + 1])
            text = json.dumps(made.as_data(), allow_nan=False)
            back = Crossing.from_data(json.loads(text))
            assert back.as_data() == made.as_data()
            assert back.words("resnet") == made.words("resnet")
            assert len(back.values) == tested.needed


def test_a_crossing_keeps_the_newest_values_of_a_long_window() -> None:
    crossing = Crossing.of(
        threshold(aggregate="MAX", window=MAX_WINDOW), 7, [float(n) for n in range(MAX_WINDOW)]
    )
    assert crossing.values == tuple(float(n) for n in range(MAX_WINDOW - 20, MAX_WINDOW))
    assert crossing.words("a\nb") == "maximum loss of a\\nb over 1,000 values is 999, above 0.65"

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pytest

from core.builders import refusal
from firetower.core.points import MAX_METRICS, MAX_STEP, check_metric_name, check_step, flatten


class Tensor:
    """A tensor of one element, as PyTorch's converts itself."""

    def __float__(self) -> float:
        return 0.5


@pytest.mark.parametrize(
    ("values", "flat"),
    [
        ({"loss": 0.3, "step": 4}, {"loss": 0.3, "step": 4.0}),
        ({"val": {"loss": 1, "top": {"5": True}}}, {"val.loss": 1.0, "val.top.5": 1.0}),
        ({"train/loss": np.float32(0.5), "n": np.int64(3)}, {"train/loss": 0.5, "n": 3.0}),
        ({"t": Tensor(), "a": np.array(2.0)}, {"t": 0.5, "a": 2.0}),
        ({"inf": math.inf, "e\u0301": 1}, {"inf": math.inf, "\u00e9": 1.0}),
        ({}, {}),
    ],
)
def test_flatten_joins_nested_names_and_makes_numbers(
    values: Mapping[str, object], flat: dict[str, float]
) -> None:
    assert flatten(values) == flat


def test_flatten_keeps_not_a_number() -> None:
    assert math.isnan(flatten({"loss": math.nan})["loss"])


@pytest.mark.parametrize("value", ["0.3", None, [1, 2], np.array([1.0, 2.0]), 10**400, b"1"])
def test_flatten_refuses_or_leaves_out_what_is_no_number(value: object) -> None:
    assert "not a number" in refusal(lambda: flatten({"loss": value}))
    assert flatten({"loss": value, "acc": 1}, strict=False) == {"acc": 1.0}


@pytest.mark.parametrize("name", ["", " ", "a\n", "x" * 257, 3, None])
def test_metric_name_that_cannot_be_shown_is_refused(name: Any) -> None:
    assert "metric name" in refusal(lambda: flatten({name: 1.0}))
    assert "metric name" in refusal(lambda: check_metric_name(name))


@pytest.mark.parametrize(
    "twice",
    [
        {"a": {"b": 1.0}, "a.b": 2.0},
        {"a.b": 1, "a": {"b": 1}},
        {"\u00e9": 1.0, "e\u0301": 2.0},  # in two spellings
    ],
)
def test_flatten_refuses_a_name_that_is_given_twice(twice: dict[str, object]) -> None:
    for strict in (True, False):
        assert "given twice" in refusal(partial(flatten, twice, strict=strict))


def test_flatten_refuses_too_many_and_too_deep() -> None:
    many = {f"m{number}": 1.0 for number in range(MAX_METRICS + 1)}
    assert "10,000" in refusal(lambda: flatten(many))
    assert len(flatten(dict(list(many.items())[1:]))) == MAX_METRICS
    deep: dict[str, object] = {"m": 1.0}
    for _ in range(70):
        deep = {"m": deep}
    assert "nested" in refusal(lambda: flatten(deep))


@pytest.mark.parametrize(
    "step", [1.5, "3", True, None, -1, MAX_STEP + 1, 10**4_000, np.zeros(2), np.zeros(2, "i4,f4")]
)
def test_step_that_is_no_whole_number_is_refused(step: object) -> None:
    assert "step" in refusal(lambda: check_step(step))


def test_step_of_numpy_is_a_step() -> None:
    assert check_step(np.int64(7)) == 7

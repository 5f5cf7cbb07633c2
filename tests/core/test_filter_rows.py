"""Filters as rows: what is written reads back, and what rows cannot say stays JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from firetower.core.errors import InvalidInput
from firetower.core.filters.filter import Filter
from firetower.core.filters.rows import FilterRow, filter_text, rows_of

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-9, 9),
    st.sampled_from(["", " ", "a", "a,b", "true", "1", '"q"', "[1]", "é ", "NaN"]),
)
ASKED = st.one_of(
    st.tuples(st.sampled_from(["$eq", "$ne"]), SCALARS | st.lists(SCALARS, max_size=2)),
    st.tuples(st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), st.floats(-9, 9)),
    st.tuples(st.sampled_from(["$in", "$nin", "$all"]), st.lists(SCALARS, min_size=1, max_size=3)),
    st.tuples(st.sampled_from(["$regex", "$contains"]), st.sampled_from(["^a b", "x ", "1", '"'])),
    st.tuples(st.just("$exists"), st.booleans()),
    st.tuples(st.just("$size"), st.integers(0, 9)),
)
PARTS = st.lists(st.tuples(st.sampled_from(["author", "metadata.f1"]), ASKED), min_size=1)


@given(PARTS)
def test_what_a_filter_says_reads_back_from_its_rows(
    parts: list[tuple[str, tuple[str, JsonValue]]],
) -> None:
    asked = [{name: {operator: value}} for name, (operator, value) in parts]
    rows = rows_of(json.dumps({"$and": asked}))
    assert rows is not None
    back = json.loads(filter_text(rows))
    assert back == (asked[0] if len(asked) == 1 else {"$and": asked})


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", []),
        ("{}", []),
        (
            '{"author": "ada", "metadata.f1": {"$gte": 0.9, "$lt": 1}}',
            [
                FilterRow("author", "$eq", "ada"),
                FilterRow("metadata.f1", "$gte", "0.9"),
                FilterRow("metadata.f1", "$lt", "1"),
            ],
        ),
        (
            '{"artifact_type": {"$in": ["model", "data"]}}',
            [FilterRow("artifact_type", "$in", "model, data")],
        ),
        ('{"$or": [{"author": "ada"}, {"author": "bo"}]}', None),
        ('{"author": {"$not": {"$eq": "ada"}}}', None),
        ('{"$and": [{"author": "ada"}, {"$nor": []}]}', None),
    ],
)
def test_rows_of_a_filter(text: str, rows: list[FilterRow] | None) -> None:
    assert rows_of(text) == rows


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (FilterRow("author"), "author is compared with nothing"),
        (FilterRow("author", "$exists", "maybe"), "exists takes yes or no"),
        (FilterRow("author", "$in", "[1"), "the list"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused(row: FilterRow, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        filter_text([row])


def test_rows_make_a_filter() -> None:
    rows = [FilterRow("metadata.f1", "$gte", "0.9"), FilterRow("author", "$ne", "bo")]
    assert Filter.parse(filter_text(rows)).words == "metadata.f1 ≥ 0.9 and author ≠ bo"

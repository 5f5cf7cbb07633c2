"""Metadata and filters on which databases and Python could differ."""

import math
from typing import Any

from hypothesis import strategies as st

from core.strategies import OPERATORS

TEXTS = ["", "a", "ab", "b", "B", "prod", "prod-1", "é", "😀", "\0"]
TEXTS += ["a\0b", "\ud800", "\\u0061", '"']
NUMBERS = [0, 1, -1, 2, 1.0, 0.5, -0.0, 0.1, 0.3, 0.1 + 0.2, math.nextafter(0.5, 1), 1e23, 10**23]
EXTREMES = [2**53, 2**53 + 1, 2.0**53, 2**59, 2.0**59, 2**63, -(2**64), 10**400, 5e-324, 1e300]
KEYS = ["a", "b", "c", "b.c", "c.d", "b.c.d", "list", "list.0", "0", "é", 'q"', "a b"]
PATHS = ["a", "b", "b.c", "b.c.d", "c.d", "list", "list.0", "list.0.a", "0"]
PATHS += ["é", 'q"', "a b", "a.b.c.d.e"]
ASKED = ["alias", "author", "collection", "artifact_type", "version_index", "tag"]
ASKED += [f"metadata.{path}" for path in PATHS for _ in range(2)]

texts, numbers = st.sampled_from(TEXTS), st.sampled_from([*NUMBERS, *EXTREMES])
scalars = st.none() | st.booleans() | numbers | texts
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=2)
    ),
    max_leaves=4,
)
metadata = st.dictionaries(st.sampled_from(KEYS), values, max_size=4)
columns = st.sampled_from(["a", "ab", "é", "prod-1", "Prod", "z"])


def operands(operator: str) -> st.SearchStrategy[Any]:
    match operator:
        case "$gt" | "$gte" | "$lt" | "$lte":
            return numbers | texts
        case "$in" | "$nin" | "$all":
            return st.lists(values, max_size=3)
        case "$exists":
            return st.booleans()
        case "$regex":
            return st.sampled_from(
                ["", "^prod", "a$", "[ab]", "^$", "é", "^a", "^(a|b)", "(?i)^PROD"]
            )
        case "$contains":
            return texts
        case "$size":
            return st.integers(0, 2)
    return values


predicates = st.sampled_from(OPERATORS).flatmap(
    lambda operator: st.builds(
        lambda field, operand: {field: {operator: operand}},
        st.sampled_from(ASKED),
        operands(operator),
    )
)
filters: st.SearchStrategy[dict[str, Any]] = st.recursive(
    predicates,
    lambda inner: st.one_of(
        st.builds(
            lambda key, parts: {key: parts},
            st.sampled_from(["$and", "$or", "$nor"]),
            st.lists(inner, max_size=3),
        ),
        st.builds(lambda part: {"$not": part}, inner),
    ),
    max_leaves=4,
)

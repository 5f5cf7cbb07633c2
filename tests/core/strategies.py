"""Random JSON, filters and events for the properties of the core."""

from typing import Any

from hypothesis import strategies as st

from core.builders import make_event
from firetower.core.events import Event, EventType

FIELDS = [
    "alias",
    "tag",
    "collection",
    "artifact_type",
    "version_index",
    "author",
    "metadata.a",
    "metadata.b.c",
    "metadata.list",
    "metadata.list.0",
]

words = st.sampled_from(["", "a", "b", "ab", "prod", "prod-1", "é", '"', "$x"])
numbers = st.integers(-3, 3) | st.sampled_from([0.5, 1.0, 2.5, -0.0, 10**30])
scalars = st.none() | st.booleans() | numbers | words
jsons = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(words, scalars, max_size=2)


def _operands(operator: str) -> st.SearchStrategy[Any]:
    match operator:
        case "$gt" | "$gte" | "$lt" | "$lte":
            return numbers | words
        case "$in" | "$nin" | "$all":
            return st.lists(values, max_size=3)
        case "$exists":
            return st.booleans()
        case "$regex":
            return st.sampled_from(["", "^prod", "a$", "[ab]", "^$", "é"])
        case "$contains":
            return words
        case "$size":
            return st.integers(0, 3)
        case _:
            return values


OPERATORS = (
    "$eq $ne $gt $gte $lt $lte $in $nin $exists $regex $contains $size $all".split()  # noqa: SIM905
)


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    """What stands behind a field: one or two operators, perhaps negated."""
    operators = draw(st.lists(st.sampled_from(OPERATORS), min_size=1, max_size=2, unique=True))
    condition = {operator: draw(_operands(operator)) for operator in operators}
    return {"$not": condition} if draw(st.booleans()) else condition


predicates = st.builds(
    lambda field, condition: {field: condition}, st.sampled_from(FIELDS), conditions() | scalars
)


def _combined(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    parts = st.lists(inner, max_size=3)
    return st.one_of(
        st.builds(lambda key, items: {key: items}, st.sampled_from(["$and", "$or", "$nor"]), parts),
        st.builds(lambda part: {"$not": part}, inner),
        st.builds(lambda one, other: {**one, **other}, inner, inner),
    )


filters: st.SearchStrategy[dict[str, Any]] = st.recursive(predicates, _combined, max_leaves=6)

metadata = st.fixed_dictionaries(
    {},
    optional={
        "a": values,
        "b": scalars | st.fixed_dictionaries({}, optional={"c": values}),
        "list": st.lists(scalars, max_size=3),
    },
)

events: st.SearchStrategy[Event] = st.builds(
    make_event,
    st.sampled_from(EventType),
    alias=words,
    tag=words,
    index=st.integers(0, 3),
    author=words,
    metadata=metadata,
)

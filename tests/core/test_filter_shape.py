import json
from typing import Any

import pytest

from core.builders import make_event, refusal
from firetower.core.events import EventType
from firetower.core.filters import ANY, Filter, regex_filter
from firetower.core.filters.filter import MAX_NESTING

TAGGED = EventType.ADD_ARTIFACT_TAG


@pytest.mark.parametrize(
    ("text", "type_", "held_by", "not_held_by", "words"),
    [
        pytest.param(
            '{"$or":[{"$and":[{"alias":{"$regex":"^prod-.*"}}]}]}',
            EventType.ADD_ARTIFACT_ALIAS,
            ["prod-1", "prod-"],
            ["prod", "my-prod-1", ""],
            "alias ~ ^prod-.*",
            id="regex",
        ),
        pytest.param(
            '{"$or":[{"$and":[{"alias":{"$eq":"prod"}}]}]}',
            EventType.ADD_ARTIFACT_ALIAS,
            ["prod"],
            ["Prod", "prod-1"],
            "alias = prod",
            id="equal",
        ),
        pytest.param(
            '{"$or":[{"$and":[{"tag":{"$regex":"^europe.*"}}]}]}',
            TAGGED,
            ["europe", "europe-west"],
            ["eu", "in-europe"],
            "tag ~ ^europe.*",
            id="tag",
        ),
        pytest.param(
            '{"$or":[{"$and":[{"alias":{"$regex":"^prod"}},{"alias":{"$ne":"prod-old"}}]}]}',
            EventType.ADD_ARTIFACT_ALIAS,
            ["prod", "prod-new"],
            ["prod-old", "staging"],
            "alias ~ ^prod and alias ≠ prod-old",
            id="and",
        ),
        pytest.param(
            '{"$or":[{"$and":[{"$or":[{"alias":{"$eq":"prod"}},{"alias":{"$eq":"staging"}}]}]}]}',
            EventType.ADD_ARTIFACT_ALIAS,
            ["prod", "staging"],
            ["dev"],
            "alias = prod or alias = staging",
            id="or",
        ),
        pytest.param(
            '{"$or":[{"$and":[{"$not":{"alias":{"$in":["latest","v0"]}}}]}]}',
            EventType.ADD_ARTIFACT_ALIAS,
            ["prod", "v1"],
            ["latest", "v0"],
            'not (alias in ["latest", "v0"])',
            id="not in",
        ),
    ],
)
def test_wandbs_examples_mean_what_wandb_says(
    text: str, type_: EventType, held_by: list[str], not_held_by: list[str], words: str
) -> None:
    filter_ = Filter.parse(text)
    for word in held_by + not_held_by:
        event = make_event(type_, alias=word, tag=word)
        assert filter_.holds(event) is (word in held_by)
    assert filter_.words == words
    assert filter_.as_wandb() == json.loads(text)
    filter_.check_event_type(type_)


@pytest.mark.parametrize("text", ['{"$or":[{"$and":[]}]}', "{}", '{"$and":[]}', '{"$nor":[]}'])
def test_no_condition_lets_every_event_through(text: str) -> None:
    filter_ = Filter.parse(text)
    for type_ in EventType:
        assert filter_.holds(make_event(type_))
        filter_.check_event_type(type_)


def test_an_empty_choice_lets_nothing_through() -> None:
    assert not Filter.of({"$or": []}).holds(make_event())


@pytest.mark.parametrize(
    ("source", "held"),
    [
        pytest.param({"alias": "production"}, True, id="unwrapped"),
        pytest.param({"alias": "production", "author": "ada"}, True, id="keys mean and"),
        pytest.param({"alias": "production", "author": "bob"}, False, id="one of the keys fails"),
        pytest.param({"alias": {"$regex": "^p", "$ne": "production"}}, False, id="operators: and"),
        pytest.param({"$nor": [{"alias": "a"}, {"author": "ada"}]}, False, id="nor, one holds"),
        pytest.param({"$nor": [{"alias": "a"}, {"author": "b"}]}, True, id="nor, none holds"),
        pytest.param({"$not": {"alias": "a", "author": "ada"}}, True, id="not of and"),
    ],
)
def test_conditions_combine(source: dict[str, Any], held: bool) -> None:
    assert Filter.of(source).holds(make_event()) is held


@pytest.mark.parametrize(
    ("source", "named"),
    [
        pytest.param({"alias": {"$regexp": "a"}}, "Did you mean $regex?", id="misspelt"),
        pytest.param({"alias": {"$where": "a"}}, 'no operator "$where"', id="unknown"),
        pytest.param({"alias": {"$eq": 1, "b": 2}}, 'no operator "b"', id="mixed with a key"),
        pytest.param({"$ors": []}, "Did you mean $or?", id="combination"),
        pytest.param({"$eq": "a"}, 'no operator "$eq"', id="no field"),
        pytest.param({"alias": {"$\x1b[31m": 1}}, r"\u001b[31m", id="escape sequence"),
        pytest.param({"alais": "a"}, 'Did you mean "alias"?', id="field"),
        pytest.param({"f1": 0.9}, 'Did you mean "metadata.f1"?', id="metadata key"),
        pytest.param({"": 1}, "Fields: alias", id="empty field"),
        pytest.param({"metadata.": 1}, "as in metadata.f1", id="no key of metadata"),
        pytest.param({"metadata": {}}, "metadata.KEY, as in metadata.f1", id="metadata as a whole"),
        pytest.param({"$and": {"alias": "a"}}, "$and takes a list", id="and of an object"),
        pytest.param({"$or": ["alias"]}, "condition is an object", id="or of a text"),
        pytest.param({"$not": [{"alias": "a"}]}, "condition is an object", id="not of a list"),
        pytest.param([], "condition is an object", id="list"),
        pytest.param(None, "condition is an object", id="null"),
    ],
)
def test_what_is_not_a_filter_is_refused_and_names_the_nearest(source: Any, named: str) -> None:
    said = refusal(lambda: Filter.of(source))
    assert named in said
    assert "\x1b" not in said


def test_text_that_is_not_json_is_refused() -> None:
    assert "the filter is not JSON" in refusal(lambda: Filter.parse("{'alias': 'a'}"))


@pytest.mark.parametrize("wrap", ["$not", "$and", "field"])
def test_a_deep_filter_is_refused_and_not_recursed_into(wrap: str) -> None:
    def nested(levels: int) -> dict[str, Any]:
        source: dict[str, Any] = {"$eq": "a"} if wrap == "field" else {"alias": "a"}
        for _ in range(levels):
            match wrap:
                case "$and":
                    source = {"$and": [source]}
                case _:
                    source = {"$not": source}
        return {"alias": source} if wrap == "field" else source

    assert Filter.of(nested(20)).holds(make_event(alias="a"))
    assert "nested deeper" in refusal(lambda: Filter.of(nested(MAX_NESTING + 2)))
    assert "nested deeper" in refusal(lambda: Filter.of(nested(5_000)))


@pytest.mark.parametrize(
    ("source", "type_", "hint"),
    [
        ({"alias": "a"}, EventType.LINK_ARTIFACT, "ADD_ARTIFACT_ALIAS"),
        ({"tag": "a"}, EventType.CREATE_ARTIFACT, "ADD_ARTIFACT_TAG"),
        ({"$or": [{"$nor": [{"alias": "a"}]}]}, TAGGED, "ADD_ARTIFACT_ALIAS"),
        ({"alias": {"$exists": True}}, EventType.LINK_ARTIFACT, "ADD_ARTIFACT_ALIAS"),
        (
            {"alias": {"$not": {"$exists": False}}},
            EventType.LINK_ARTIFACT,
            "ADD_ARTIFACT_ALIAS",
        ),
        ({"version_index": 1}, EventType.ADD_COLLECTION_TAG, "Filter on collection"),
        ({"metadata.f1": 1}, EventType.REMOVE_COLLECTION_TAG, "Filter on collection"),
    ],
)
def test_a_field_that_the_event_never_has_is_refused(
    source: dict[str, Any], type_: EventType, hint: str
) -> None:
    said = refusal(lambda: Filter.of(source).check_event_type(type_))
    assert str(type_) in said
    assert hint in said


@pytest.mark.parametrize(
    "source",
    [
        {"alias": {"$exists": False}},
        {"alias": {"$not": {"$exists": True}}},
        {"$nor": [{"alias": {"$exists": True}}, {"author": "bob"}]},
        {"$not": {"$not": {"alias": {"$exists": False}}}},
    ],
    ids=str,
)
def test_absence_of_a_field_may_be_asked_of_events_without_it(
    source: dict[str, Any],
) -> None:
    filter_ = Filter.of(source)
    filter_.check_event_type(EventType.LINK_ARTIFACT)
    assert filter_.holds(make_event(EventType.LINK_ARTIFACT))


@pytest.mark.parametrize(
    ("alias", "tag", "other", "source"),
    [
        (None, None, None, ANY.source),
        ("^p", None, None, {"$or": [{"$and": [{"alias": {"$regex": "^p"}}]}]}),
        (None, None, {"author": "ada"}, {"author": "ada"}),
        (
            None,
            "^eu",
            {"author": "ada"},
            {"$or": [{"$and": [{"tag": {"$regex": "^eu"}}, {"author": "ada"}]}]},
        ),
    ],
    ids=["nothing", "alias", "filter", "tag and filter"],
)
def test_the_options_of_the_command_line_make_one_filter(
    alias: str | None, tag: str | None, other: Any, source: Any
) -> None:
    given = None if other is None else Filter.of(other)
    assert regex_filter(alias, tag, given).source == source

from typing import Any

import pytest

from core.builders import make_event, refusal
from firetower.core.events import EventType
from firetower.core.filters import Filter
from firetower.core.templates import read_variable

ABSENT = object()


def holds(condition: Any, value: Any) -> bool:
    metadata = {} if value is ABSENT else {"v": value}
    return Filter.of({"metadata.v": condition}).holds(make_event(metadata=metadata))


@pytest.mark.parametrize(
    ("condition", "held_by", "not_held_by"),
    [
        pytest.param("a", ["a", ["a"], ["b", "a"]], ["A", "ab", [["a"]], 1], id="bare value"),
        pytest.param({"$eq": "a"}, ["a"], ["b", ""], id="$eq text"),
        pytest.param({"$eq": 1}, [1, 1.0, [2, 1]], [True, "1", 1.1], id="$eq number"),
        pytest.param({"$eq": 0}, [0, -0.0], [False, None, "", []], id="$eq zero"),
        pytest.param({"$eq": True}, [True, [False, True]], [1, "true", False], id="$eq true"),
        pytest.param({"$eq": [1, 2]}, [[1, 2], [[1, 2]]], [[2, 1], [1], 1], id="$eq list"),
        pytest.param({"$eq": [1]}, [[1], [1.0]], [[True], 1], id="$eq list of a number"),
        pytest.param({"$eq": {"a": 1}}, [{"a": 1.0}], [{"a": True}, {"a": 1, "b": 2}], id="$eq {}"),
        pytest.param({}, [{}], [{"a": 1}, []], id="empty object"),
        pytest.param({"$eq": None}, [None, [None]], [0, "", False, []], id="$eq null"),
        pytest.param({"$ne": "a"}, ["b", 1, None, ["b"]], ["a", ["a", "b"]], id="$ne"),
        pytest.param({"$gt": 1}, [2, 1.5, [0, 2]], [1, 0, "2", True, None, [0]], id="$gt"),
        pytest.param({"$gte": 1}, [1, 1.0, 2], [0.9, "1", True], id="$gte"),
        pytest.param({"$lt": 1}, [0, -1.5], [1, "0", False, None], id="$lt"),
        pytest.param({"$lte": 1}, [1, 0], [1.1, "1", True], id="$lte"),
        pytest.param({"$gt": "b"}, ["c", "ba"], ["b", "a", 3, ["a"]], id="$gt text"),
        pytest.param({"$in": ["a", 1]}, ["a", 1.0, ["x", 1]], ["b", True, []], id="$in"),
        pytest.param({"$in": []}, [], ["a", None, []], id="$in nothing"),
        pytest.param({"$in": [[1]]}, [[1], [[1], 2]], [1], id="$in list"),
        pytest.param({"$nin": ["a", 1]}, ["b", True, [], None], ["a", ["x", 1]], id="$nin"),
        pytest.param({"$nin": []}, ["a", None], [], id="$nin nothing"),
        pytest.param({"$exists": True}, [None, 0, "", [], False], [], id="$exists"),
        pytest.param({"$exists": False}, [], [None, 0], id="$exists false"),
        pytest.param({"$regex": "^a"}, ["ab", ["b", "a"]], ["ba", 1, None, {"a": 1}], id="$regex"),
        pytest.param({"$regex": "b"}, ["abc"], ["ac"], id="$regex searches"),
        pytest.param({"$contains": "b"}, ["abc", ["x", "b"]], ["ac", 1], id="$contains"),
        pytest.param({"$contains": "."}, ["a.c"], ["abc"], id="$contains no regex"),
        pytest.param({"$size": 2}, [[1, 2]], ["ab", [1], {"a": 1, "b": 2}, [[1, 2]]], id="$size"),
        pytest.param({"$size": 0}, [[]], ["", None, {}], id="$size zero"),
        pytest.param({"$all": [1, 2]}, [[2, 3, 1]], [[1], 1, [True, 2]], id="$all"),
        pytest.param({"$all": [1]}, [1, [1]], [2], id="$all of a scalar"),
        pytest.param({"$all": []}, [], [[], [1], 1], id="$all nothing"),
        pytest.param({"$gt": 1, "$lt": 3}, [2, [0, 4]], [1, 3], id="two operators"),
        pytest.param({"$not": {"$gt": 1}}, [1, "2", None], [2], id="$not"),
        pytest.param({"$not": "a"}, ["b"], ["a"], id="$not bare"),
        pytest.param({"$not": {"$not": {"$gt": 1}}}, [2], [1], id="$not $not"),
    ],
)
def test_an_operator_holds_as_mongodbs_does(
    condition: Any, held_by: list[Any], not_held_by: list[Any]
) -> None:
    assert [value for value in held_by if not holds(condition, value)] == []
    assert [value for value in not_held_by if holds(condition, value)] == []


@pytest.mark.parametrize(
    ("condition", "held"),
    [
        ({"$eq": "a"}, False),
        ({"$ne": "a"}, True),
        ({"$gt": 0}, False),
        ({"$gte": 0}, False),
        ({"$lt": 0}, False),
        ({"$lte": 0}, False),
        ({"$in": ["a"]}, False),
        ({"$nin": ["a"]}, True),
        ({"$exists": True}, False),
        ({"$exists": False}, True),
        ({"$regex": ""}, False),
        ({"$contains": ""}, False),
        ({"$size": 0}, False),
        ({"$all": ["a"]}, False),
        ({"$not": {"$regex": ""}}, True),
        ({"$eq": None}, True),
        ({"$ne": None}, False),
        ({"$in": [None]}, True),
        ({"$nin": [None]}, False),
    ],
    ids=str,
)
def test_a_missing_field_satisfies_only_negations_and_null(condition: Any, held: bool) -> None:
    assert holds(condition, ABSENT) is held


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("alias", "production"),
        ("collection", "resnet"),
        ("artifact_type", "model"),
        ("version_index", 3),
        ("author", "ada"),
        ("metadata.f1", 0.93),
        ("metadata.eval.top.k", 5),
        ("metadata.eval.top", {"k": 5}),
        ("metadata.tags.1", "eu"),
        ("metadata.runs.0.id", "r1"),
        ("metadata.a.b", "dotted key"),
        ("metadata.é", 1),
    ],
)
def test_a_filter_can_ask_for_each_field_of_an_event(field: str, value: Any) -> None:
    event = make_event(
        metadata={
            "f1": 0.93,
            "eval": {"top": {"k": 5}},
            "tags": ["us", "eu"],
            "runs": [{"id": "r1"}],
            "a.b": "dotted key",
            "a": {"b": "nested"},
            "é": 1,
        }
    )
    assert Filter.of({field: value}).holds(event)
    assert not Filter.of({field: {"$ne": value}}).holds(event)


def test_a_tag_is_a_field_of_tag_events() -> None:
    event = make_event(EventType.ADD_COLLECTION_TAG, tag="europe")
    assert Filter.of({"tag": "europe"}).holds(event)
    assert Filter.of({"alias": {"$exists": False}}).holds(event)
    assert Filter.of({"version_index": {"$exists": False}}).holds(event)
    assert Filter.of({"metadata.f1": {"$exists": False}}).holds(event)


@pytest.mark.parametrize(
    "path", ["f1.x", "list.2", "list.-1", "list.x", "list." + "9" * 5000, "a..b", ".", "none.x"]
)
def test_a_path_that_leads_nowhere_is_missing(path: str) -> None:
    event = make_event(metadata={"f1": 1, "list": [1, 2], "a": {"b": 1}, "none": None})
    assert Filter.of({f"metadata.{path}": {"$exists": False}}).holds(event)


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ({"$gt": None}, "$gt takes a number or a string"),
        ({"$gte": True}, "$gte takes a number or a string"),
        ({"$lt": [1]}, "$lt takes a number or a string"),
        ({"$lte": {}}, "$lte takes a number or a string"),
        ({"$in": "a"}, "$in takes a list"),
        ({"$nin": {"a": 1}}, "$nin takes a list"),
        ({"$all": None}, "$all takes a list"),
        ({"$exists": 1}, "$exists takes true or false"),
        ({"$regex": 1}, "$regex takes a string"),
        ({"$contains": ["a"]}, "$contains takes a string"),
        ({"$size": "2"}, "$size takes a whole number"),
        ({"$size": True}, "$size takes a whole number"),
        ({"$size": 1.5}, "$size takes a whole number"),
        ({"$regex": "a(?=b)"}, "RE2 refuses the regex"),
        ({"$regex": r"(a)\1"}, "RE2 refuses the regex"),
    ],
    ids=str,
)
def test_an_operand_of_the_wrong_type_is_refused(condition: Any, wanted: str) -> None:
    assert wanted in refusal(lambda: Filter.of({"metadata.v": condition}))
    assert wanted in refusal(lambda: Filter.of({"metadata.v": {"$not": condition}}))


NFC, NFD = "caf\u00e9", "cafe\u0301"


@pytest.mark.parametrize(("written", "kept"), [(NFC, NFD), (NFD, NFC), (NFD, NFD)])
@pytest.mark.parametrize(
    "condition",
    [
        lambda text: text,
        lambda text: {"$in": ["tea", text]},
        lambda text: {"$all": [text]},
        lambda text: {"$regex": f"^{text}$"},
        lambda text: {"$contains": text},
        lambda text: {"$gte": text, "$lte": text},
        lambda text: {"$not": {"$ne": text}},
    ],
    ids=["bare", "$in", "$all", "$regex", "$contains", "$gte $lte", "$ne"],
)
def test_one_text_in_two_spellings_is_one(condition: Any, written: str, kept: str) -> None:
    assert holds(condition(written), kept)
    assert holds(condition(written), [kept])
    assert Filter.of({"alias": condition(written)}).holds(
        make_event(EventType.ADD_ARTIFACT_ALIAS, alias=NFC)
    )


@pytest.mark.parametrize(("written", "kept"), [(NFC, NFD), (NFD, NFC), (NFD, NFD)])
def test_a_metadata_key_in_two_spellings_is_one(written: str, kept: str) -> None:
    event = make_event(metadata={"eval": {f"{kept}.f1": {kept: 0.9}}})
    field = f"eval.{written}.f1.{written}"
    assert Filter.of({f"metadata.{field}": {"$gte": 0.9}}).holds(event)
    assert not Filter.of({f"metadata.eval.{written}": {"$exists": True}}).holds(event)
    variable = f'artifact_metadata.eval["{written}.f1"]["{written}"]'
    assert read_variable(variable, event, "gate") == 0.9


def test_a_metadata_key_in_its_very_spelling_wins() -> None:
    event = make_event(metadata={NFC: 1, NFD: 2})
    for key, value in ((NFC, 1), (NFD, 2)):
        assert Filter.of({f"metadata.{key}": value}).holds(event)

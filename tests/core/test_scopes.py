import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from core.builders import MODELS, VISION, make_event, refusal
from firetower.core.events import EventType
from firetower.core.filters.patterns import Pattern
from firetower.core.references import CollectionReference, ContainerReference
from firetower.core.scopes import (
    CollectionScope,
    CollectionsScope,
    ContainerScope,
    Scope,
    collections_scope,
    covers,
)

RESNET = CollectionReference.parse("models/resnet")
ADAPTER: TypeAdapter[Scope] = TypeAdapter(Scope)

SCOPES: list[tuple[Scope, str, str, set[str]]] = [
    (
        ContainerScope(container=MODELS),
        "registry",
        "in registry models",
        {"models/resnet model", "models/bert model", "models/coco dataset"},
    ),
    (
        CollectionScope(collection=RESNET),
        "resnet",
        "in collection models/resnet",
        {"models/resnet model"},
    ),
    (
        ContainerScope(container=VISION),
        "project",
        "in project acme/vision",
        {"acme/vision/resnet model", "acme/vision/resnet-50 model", "acme/vision/coco dataset"},
    ),
    (
        CollectionsScope(container=VISION, glob="resnet*"),
        "resnet*",
        "in collections resnet* of project acme/vision",
        {"acme/vision/resnet model", "acme/vision/resnet-50 model"},
    ),
    (
        CollectionsScope(container=VISION, regex=Pattern("net$|^coco")),
        "/net$|^coco/",
        "in collections /net$|^coco/ of project acme/vision",
        {"acme/vision/resnet model", "acme/vision/coco dataset"},
    ),
    (
        CollectionsScope(container=VISION, artifact_type="dataset"),
        "type dataset",
        "in collections type dataset of project acme/vision",
        {"acme/vision/coco dataset"},
    ),
    (
        CollectionsScope(container=VISION, glob="*50", artifact_type="model"),
        "*50, type model",
        "in collections *50, type model of project acme/vision",
        {"acme/vision/resnet-50 model"},
    ),
]
OF_ACME = {
    "acme/vision/resnet model",
    "acme/vision/resnet-50 model",
    "acme/vision/coco dataset",
    "acme/nlp/resnet model",
}
EVERYTHING = {*OF_ACME, "other/vision/resnet model", *SCOPES[0][-1], "acme/resnet model"}
SCOPES += [
    (
        ContainerScope(container=ContainerReference.entity_named("acme")),
        "entity",
        "in any project of acme",
        OF_ACME,
    ),
    (
        ContainerScope(container=ContainerReference.organization()),
        "organization",
        "in the organization",
        EVERYTHING,
    ),
]


@pytest.mark.parametrize(
    ("scope", "label", "phrase", "covered"), SCOPES, ids=[label for _, label, *_ in SCOPES]
)
def test_a_scope_covers_its_own_collections_only(
    scope: Scope, label: str, phrase: str, covered: set[str]
) -> None:
    found = set()
    for line in EVERYTHING:
        collection, artifact_type = line.split()
        if scope.covers(CollectionReference.parse(collection), artifact_type):
            found.add(line)
    assert found == covered
    assert scope.label == label
    assert scope.phrase == phrase


@pytest.mark.parametrize("scope", [scope for scope, *_ in SCOPES], ids=lambda scope: scope.label)
def test_a_scope_survives_being_stored_as_json(scope: Scope) -> None:
    assert ADAPTER.validate_json(ADAPTER.dump_json(scope)) == scope


@pytest.mark.parametrize(
    ("pattern", "artifact_type", "scope"),
    [
        (None, None, ContainerScope(container=VISION)),
        ("resnet-*", None, CollectionsScope(container=VISION, glob="resnet-*")),
        ("/^resnet/", None, CollectionsScope(container=VISION, regex=Pattern("^resnet"))),
        (None, "model", CollectionsScope(container=VISION, artifact_type="model")),
        ("*", "model", CollectionsScope(container=VISION, glob="*", artifact_type="model")),
        ("/a/b/", None, CollectionsScope(container=VISION, regex=Pattern("a/b"))),
    ],
)
def test_the_options_of_the_command_line_make_the_scope(
    pattern: str | None, artifact_type: str | None, scope: Scope
) -> None:
    assert collections_scope(VISION, pattern, artifact_type) == scope


@pytest.mark.parametrize("pattern", ["", "/", "a/b", "/open", "shut/"])
def test_a_pattern_that_can_match_no_collection_is_refused(pattern: str) -> None:
    assert "neither a glob nor a /regex/" in refusal(
        lambda: collections_scope(VISION, pattern, None)
    )


def test_a_regex_that_re2_refuses_is_refused_in_a_scope_too() -> None:
    assert "RE2 refuses" in refusal(lambda: collections_scope(VISION, "/(?=a)/", None))
    assert "RE2 refuses" in refusal(
        lambda: ADAPTER.validate_python(
            {"kind": "collections", "container": VISION, "regex": "(?=a)"}
        )
    )


def test_a_scope_of_collections_says_which_in_one_way() -> None:
    assert "does not say which" in refusal(lambda: CollectionsScope(container=VISION))
    assert "Keep one" in refusal(
        lambda: CollectionsScope(container=VISION, glob="a", regex=Pattern("a"))
    )


def test_a_glob_minds_case_and_covers_the_whole_name() -> None:
    scope = CollectionsScope(container=VISION, glob="resnet")
    for name in ("ResNet", "resnet2", "my-resnet"):
        assert not scope.covers(CollectionReference(container=VISION, name=name), "model")


@given(st.text(st.sampled_from("a*?[]!-z\\"), min_size=1, max_size=12), st.text(max_size=12))
def test_no_glob_raises(glob: str, name: str) -> None:
    scope = CollectionsScope(container=VISION, glob=glob)
    assert scope.covers(CollectionReference(container=VISION, name=name), "model") in {True, False}


@pytest.mark.timeout(10)
def test_a_glob_that_would_hang_a_backtracking_engine_finishes() -> None:
    scope = CollectionsScope(container=VISION, glob="*a" * 30 + "b")
    assert not scope.covers(CollectionReference(container=VISION, name="a" * 128), "model")


def test_a_run_lies_in_its_project_and_in_no_collection() -> None:
    event = make_event(EventType.RUN_STATE)
    assert covers(ContainerScope(container=VISION), event)
    assert not covers(ContainerScope(container=MODELS), event)
    assert not covers(CollectionsScope(container=VISION, glob="*"), event)


def test_scope_of_a_namesake_container_covers_nothing() -> None:
    other = ContainerReference.project("models/resnet")
    scope = ContainerScope(container=other)
    assert not scope.covers(RESNET, "model")

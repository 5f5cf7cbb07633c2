from functools import partial
from unicodedata import normalize

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.builders import MODELS, VISION, refusal
from firetower.core.references import (
    CollectionReference,
    ContainerKind,
    ContainerReference,
    VersionReference,
    check_texts,
)

FILLERS = "\u115f\u1160\u3164\uffa0"
names = (
    st.text(
        st.characters(categories=["L", "N"], include_characters="-_. ", exclude_characters=FILLERS),
        min_size=1,
        max_size=20,
    )
    .map(partial(normalize, "NFC"))
    .filter(lambda name: name == name.strip() and not name.startswith("wandb-registry-"))
)


@pytest.mark.parametrize("text", ["models", "wandb-registry-models"])
def test_a_registry_is_named_with_or_without_wandbs_prefix(text: str) -> None:
    assert ContainerReference.registry(text) == MODELS
    assert str(MODELS) == "models"


@pytest.mark.parametrize(
    ("text", "full_name", "kind"),
    [
        ("acme/vision/resnet", "acme/vision/resnet", ContainerKind.PROJECT),
        ("models/resnet", "models/resnet", ContainerKind.REGISTRY),
        ("wandb-registry-models/resnet", "models/resnet", ContainerKind.REGISTRY),
        ("org/wandb-registry-models/resnet", "models/resnet", ContainerKind.REGISTRY),
    ],
)
def test_a_collection_lies_in_a_project_or_a_registry(
    text: str, full_name: str, kind: ContainerKind
) -> None:
    collection = CollectionReference.parse(text)
    assert collection.full_name == str(collection) == full_name
    assert collection.container.kind is kind
    assert collection.name == "resnet"


@pytest.mark.parametrize(
    ("text", "full", "index"),
    [
        ("acme/vision/resnet:v3", "acme/vision/resnet:v3", 3),
        ("acme/vision/resnet:latest", "acme/vision/resnet:latest", None),
        ("models/resnet:production", "models/resnet:production", None),
        ("wandb-registry-models/resnet:v0", "models/resnet:v0", 0),
        ("models/resnet:v1.0", "models/resnet:v1.0", None),
    ],
)
def test_a_version_is_named_by_index_or_alias(text: str, full: str, index: int | None) -> None:
    version = VersionReference.parse(text)
    assert str(version) == full
    assert version.index == index


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("", "does not name a version", id="empty"),
        pytest.param("acme/vision/resnet", "does not name a version", id="no selector"),
        pytest.param("acme/vision/resnet:", "does not name a version", id="empty selector"),
        pytest.param("resnet:v3", "does not name a collection", id="collection alone"),
        pytest.param("a/b/c/d:v3", "does not name a collection", id="four parts"),
        pytest.param("models/:v3", "collection name", id="no collection"),
        pytest.param("/resnet:v3", "registry name", id="no registry"),
        pytest.param("/vision/resnet:v3", "entity", id="no entity"),
        pytest.param("acme//resnet:v3", "project name", id="no project"),
        pytest.param("wandb-registry-/resnet:v3", "registry name", id="prefix alone"),
        pytest.param("models/resnet:v3:v4", '":"', id="two selectors"),
        pytest.param("models/resnet:a/b", '"/"', id="slash in the alias"),
        pytest.param("models/resnet:\x1b[2J", "control character", id="escape sequence"),
        pytest.param("m" * 200 + "/resnet:v3", "200 characters", id="long"),
    ],
)
def test_a_malformed_reference_says_which_part_is_wrong(text: str, why: str) -> None:
    said = refusal(lambda: VersionReference.parse(text))
    assert why in said
    assert "\x1b" not in said


@pytest.mark.parametrize("text", ["vision", "", "acme/", "/vision", "acme/vision/resnet"])
def test_a_project_is_an_entity_and_a_name(text: str) -> None:
    assert refusal(lambda: ContainerReference.project(text))
    assert ContainerReference.project("acme/vision") == VISION


@given(names, names, names, names)
def test_a_reference_is_read_back_as_it_is_written(
    entity: str, project: str, collection: str, selector: str
) -> None:
    for container in (f"{entity}/{project}", project):
        text = f"{container}/{collection}:{selector}"
        version = VersionReference.parse(text)
        assert str(version) == text
        assert VersionReference.model_validate_json(version.model_dump_json()) == version


def test_a_registry_and_a_project_of_one_name_are_two_things() -> None:
    project = ContainerReference.project("models/models")
    assert project != MODELS
    assert project.full_name != MODELS.full_name


def test_a_reference_never_changes() -> None:
    with pytest.raises(ValidationError):
        MODELS.name = "other"  # type: ignore[misc]


def test_array_without_a_dimension_is_no_list_of_texts() -> None:
    assert "list of strings" in refusal(lambda: check_texts(np.array(1), "tags"))

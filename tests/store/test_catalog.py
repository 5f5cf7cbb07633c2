"""The catalog's changes and the events they leave, on both databases."""

import pytest

from firetower.core.catalog import FoundKind
from firetower.core.errors import Conflict, InvalidInput, NotFound
from firetower.core.events import Event
from firetower.core.references import ContainerReference
from firetower.store.store import Store
from firetower.tower import Tower
from towers import on_alias, webhook


@pytest.fixture
def tower(store: Store) -> Tower:
    return Tower(store)


def told(tower: Tower, after: int = 0) -> list[str]:
    def line(event: Event) -> str:
        moved = "" if event.previous_index is None else f" (was v{event.previous_index})"
        return f"{event.type} {event.subject} {event.detail}".strip() + moved

    return [line(event) for event in tower.events.newest(1_000) if event.id > after]


def newest(tower: Tower) -> int:
    return max((event.id for event in tower.events.newest(1)), default=0)


def test_logging_makes_what_is_new_and_moves_latest(tower: Tower) -> None:
    first = tower.log("acme/vision/resnet", type="model", references=["s3://b/1"])
    second = tower.log(
        "acme/vision/resnet", type="model", references=["s3://b/2"], aliases=["best"], tags=["eu"]
    )
    assert (first.reference, second.reference) == (
        "acme/vision/resnet:v0",
        "acme/vision/resnet:v1",
    )
    assert told(tower) == [
        "CREATE_ARTIFACT acme/vision/resnet:v0",
        "ADD_ARTIFACT_ALIAS acme/vision/resnet:v0 ← latest",
        "CREATE_ARTIFACT acme/vision/resnet:v1",
        "ADD_ARTIFACT_ALIAS acme/vision/resnet:v1 ← latest (was v0)",
        "ADD_ARTIFACT_ALIAS acme/vision/resnet:v1 ← best",
        "ADD_ARTIFACT_TAG acme/vision/resnet:v1 + tag eu",
    ]
    newest, oldest = tower.versions("acme/vision/resnet")
    assert newest == tower.version("acme/vision/resnet:latest").version
    assert (newest.index, newest.aliases, newest.tags) == (1, ("best", "latest"), ("eu",))
    assert (oldest.index, oldest.aliases, oldest.tags) == (0, (), ())


def test_versions_are_read_in_pages(tower: Tower) -> None:
    for number in range(5):
        tower.log("acme/vision/vit", type="model", references=f"s3://b/{number}")

    def indexes(**page: int) -> list[int]:
        return [one.index for one in tower.versions("acme/vision/vit", **page)]

    tower.delete("acme/vision/vit:v1")
    assert indexes() == indexes(limit=2**70, before=2**70) == [4, 3, 2, 0]
    assert indexes(limit=2) == [4, 3]
    assert indexes(limit=2, before=3) == [2, 0]
    assert indexes(before=0) == indexes(limit=0) == indexes(limit=-1) == []


def test_the_same_content_makes_no_new_version_but_its_aliases_apply(tower: Tower) -> None:
    first = tower.log("acme/vision/resnet", type="model", empty=True)
    again = tower.log("acme/vision/resnet", type="model", empty=True, aliases=["best"])
    assert (first.created, again.created) == (True, False)
    assert again.reference == first.reference
    assert told(tower)[-1] == "ADD_ARTIFACT_ALIAS acme/vision/resnet:v0 ← best"


def test_a_second_type_is_refused_and_leaves_nothing(tower: Tower) -> None:
    tower.log("acme/vision/resnet", type="model", empty=True)
    before = newest(tower)
    with pytest.raises(InvalidInput, match='of type "model"'):
        tower.log("acme/vision/resnet", type="dataset", references=["s3://b/2"], aliases=["x"])
    assert told(tower, before) == []
    assert len(tower.versions("acme/vision/resnet")) == 1


def test_a_link_has_its_own_index_and_happens_once(tower: Tower) -> None:
    tower.create_registry("models")
    for number in range(3):
        tower.log("acme/vision/resnet", type="model", references=[f"s3://b/{number}"])
    before = newest(tower)
    linked = tower.link("acme/vision/resnet:v2", "wandb-registry-models/resnet")
    assert linked.reference == "models/resnet:v0"
    assert linked.source == "acme/vision/resnet:v2"
    assert tower.link("acme/vision/resnet:v2", "models/resnet").index == 0
    assert told(tower, before) == [
        "LINK_ARTIFACT models/resnet:v0",
        "ADD_ARTIFACT_ALIAS models/resnet:v0 ← latest",
    ]
    assert tower.events.newest(1)[0].version.source == "acme/vision/resnet:v2"  # type: ignore[union-attr]


def test_latest_in_a_registry_follows_the_last_link(tower: Tower) -> None:
    tower.create_registry("models")
    for number in range(3):
        tower.log("acme/vision/resnet", type="model", references=[f"s3://b/{number}"])
    for number in (2, 0):
        tower.link(f"acme/vision/resnet:v{number}", "models/resnet")
    before = newest(tower)
    tower.link("acme/vision/resnet:v2", "models/resnet")
    assert told(tower, before) == []
    assert tower.version("models/resnet:latest").version.source == "acme/vision/resnet:v0"
    tower.link("acme/vision/resnet:v1", "models/resnet", aliases=["best"])
    assert told(tower, before) == [
        "LINK_ARTIFACT models/resnet:v2",
        "ADD_ARTIFACT_ALIAS models/resnet:v2 ← latest (was v1)",
        "ADD_ARTIFACT_ALIAS models/resnet:v2 ← best",
    ]
    assert tower.version("acme/vision/resnet:latest").version.index == 2


def test_unlinking_latest_gives_it_back_to_the_newest_link_left(tower: Tower) -> None:
    tower.create_registry("models")
    for number in range(3):
        tower.log("acme/vision/resnet", type="model", references=[f"s3://b/{number}"])
        tower.link(f"acme/vision/resnet:v{number}", "models/resnet")
    tower.unlink("models/resnet:v1")
    before = newest(tower)
    tower.unlink("models/resnet:v2")
    assert told(tower, before) == [
        "ADD_ARTIFACT_ALIAS models/resnet:v0 ← latest (was v2)",
        "UNLINK_ARTIFACT models/resnet:v2",
    ]
    tower.unlink("models/resnet:latest")
    assert told(tower, before)[-2:] == [
        "REMOVE_ARTIFACT_ALIAS models/resnet:v0 − latest",
        "UNLINK_ARTIFACT models/resnet:v0",
    ]


def test_linking_into_a_registry_that_is_not_there_is_refused(tower: Tower) -> None:
    tower.log("acme/vision/resnet", type="model", empty=True)
    with pytest.raises(NotFound, match="there is no registry models"):
        tower.link("acme/vision/resnet:v0", "models/resnet")


def test_a_moved_alias_is_one_event_that_says_from_where(tower: Tower) -> None:
    for number in range(2):
        tower.log("acme/vision/resnet", type="model", references=[f"s3://b/{number}"])
    tower.add_alias("acme/vision/resnet:v0", "best")
    before = newest(tower)
    tower.add_alias("acme/vision/resnet:v1", "best")
    tower.add_alias("acme/vision/resnet:v1", "best")
    assert told(tower, before) == ["ADD_ARTIFACT_ALIAS acme/vision/resnet:v1 ← best (was v0)"]
    tower.remove_alias("acme/vision/resnet:v1", "best")
    with pytest.raises(NotFound, match="has no alias best"):
        tower.remove_alias("acme/vision/resnet:v1", "best")


def test_unlink_removes_aliases_and_tags_and_never_reuses_an_index(
    tower: Tower,
) -> None:
    tower.create_registry("models")
    tower.log("acme/vision/resnet", type="model", empty=True)
    linked = tower.link("acme/vision/resnet:v0", "models/resnet", aliases=["production"])
    tower.add_tag(linked, "eu")
    before = newest(tower)
    tower.unlink(linked)
    assert told(tower, before) == [
        "REMOVE_ARTIFACT_ALIAS models/resnet:v0 − latest",
        "REMOVE_ARTIFACT_ALIAS models/resnet:v0 − production",
        "REMOVE_ARTIFACT_TAG models/resnet:v0 − tag eu",
        "UNLINK_ARTIFACT models/resnet:v0",
    ]
    assert tower.link("acme/vision/resnet:v0", "models/resnet").index == 1
    assert tower.version("acme/vision/resnet:v0").linked_as == ("models/resnet:v1",)


def test_a_logged_version_cannot_be_unlinked(tower: Tower) -> None:
    tower.log("acme/vision/resnet", type="model", empty=True)
    with pytest.raises(InvalidInput, match="was logged there"):
        tower.unlink("acme/vision/resnet:v0")


def test_deleted_collection_is_gone_and_its_automations_wait(tower: Tower) -> None:
    tower.create_registry("models")
    for number in range(2):
        tower.log("acme/vision/resnet", type="model", references=[f"s3://b/{number}"])
        tower.link(f"acme/vision/resnet:v{number}", "models/resnet")
    tower.add_tag("models/resnet", "eu")
    webhook(tower, "ci", "http://127.0.0.1:1/")
    on_alias(tower, "watch", "ci")
    before = newest(tower)
    with pytest.raises(InvalidInput, match="is a link to acme/vision/resnet:v0"):
        tower.delete("models/resnet:v0")
    assert tower.delete("models/resnet") == 2
    assert told(tower, before) == [
        "UNLINK_ARTIFACT models/resnet:v0",
        "REMOVE_ARTIFACT_ALIAS models/resnet:v1 − latest",
        "UNLINK_ARTIFACT models/resnet:v1",
        "REMOVE_COLLECTION_TAG models/resnet − tag eu",
    ]
    registry, collections = tower.container(ContainerReference.registry("models"))
    assert (registry.collections, registry.automations, collections) == (0, 1, [])
    assert [one.kind for one in tower.search("resnet")] == [FoundKind.COLLECTION]
    assert tower.delete("acme/vision/resnet:v1") == 1
    assert tower.versions("acme/vision/resnet")[0].aliases == ("latest",)
    tower.link("acme/vision/resnet:v0", "models/resnet")
    assert tower.delete("acme/vision/resnet") == 1  # and its link
    for gone in ("acme/vision/resnet", "models/resnet", "models/never"):
        with pytest.raises(NotFound):
            tower.delete(gone)
    assert tower.search("resnet") == []
    with pytest.raises(NotFound) as mistyped:
        tower.versions("acme/vision/resnt")
    assert "resnet" not in mistyped.value.hint
    assert tower.log("acme/vision/resnet", type="model", empty=True).index == 2


def test_collections_have_tags(tower: Tower) -> None:
    tower.log("acme/vision/resnet", type="model", empty=True)
    before = newest(tower)
    tower.add_tag("acme/vision/resnet", "core", "core")
    tower.remove_tag("acme/vision/resnet", "core")
    assert told(tower, before) == [
        "ADD_COLLECTION_TAG acme/vision/resnet + tag core",
        "REMOVE_COLLECTION_TAG acme/vision/resnet − tag core",
    ]


def test_one_refused_alias_of_several_leaves_none(tower: Tower) -> None:
    tower.log("acme/vision/resnet", type="model", empty=True)
    before = newest(tower)
    with pytest.raises(InvalidInput, match="looks like a version"):
        tower.add_alias("acme/vision/resnet:v0", "good", "v7")
    assert told(tower, before) == []


def test_a_registry_exists_once(tower: Tower) -> None:
    tower.create_registry("models")
    with pytest.raises(Conflict, match="exists already"):
        tower.create_registry("wandb-registry-models")
    tower.create_registry("my models")
    with pytest.raises(Conflict) as refused:
        tower.create_registry("my models")
    assert refused.value.hint == "See it with `firetower registry show 'my models'`."


def test_metadata_json_does_not_have_is_kept_as_text(tower: Tower) -> None:
    version = tower.log(
        "acme/vision/resnet",
        type="model",
        empty=True,
        metadata={"loss": float("nan"), "text": "a\0b\ud800"},
    )
    assert version.metadata == {"loss": "NaN", "text": "a\0b\ud800"}


def test_metadata_is_edited_and_every_edit_is_kept(tower: Tower) -> None:
    first = tower.log(
        "acme/vision/vit", type="model", empty=True, metadata={"a": 1, "b": [2], "c": None}
    )
    before = newest(tower)
    edited = tower.update(first, metadata={"a": 1.5, "b": [2], "d": {"e": 1}}, unset="c")
    assert edited.metadata == {"a": 1.5, "b": [2], "d": {"e": 1}}
    assert tower.update(first, description="Good").description == "Good"
    assert tower.update(first, description="").description == ""
    assert tower.update(first, metadata={"a": 1.5}).metadata == edited.metadata
    kept = [
        (one.author, one.field, one.old_json, one.new_json) for one in tower.version(first).changes
    ]
    assert kept == [
        ("ada", "description", '"Good"', None),
        ("ada", "description", None, '"Good"'),
        ("ada", "metadata.d", None, '{"e":1}'),
        ("ada", "metadata.c", "null", None),
        ("ada", "metadata.a", "1", "1.5"),
    ]
    assert told(tower, before) == []


@pytest.mark.parametrize(
    ("metadata", "differs"), [(None, False), ({"a": 1}, False), ({"a": True}, True), ({}, True)]
)
def test_other_metadata_of_the_same_content_is_told(
    tower: Tower, metadata: dict[str, object] | None, *, differs: bool
) -> None:
    first = tower.log("acme/vision/vit", type="model", empty=True, metadata={"a": 1})
    again = tower.log("acme/vision/vit", type="model", empty=True, metadata=metadata)
    assert not first.metadata_differs
    assert (again.created, again.metadata_differs) == (False, differs)
    assert again.metadata == {"a": 1}


def test_keys_that_no_column_holds_can_be_set_and_unset(tower: Tower) -> None:
    odd = ("a\ud800", "b\0")
    first = tower.log("acme/vision/vit", type="model", empty=True)
    assert set(tower.update(first, metadata=dict.fromkeys(odd, 1)).metadata) == set(odd)
    assert tower.update(first, unset=odd).metadata == {}
    assert len(tower.version(first).changes) == 4

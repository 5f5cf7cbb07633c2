"""Tags, and changes made twice: what is so already leaves no event."""

from collections.abc import Callable
from functools import partial

import pytest

from firetower.core.errors import InvalidInput, NotFound
from firetower.store.store import Store
from firetower.tower import Tower

VERSION, LINK = "acme/vision/resnet:v0", "models/resnet:v0"


@pytest.fixture
def tower(store: Store) -> Tower:
    """One version, linked into a registry."""
    tower = Tower(store)
    tower.create_registry("models")
    tower.log("acme/vision/resnet", type="model", references=["s3://b/0"])
    tower.link(VERSION, "models/resnet")
    return tower


def told(tower: Tower, act: Callable[[], object]) -> list[str]:
    """Return the events that an act records."""
    before = max((event.id for event in tower.events.newest(1)), default=0)
    act()
    return [
        f"{event.type} {event.subject} {event.detail}"
        for event in tower.events.newest(1_000)
        if event.id > before
    ]


def tags_of(tower: Tower, reference: str) -> tuple[str, ...]:
    return tuple(tower.version(reference).version.tags)


def test_a_version_is_tagged_once_and_untagged_once(tower: Tower) -> None:
    assert told(tower, lambda: tower.add_tag(VERSION, "eu", "eu", "b")) == [
        f"ADD_ARTIFACT_TAG {VERSION} + tag eu",
        f"ADD_ARTIFACT_TAG {VERSION} + tag b",
    ]
    assert told(tower, lambda: tower.add_tag(VERSION, "eu")) == []
    assert tags_of(tower, VERSION) == ("b", "eu")
    assert told(tower, lambda: tower.remove_tag(VERSION, "eu")) == [
        f"REMOVE_ARTIFACT_TAG {VERSION} − tag eu"
    ]
    with pytest.raises(NotFound, match="has no tag eu"):
        tower.remove_tag(VERSION, "eu")
    assert tags_of(tower, VERSION) == ("b",)


def test_a_version_and_its_link_have_tags_of_their_own(tower: Tower) -> None:
    assert told(tower, lambda: tower.add_tag(LINK, "eu")) == [f"ADD_ARTIFACT_TAG {LINK} + tag eu"]
    assert (tags_of(tower, VERSION), tags_of(tower, LINK)) == ((), ("eu",))
    with pytest.raises(NotFound, match="has no tag eu"):
        tower.remove_tag(VERSION, "eu")


def test_many_versions_and_their_collection_share_a_tag(tower: Tower) -> None:
    tower.log("acme/vision/resnet", type="model", references=["s3://b/1"])
    for target in ("acme/vision/resnet:v0", "acme/vision/resnet:v1", "acme/vision/resnet"):
        assert len(told(tower, partial(tower.add_tag, target, "eu"))) == 1
    tower.remove_tag("acme/vision/resnet:v0", "eu")
    assert tags_of(tower, "acme/vision/resnet:v1") == ("eu",)
    tower.remove_tag("acme/vision/resnet", "eu")
    assert tags_of(tower, "acme/vision/resnet:v1") == ("eu",)


@pytest.mark.parametrize("target", [VERSION, "acme/vision/resnet", LINK, "models/resnet"])
def test_one_refused_tag_of_several_leaves_the_others_as_they_were(
    tower: Tower, target: str
) -> None:
    tower.add_tag(target, "eu")
    with pytest.raises(InvalidInput, match="tag"):
        tower.add_tag(target, "good", "a:b")
    with pytest.raises(NotFound, match="has no tag missing"):
        tower.remove_tag(target, "eu", "missing")
    assert told(tower, lambda: tower.add_tag(target, "eu")) == []
    assert told(tower, lambda: tower.remove_tag(target, "eu")) != []


@pytest.mark.parametrize("target", ["acme/vision/resnet:v7", "acme/vision/other", "models/none"])
def test_what_is_not_there_cannot_be_tagged(tower: Tower, target: str) -> None:
    with pytest.raises(NotFound):
        tower.add_tag(target, "eu")


def test_a_script_that_runs_again_changes_nothing(tower: Tower) -> None:
    def script() -> None:
        version = tower.log(
            "acme/vision/vit",
            type="model",
            references=["s3://b/vit"],
            aliases=["candidate"],
            tags=["nightly"],
        )
        linked = tower.link(version, "models/vit", aliases=["staging"])
        tower.add_alias(linked, "production")
        tower.add_tag(linked, "eu")
        tower.add_tag("models/vit", "core")

    assert len(told(tower, script)) == 10
    seen = [tower.version(f"{name}:v0") for name in ("acme/vision/vit", "models/vit")]
    assert told(tower, script) == []
    assert [tower.version(f"{name}:v0") for name in ("acme/vision/vit", "models/vit")] == seen
    assert [len(tower.versions(name)) for name in ("acme/vision/vit", "models/vit")] == [1, 1]

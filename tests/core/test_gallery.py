"""The gallery's drafts can be saved once an endpoint is chosen; so can those of a collection."""

from dataclasses import replace

import pytest

from core.builders import MODELS, VISION
from firetower.core.drafts import Draft, Part, read_draft
from firetower.core.events import EventType
from firetower.core.gallery import SAMPLES, Sample, draft_for, duplicate, samples_for
from firetower.core.references import CollectionReference, ContainerReference

CONTAINERS = [
    MODELS,
    VISION,
    ContainerReference.entity_named("acme"),
    ContainerReference.organization(),
]


@pytest.mark.parametrize(
    ("container", "sample"),
    [(container, sample) for container in CONTAINERS for sample in samples_for(container)],
    ids=lambda one: one.name if isinstance(one, Sample) else str(one),
)
def test_sample_lacks_nothing_but_its_endpoint(
    sample: Sample, container: ContainerReference
) -> None:
    draft = replace(sample.draft(container), name="n")
    reading = read_draft(draft, frozenset())
    assert not reading.problems
    assert reading.missing.keys() <= {Part.ACTION}
    read_draft(replace(draft, endpoint="e"), frozenset()).checked().check(frozenset())


def test_samples_differ() -> None:
    assert len({sample.name for sample in SAMPLES}) == len(SAMPLES) >= 6
    assert samples_for(VISION) == list(SAMPLES)
    assert len(samples_for(MODELS)) == len(SAMPLES) - 3


@pytest.mark.parametrize(
    ("collection", "aliases", "field", "text", "event"),
    [
        ("models/resnet", [], "collection", "resnet", EventType.LINK_ARTIFACT),
        ("models/resnet", ["latest"], "collection", "resnet", EventType.LINK_ARTIFACT),
        ("models/resnet", ["latest", "prod"], "alias", "^prod$", EventType.ADD_ARTIFACT_ALIAS),
        ("models/resnet", ["a", "b.c"], "alias", r"^(a|b\.c)$", EventType.ADD_ARTIFACT_ALIAS),
        ("acme/vision/resnet", [], "pattern", "resnet", EventType.CREATE_ARTIFACT),
        ("acme/vision/res[1]", [], "pattern", r"/^res\[1\]$/", EventType.CREATE_ARTIFACT),
    ],
)
def test_draft_for_a_collection_watches_it_alone(
    collection: str, aliases: list[str], field: str, text: str, event: EventType
) -> None:
    reference = CollectionReference.parse(collection)
    draft = draft_for(reference, aliases)
    assert getattr(draft, field) == text
    assert draft.event_type is event
    scope = read_draft(replace(draft, name="n", endpoint="e")).checked().scope
    assert scope.covers(reference, "model")
    assert not scope.covers(reference.model_copy(update={"name": "resnet-2"}), "model")


def test_duplicate_has_another_name() -> None:
    draft = replace(Draft.new(MODELS), name="deploy")
    assert duplicate(draft) == replace(draft, name="deploy-copy")

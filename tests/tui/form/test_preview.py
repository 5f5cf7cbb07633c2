"""The preview: what a draft will do, in words and as the bytes it sends."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.builders import MODELS, NOON, VISION, make_endpoint, make_event
from firetower.core.actions import ActionType
from firetower.core.automations import Mode
from firetower.core.backtest import matches
from firetower.core.catalog import Collection
from firetower.core.drafts import Draft, read_draft
from firetower.core.endpoints import Endpoint, EndpointKind
from firetower.core.events import Event, EventType
from firetower.core.references import CollectionReference, ContainerReference
from firetower.tui.form.data import FormData, sample_event
from firetower.tui.form.fields import variables
from firetower.tui.form.preview import (
    collections_note,
    endpoint_note,
    listed,
    missing_text,
    preview_text,
    values_note,
)

HOSTILE = "[/foo] [b]\x1b[31m\u202e$x"


def collection(name: str, type_: str = "model", container: object = MODELS) -> Collection:
    return Collection(
        reference=CollectionReference.parse(f"{container}/{name}"),
        type=type_,
        author="ada",
        created_at=NOON,
        versions=1,
        tags=(),
    )


def slack(name: str = "team-ml") -> Endpoint:
    return make_endpoint(name=name, kind=EndpointKind.SLACK, url=None, url_secret="HOOK")


WORLD = FormData(
    collections=[collection("resnet"), collection("bert"), collection("mini", "dataset")],
    all_endpoints=[
        make_endpoint(signing_secret="CI_KEY", access_token_secret="CI_TOKEN"),
        slack(),
    ],
)


def draft(container: ContainerReference = MODELS, **said: Any) -> Draft:
    return replace(Draft.new(container), **{"name": "n", "endpoint": "ci-deploy", **said})


def preview(one: Draft, recent: Sequence[Event] = (), data: FormData = WORLD) -> str:
    reading = read_draft(one, data.granted.get(one.endpoint))
    if reading.definition is None:
        return missing_text(reading)
    return preview_text(one, reading.definition, replace(data, recent=recent), NOON).plain


def test_it_begins_with_the_automation_in_one_sentence() -> None:
    first = preview(draft(alias="^prod", cooldown="10m")).splitlines()[0]
    assert first == (
        "When an alias matching ^prod is added in registry models, POST to ci-deploy, "
        "at most once in 10m."
    )


def test_an_endpoint_that_is_not_chosen_yet_is_called_so() -> None:
    assert "POST to an endpoint." in preview(draft(endpoint=""))


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        (Mode.SHADOW, "Shadow: it records"),
        (Mode.DISABLED, "Disabled: it does not fire"),
        (Mode.ENABLED, ""),
    ],
)
def test_the_mode_is_said(mode: Mode, said: str) -> None:
    second = preview(draft(mode=mode)).splitlines()[1]
    assert second.startswith(said)
    assert bool(second) is bool(said)


def test_what_happened_of_late_is_counted_by_the_whole_definition() -> None:
    events = [
        make_event(alias="production"),
        make_event(alias="staging"),
        make_event(alias="prod-eu", collection="models/bert"),
        make_event(alias="prod-us", index=1),
    ]
    assert "Of the last 4 “alias added” events here, 3 match." in preview(
        draft(alias="^prod"), events
    )
    one = draft(alias="^prod", whole=False, collection="bert")
    assert "Of the last 4 “alias added” events here, 1 matches." in preview(one, events)
    none = draft(alias="^audited", filter='{"metadata.f1": {"$gt": 0.9}}')
    assert "None of the last 4 “alias added” events here matches." in preview(none, events)
    assert "No “alias added” event has happened here yet." in preview(draft())


def test_the_newest_match_is_shown_with_the_body_that_it_would_send() -> None:
    events = [
        make_event(alias="staging", at=NOON),
        make_event(alias="prod-eu", at=NOON - timedelta(minutes=3)),
        make_event(alias="production", at=NOON - timedelta(days=3)),
    ]
    one = draft(alias="^prod", payload='{"ref": "${artifact_version_string}", "n": ${alias}}')
    said = preview(one, events)
    assert "Newest match: models/resnet:v3 ← prod-eu 3 min ago" in said
    assert said.endswith('Body\n{\n  "ref": "models/resnet:prod-eu",\n  "n": "prod-eu"\n}')


def test_where_nothing_matches_a_sample_stands_in() -> None:
    said = preview(draft(alias="^prod", payload='{"to": "${alias}"}'))
    assert "For example: models/resnet:v3 ← production a sample" in said
    assert '"to": "production"' in said


@pytest.mark.parametrize("type_", EventType)
@pytest.mark.parametrize("data", [WORLD, FormData()], ids=["some", "empty"])
def test_every_event_has_a_sample_that_carries_what_it_carries(
    type_: EventType, data: FormData
) -> None:
    carries = type_.spec.carries
    container = VISION if "run" in carries else MODELS
    event = sample_event(type_, container, data, NOON)
    assert event.container == container
    assert (event.run is not None) is ("run" in carries)
    assert (event.version is not None) is ("version" in carries)
    assert (event.alias is not None) is ("alias" in carries)
    assert (event.tag is not None) is ("tag" in carries)
    collection = "models/resnet" if data.collections else "models/example"
    assert event.subject.startswith("acme/vision/" if "run" in carries else collection)


def test_secrets_are_masked_and_only_a_webhooks_own_are_offered() -> None:
    one = draft(payload='{"k": "${CI_KEY}", "t": "${ACCESS_TOKEN}"}')
    assert preview(one).endswith('{\n  "k": "••••",\n  "t": "••••"\n}')
    assert list(variables(one, WORLD))[-4:] == [
        "artifact_metadata.",
        "ACCESS_TOKEN",
        "CI_KEY",
        "CI_TOKEN",
    ]
    message = draft(action=ActionType.NOTIFICATION, endpoint="ci-deploy")
    assert "CI_KEY" not in variables(message, WORLD)


def test_preview_shows_a_slack_message_and_no_body_of_no_op() -> None:
    said = preview(draft(action=ActionType.NOTIFICATION, endpoint="team-ml", title="${alias}!"))
    assert "post to Slack by team-ml" in said
    assert '"text": "production!"' in said
    assert "Body" not in preview(draft(action=ActionType.NO_OP))


def test_a_draft_that_cannot_be_read_says_what_comes_first() -> None:
    expected = "no collection is chosen. Choose one, or watch the whole registry."
    assert preview(draft(whole=False)) == expected


def test_hostile_text_is_drawn() -> None:
    event = make_event(alias=HOSTILE, author=HOSTILE)
    one = draft(alias="[/]", description=HOSTILE, payload='{"a": "${alias}", "[/b]": "[b"}')
    said = preview(one, [event])
    assert "models/resnet:v3 ← [/foo] [b]\\x1b[31m\\u202e$x" in said
    assert '"[/b]": "[b"' in said
    assert all(line.isprintable() for line in said.splitlines())


@pytest.mark.parametrize(
    ("container", "said", "note"),
    [
        (MODELS, {}, "3 collections match now, later ones will too"),
        (MODELS, {"whole": False, "collection": "bert"}, "1 of 3 matches now: bert"),
        (VISION, {"whole": False, "pattern": "*e*"}, "2 of 3 match now: resnet and bert"),
        (VISION, {"whole": False, "pattern": "/t$/"}, "2 of 3 match now: resnet and bert"),
        (VISION, {"whole": False, "artifact_type": "dataset"}, "1 of 3 matches now: mini"),
        (VISION, {"whole": False, "pattern": "x"}, "none matches now; later ones may"),
        (VISION, {"whole": False, "pattern": "/(/"}, ""),
        (VISION, {"whole": False}, ""),
    ],
)
def test_the_collections_that_match_now_are_named(
    container: ContainerReference, said: dict[str, Any], note: str
) -> None:
    names = [("resnet", "model"), ("bert", "model"), ("mini", "dataset")]
    data = replace(WORLD, collections=[collection(*one, container) for one in names])
    one = draft(container, **said)
    assert collections_note(one, read_draft(one), data) == note


def test_no_collection_is_said_plainly() -> None:
    one = draft(MODELS)
    data = replace(WORLD, collections=())
    assert collections_note(one, read_draft(one), data).startswith("no collection yet")


@pytest.mark.parametrize(
    ("pattern", "seen", "note"),
    [
        ("", [], "none seen here yet"),
        ("", ["a", "b"], "any; seen here: a and b"),
        ("^a", ["a", "ba"], "matches a · not ba"),
        ("a", ["a"], "matches a"),
        ("c", ["a", "b"], "matches none seen here · not a and b"),
        ("(", ["a"], ""),
        ("", [HOSTILE], f"any; seen here: {listed([HOSTILE])}"),
    ],
)
def test_the_values_seen_of_late_are_told_apart(pattern: str, seen: list[str], note: str) -> None:
    assert values_note(pattern, seen) == note
    assert note.isprintable()


def test_long_lists_are_cut() -> None:
    assert listed([f"c{n}" for n in range(8)]) == "c0, c1, c2, c3, c4, c5 and 2 more"


def test_an_endpoint_that_is_off_or_gone_is_noted() -> None:
    off = replace(WORLD, all_endpoints=[make_endpoint(disabled_reason="410 Gone")])
    assert endpoint_note(draft(), WORLD) == ""
    assert endpoint_note(draft(), off) == "disabled (410 Gone): what fires for it is skipped"
    assert endpoint_note(draft(endpoint="old"), WORLD) == "no endpoint has this name any more"
    assert endpoint_note(draft(action=ActionType.NO_OP, endpoint="old"), WORLD) == ""


def test_a_webhook_and_a_slack_hook_of_one_name_are_told_apart() -> None:
    data = replace(WORLD, all_endpoints=[*WORLD.all_endpoints, slack("ci-deploy")])
    for action, kind in (
        (ActionType.GENERIC_WEBHOOK, EndpointKind.WEBHOOK),
        (ActionType.NOTIFICATION, EndpointKind.SLACK),
    ):
        found = data.endpoint(action, "ci-deploy")
        assert found is not None
        assert found.settings.kind is kind
    assert data.endpoint(ActionType.NO_OP, "ci-deploy") is None


def test_only_events_of_the_type_and_scope_match() -> None:
    one = read_draft(draft(action=ActionType.NO_OP)).definition
    assert one is not None
    assert matches(one, make_event())
    assert not matches(one, make_event(EventType.ADD_ARTIFACT_TAG))
    assert not matches(one, make_event(collection="other/resnet"))

"""Reading a draft: each problem is noted under the part that it is about."""

from dataclasses import replace
from typing import Any

import pytest

from core.builders import MODELS, VISION
from firetower.core.actions import ActionType, NoAction, SlackAction, WebhookAction
from firetower.core.drafts import Draft, Part, read_draft
from firetower.core.errors import Conflict
from firetower.core.events import EventType
from firetower.core.filters import ANY
from firetower.core.references import ContainerReference
from firetower.core.scopes import CollectionScope, CollectionsScope, ContainerScope

SECRETS = frozenset({"CI_KEY"})


def draft(container: ContainerReference = MODELS, **said: Any) -> Draft:
    """Return a draft that can be saved, but for what is said otherwise."""
    given = {"name": "n", "endpoint": "ci-deploy", **said}
    return replace(Draft.new(container), **given)


PART = {"whole": False}
SLACK = {"action": ActionType.NOTIFICATION, "endpoint": "team-ml"}

PROBLEMS: list[tuple[ContainerReference, dict[str, Any], Part, str, str]] = [
    (VISION, {**PART, "pattern": "/a(b/"}, Part.SCOPE, "RE2 refuses", "look-around"),
    (VISION, {**PART, "pattern": "/(?=a)/"}, Part.SCOPE, "RE2 refuses", "look-around"),
    (VISION, {**PART, "pattern": "a/b"}, Part.SCOPE, "neither a glob nor a /regex/", "resnet-*"),
    (VISION, {**PART, "pattern": "/"}, Part.SCOPE, "neither a glob nor a /regex/", "resnet-*"),
    (
        MODELS,
        {"event_type": EventType.CREATE_ARTIFACT},
        Part.EVENT,
        "so it never fires in a registry",
        "LINK_ARTIFACT (version linked)",
    ),
    (
        VISION,
        {"event_type": EventType.LINK_ARTIFACT},
        Part.EVENT,
        "so it never fires in a project",
        "CREATE_ARTIFACT (new version)",
    ),
    (MODELS, {"alias": "(?!prod)"}, Part.ALIAS, "RE2 refuses", "look-around"),
    (MODELS, {"alias": "x" * 1001}, Part.ALIAS, "1,001 characters", "at most 1,000"),
    (
        MODELS,
        {"event_type": EventType.ADD_COLLECTION_TAG, "tag": "a{9999}"},
        Part.TAG,
        "RE2 refuses",
        "RE2",
    ),
    (MODELS, {"filter": "{"}, Part.FILTER, "the filter is not JSON", ""),
    (MODELS, {"filter": '{"tag": "a"}'}, Part.FILTER, "tag", ""),
    (MODELS, {"filter": '{"metadata.f1": {"$gtee": 1}}'}, Part.FILTER, "$gtee", "$gte?"),
    (MODELS, {"filter": '{"alias": "\\ud800"}'}, Part.FILTER, "Unicode", ""),
    (MODELS, {"payload": '{"a": }'}, Part.PAYLOAD, "the payload is not JSON", "Write JSON"),
    (MODELS, {"payload": '"${alis}"'}, Part.PAYLOAD, "no variable", "Did you mean ${alias}?"),
    (MODELS, {"payload": '"${tag}"'}, Part.PAYLOAD, "never have the variable", "Variables here"),
    (MODELS, {"payload": '"${CI_KEYS}"'}, Part.PAYLOAD, "no variable", "mean ${CI_KEY}?"),
    (MODELS, {"payload": '"${alias"'}, Part.PAYLOAD, "cannot be read", "Write ${name}"),
    (MODELS, {**SLACK, "title": "${alis}"}, Part.TITLE, "no variable", "mean ${alias}?"),
    (MODELS, {**SLACK, "message": "${"}, Part.MESSAGE, "cannot be read", "Write ${name}"),
    (MODELS, {**SLACK, "message": "${CI_KEY}"}, Part.MESSAGE, "no variable", "Variables here"),
    (MODELS, {"name": "  "}, Part.NAME, "empty or has control", "read on one line"),
    (MODELS, {"name": "n" * 256}, Part.NAME, "256 characters", "at most 255"),
    (MODELS, {"cooldown": "0"}, Part.COOLDOWN, "not longer than zero", "30s or 10m"),
    (MODELS, {"cooldown": "0s"}, Part.COOLDOWN, "not longer than zero", "30s or 10m"),
    (MODELS, {"cooldown": "-5m"}, Part.COOLDOWN, "not a span of time", "30s, 10m"),
    (MODELS, {"cooldown": "soon"}, Part.COOLDOWN, "not a span of time", "30s, 10m"),
    (MODELS, {"cooldown": "10"}, Part.COOLDOWN, "not a span of time", "30s, 10m"),
    (MODELS, {"cooldown": "367d"}, Part.COOLDOWN, "longer than 366d", "Disable"),
]


@pytest.mark.parametrize(("container", "said", "part", "message", "hint"), PROBLEMS)
def test_each_problem_stands_under_its_part(
    container: ContainerReference, said: dict[str, Any], part: Part, message: str, hint: str
) -> None:
    reading = read_draft(draft(container, **said), SECRETS)
    assert list(reading.problems) == [part]
    assert message in reading.problems[part].message
    assert hint in reading.problems[part].hint
    assert reading.definition is None
    assert not reading.can_be_saved


def test_every_problem_is_said_at_once() -> None:
    reading = read_draft(
        draft(VISION, whole=False, pattern="/(/", alias="(", filter="[", payload="{", cooldown="x"),
        SECRETS,
    )
    assert set(reading.problems) == {
        Part.SCOPE,
        Part.ALIAS,
        Part.FILTER,
        Part.PAYLOAD,
        Part.COOLDOWN,
    }


@pytest.mark.parametrize(
    ("container", "said", "part", "wanted"),
    [
        (MODELS, PART, Part.SCOPE, "no collection is chosen"),
        (VISION, PART, Part.SCOPE, "nothing says which collections"),
        (MODELS, {"endpoint": ""}, Part.ACTION, "no endpoint is chosen"),
        (MODELS, {**SLACK, "endpoint": ""}, Part.ACTION, "no endpoint is chosen"),
    ],
)
def test_what_was_only_left_out_is_no_error(
    container: ContainerReference, said: dict[str, Any], part: Part, wanted: str
) -> None:
    reading = read_draft(draft(container, **said), SECRETS)
    assert reading.problems == {}
    assert {part: error.message for part, error in reading.missing.items()} == {part: wanted}
    assert not reading.can_be_saved


@pytest.mark.parametrize(
    ("pattern", "type_", "scope"),
    [
        ("resnet-*", "", {"glob": "resnet-*"}),
        ("/^res/", "", {"regex": "^res"}),
        ("//", "", {"regex": ""}),
        ("", "model", {"artifact_type": "model"}),
        ("res*", "model", {"glob": "res*", "artifact_type": "model"}),
    ],
)
def test_a_pattern_is_a_glob_or_a_regex_in_slashes(
    pattern: str, type_: str, scope: dict[str, str]
) -> None:
    reading = read_draft(draft(VISION, whole=False, pattern=pattern, artifact_type=type_), SECRETS)
    wanted = CollectionsScope.model_validate({"container": VISION, **scope})
    assert reading.can_be_saved
    assert reading.scope == wanted


def test_fields_that_are_not_shown_say_nothing() -> None:
    hidden = draft(
        event_type=EventType.LINK_ARTIFACT,
        alias="(",
        tag="(",
        collection="resnet",
        action=ActionType.NO_OP,
        payload="{",
        title="${",
        message="${",
    )
    definition = read_draft(hidden.shown, SECRETS).definition
    assert definition is not None
    assert definition.scope == ContainerScope(container=MODELS)
    assert definition.filter == ANY
    assert definition.action == NoAction()


def test_each_action_takes_its_own_fields() -> None:
    both: dict[str, Any] = {"payload": "1", "title": "t", "message": ""}
    webhook = read_draft(draft(**both), SECRETS).definition
    slack = read_draft(draft(**{**both, **SLACK}), SECRETS).definition
    assert webhook is not None
    assert webhook.action == WebhookAction(endpoint="ci-deploy", payload="1")
    assert slack is not None
    assert slack.action == SlackAction(endpoint="team-ml", title="t")


def test_one_collection_of_a_registry() -> None:
    reading = read_draft(draft(whole=False, collection="resnet"), SECRETS)
    assert isinstance(reading.scope, CollectionScope)
    assert str(reading.scope.collection) == "models/resnet"


def test_a_name_that_another_has_is_taken() -> None:
    problem = read_draft(draft(), SECRETS, {"n"}).problems[Part.NAME]
    assert isinstance(problem, Conflict)
    assert problem.message == "an automation named n exists already"
    assert read_draft(draft(), SECRETS, {"m"}).can_be_saved

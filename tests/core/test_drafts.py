"""Drafts: what an automation comes back as, what is wrong with one, and its name."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.builders import MODELS, NOON, VISION, allowed_events, make_definition, make_revision
from core.strategies import filters
from firetower.core.actions import ActionType, NoAction, Severity, SlackAction, WebhookAction
from firetower.core.automations import LONGEST_COOLDOWN, Automation, Definition, Mode
from firetower.core.drafts import Draft, Part, read_draft, suggested_name
from firetower.core.errors import Conflict, InvalidInput
from firetower.core.events import EventType
from firetower.core.filters import ANY, Filter, regex_filter
from firetower.core.filters.nodes import predicates
from firetower.core.filters.patterns import Pattern
from firetower.core.references import (
    _INVISIBLE,
    CollectionReference,
    ContainerKind,
    ContainerReference,
    check_automation_name,
)
from firetower.core.runs import REPORTED_STATES, RunState, StateCondition
from firetower.core.scopes import CollectionScope, CollectionsScope, ContainerScope, Scope

WITHOUT_METRIC = [one for one in EventType if "metric" not in one.spec.carries]
SECRETS = frozenset({"CI_KEY", "ACCESS_TOKEN"})


def automation(definition: Definition, mode: Mode = Mode.ENABLED) -> Automation:
    return Automation(
        id=1,
        name=definition.name,
        revision=make_revision(definition, mode=mode),
        created_at=NOON,
    )


def back(definition: Definition) -> Definition:
    """Return what is read from the draft of a definition."""
    return read_draft(Draft.of(automation(definition)), SECRETS).checked()


SCOPES: list[Scope] = [
    ContainerScope(container=MODELS),
    ContainerScope(container=VISION),
    CollectionScope(collection=CollectionReference.parse("models/resnet")),
    CollectionsScope(container=VISION, glob="resnet-*"),
    CollectionsScope(container=VISION, regex=Pattern("^(resnet|bert)$")),
    CollectionsScope(container=VISION, regex=Pattern("a/b")),
    CollectionsScope(container=VISION, regex=Pattern("")),
    CollectionsScope(container=VISION, artifact_type="model"),
    CollectionsScope(container=VISION, glob="[ab]?", artifact_type="dataset"),
]


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope.label)
def test_scope_comes_back(scope: Scope) -> None:
    definition = make_definition(scope=scope)
    assert back(definition) == definition


FILTERS: list[dict[str, Any]] = [
    {},
    {"$or": [{"$and": []}]},
    {"$or": [{"$and": [{"alias": {"$regex": "^prod"}}]}]},
    {"$or": [{"$and": [{"alias": {"$regex": "^prod"}}, {"metadata.f1": {"$gte": 0.9}}]}]},
    {"$or": [{"$and": [{"metadata.f1": {"$gte": 0.9}}, {"alias": {"$regex": "^prod"}}]}]},
    {"$or": [{"$and": [{"alias": {"$regex": "a"}}, {"alias": {"$regex": "b"}}]}]},
    {"$or": [{"$and": [{"alias": {"$regex": ""}}]}]},
    {"$or": [{"$and": [{"alias": {"$regex": "a"}}, {"a": 1}, {"b": 2}]}]},
    {"$or": [{"$and": [{"metadata.f1": 1}]}]},
    {"$or": [{"$and": []}], "metadata.a": 1},
    {"alias": {"$regex": "^prod"}},
    {"alias": {"$in": ["prod", "\x1b[31m"]}},
    {"$not": {"metadata.a": None}},
]


@pytest.mark.parametrize("source", FILTERS, ids=str)
def test_filter_comes_back(source: dict[str, Any]) -> None:
    source = known_fields(source)
    definition = make_definition(filter_=source)
    assert back(definition) == definition


def known_fields(source: Any) -> Any:
    """Name the fields of the table above so that filters know them."""
    if isinstance(source, dict):
        return {
            f"metadata.{k}" if k in {"a", "b"} else k: known_fields(v) for k, v in source.items()
        }
    return [known_fields(item) for item in source] if isinstance(source, list) else source


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (("^prod", None, None), {"alias": "^prod"}),
        ((None, None, {"metadata.a": 1}), {"filter": '{"metadata.a":1}'}),
        (("^prod", None, {"metadata.a": 1}), {"alias": "^prod", "filter": '{"metadata.a":1}'}),
    ],
)
def test_filter_comes_back_in_the_fields_that_made_it(parts: Any, said: dict[str, str]) -> None:
    alias, tag, other = parts
    filter_ = regex_filter(alias, tag, other and Filter.of(other))
    draft = Draft.of(automation(make_definition(filter_=filter_)))
    assert {"alias": draft.alias, "tag": draft.tag, "filter": draft.filter} == {
        "alias": "",
        "tag": "",
        "filter": "",
        **said,
    }


ACTIONS = [
    NoAction(),
    WebhookAction(endpoint="ci-deploy"),
    WebhookAction(endpoint="ci-deploy", payload='{"k": "${CI_KEY}",\n "a": ${alias}}'),
    SlackAction(endpoint="team-ml"),
    SlackAction(endpoint="team-ml", title="${alias} moved", severity=Severity.ERROR),
    SlackAction(endpoint="team-ml", title=" ", message="two\nlines ${alias}"),
]


@pytest.mark.parametrize("action", ACTIONS, ids=str)
def test_action_comes_back(action: Any) -> None:
    definition = make_definition(action=action)
    assert back(definition) == definition


@pytest.mark.parametrize("mode", [Mode.ENABLED, Mode.DISABLED, Mode.SHADOW])
def test_mode_comes_back(mode: Mode) -> None:
    assert Draft.of(automation(make_definition(), mode)).mode is mode


cooldowns = st.none() | st.timedeltas(timedelta(microseconds=1), LONGEST_COOLDOWN)
regexes = st.none() | st.sampled_from(["^prod", "a|b", "\\d+$", '"', "/", " x "])


@given(
    scope=st.sampled_from(SCOPES),
    type_=st.sampled_from(WITHOUT_METRIC),
    alias=regexes,
    tag=regexes,
    other=st.none() | filters,
    action=st.sampled_from(ACTIONS[:1] + ACTIONS[3:4]),
    cooldown=cooldowns,
    states=st.lists(st.sampled_from(REPORTED_STATES), min_size=1, unique=True),
    description=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
def test_definition_comes_back(
    scope: Scope,
    type_: EventType,
    alias: str | None,
    tag: str | None,
    other: dict[str, Any] | None,
    action: Any,
    cooldown: timedelta | None,
    states: list[RunState],
    description: str,
) -> None:
    kind = scope.container.kind
    if not isinstance(scope, ContainerScope) and "run" in type_.spec.carries:
        type_ = EventType.ADD_ARTIFACT_ALIAS
    if type_ not in allowed_events(kind):
        type_ = allowed_events(kind)[0]
    carries = type_.spec.carries
    found = None if other is None else Filter.of(other)
    if found is not None and any(
        one.field in {"alias", "tag"} for one, _ in predicates(found.root)
    ):
        found = None
    filter_ = regex_filter(
        alias if "alias" in carries else None, tag if "tag" in carries else None, found
    )
    condition = None
    if "run" in carries:
        if type_ is EventType.RUN_STATE:
            condition = StateCondition(states=tuple(states))
        filter_ = regex_filter(None, None, None, run_name=tag)
    definition = Definition(
        name="n",
        description=description,
        scope=scope,
        event_type=type_,
        filter=filter_ if carries & {"version", "run"} else ANY,
        condition=condition,
        action=action,
        cooldown=cooldown,
    )
    definition.check(frozenset())
    assert back(definition) == definition


def test_new_draft_begins_with_alias_added() -> None:
    for container in (MODELS, VISION):
        draft = Draft.new(container)
        assert draft.event_type is EventType.ADD_ARTIFACT_ALIAS
        assert draft.whole
        assert draft.carries == {"collection", "version", "alias"}


@pytest.mark.parametrize(
    ("draft", "name"),
    [
        (Draft.new(MODELS), "models-alias-added"),
        (Draft.new(VISION), "vision-alias-added"),
        (
            Draft(
                container=MODELS,
                whole=False,
                collection="resnet",
                event_type=EventType.LINK_ARTIFACT,
            ),
            "resnet-version-linked",
        ),
    ],
)
def test_suggested_name_is_made_of_place_and_event(draft: Draft, name: str) -> None:
    assert suggested_name(draft, frozenset()) == name
    assert suggested_name(draft, frozenset({name})) == f"{name}-2"
    assert suggested_name(draft, frozenset({name, f"{name}-2", f"{name}-3"})) == f"{name}-4"


@given(
    name=st.text(
        st.characters(categories=["L", "N", "So"]).filter(lambda one: not _INVISIBLE.search(one)),
        min_size=128,
        max_size=128,
    ),
    type_=st.sampled_from(EventType),
    whole=st.booleans(),
    taken=st.integers(0, 12),
)
def test_suggested_name_can_be_saved_and_is_free(
    name: str, type_: EventType, whole: bool, taken: int
) -> None:
    container = ContainerReference(kind=ContainerKind.REGISTRY, name=name)
    draft = Draft(container=container, whole=whole, collection=name, event_type=type_)
    names: frozenset[str] = frozenset()
    for _ in range(taken):
        names |= {suggested_name(draft, names)}
    assert len(names) == taken
    assert check_automation_name(suggested_name(draft, names)) not in names


def draft(container: ContainerReference = MODELS, **said: Any) -> Draft:
    """Return a draft that can be saved, but for what is said otherwise."""
    given = {"name": "n", "endpoint": "ci-deploy", **said}
    return replace(Draft.new(container), **given)


PART = {"whole": False}
SLACK = {"action": ActionType.NOTIFICATION, "endpoint": "team-ml"}

PROBLEMS: list[tuple[ContainerReference, dict[str, Any], Part, str, str]] = [
    (VISION, {**PART, "pattern": "/a(b/"}, Part.SCOPE, "missing )", "after a backslash"),
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
    (MODELS, {"tag": "x"}, Part.TAG, "events have no tag", "Use ADD_ARTIFACT_TAG"),
    (MODELS, {"filter": "{"}, Part.FILTER, "the filter is not JSON", ""),
    (MODELS, {"filter": '{"tag": "a"}'}, Part.FILTER, "tag", ""),
    (MODELS, {"filter": '{"metadata.f1": {"$gtee": 1}}'}, Part.FILTER, "$gtee", "$gte?"),
    (MODELS, {"filter": '{"alias": "\\ud800"}'}, Part.FILTER, "Unicode", ""),
    (MODELS, {"filter": '{"metadata.\\ud800": 1}'}, Part.FILTER, "Unicode", ""),
    (MODELS, {"payload": '{"a": }'}, Part.PAYLOAD, "the payload is not JSON", "Write JSON"),
    (MODELS, {"payload": '"${alis}"'}, Part.PAYLOAD, "no variable", "Did you mean ${alias}?"),
    (MODELS, {"payload": '"${tag}"'}, Part.PAYLOAD, "never have the variable", "Variables here"),
    (MODELS, {"payload": '"${CI_KEYS}"'}, Part.PAYLOAD, "no variable", "mean ${CI_KEY}?"),
    (MODELS, {"payload": '"${alias"'}, Part.PAYLOAD, "cannot be read", "Write ${name}"),
    (MODELS, {**SLACK, "title": "${alis}"}, Part.TITLE, "no variable", "mean ${alias}?"),
    (MODELS, {**SLACK, "message": "${"}, Part.MESSAGE, "cannot be read", "Write ${name}"),
    (MODELS, {**SLACK, "message": "${CI_KEY}"}, Part.MESSAGE, "no variable", "Variables here"),
    (MODELS, {"name": "  "}, Part.NAME, "is empty", "read on one line"),
    (MODELS, {"name": "n" * 256}, Part.NAME, "256 characters", "at most 255"),
    (MODELS, {"cooldown": "0"}, Part.COOLDOWN, "not longer than zero", "30s or 10m"),
    (MODELS, {"cooldown": "0s"}, Part.COOLDOWN, "not longer than zero", "30s or 10m"),
    (MODELS, {"cooldown": "-5m"}, Part.COOLDOWN, "not a span of time", "30s, 10m"),
    (MODELS, {"cooldown": "soon"}, Part.COOLDOWN, "not a span of time", "30s, 10m"),
    (MODELS, {"cooldown": "10"}, Part.COOLDOWN, "not a span of time", "30s, 10m"),
    (MODELS, {"cooldown": "367d"}, Part.COOLDOWN, "longer than 366d", "Disable"),
]


@pytest.mark.parametrize(("container", "said", "part", "message", "hint"), PROBLEMS)
def test_problem_is_noted_under_its_part(
    container: ContainerReference, said: dict[str, Any], part: Part, message: str, hint: str
) -> None:
    reading = read_draft(draft(container, **said), SECRETS)
    assert list(reading.problems) == [part]
    assert message in reading.problems[part].message
    assert hint in reading.problems[part].hint
    assert reading.definition is None


def test_all_problems_are_noted_at_once() -> None:
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
def test_part_left_out_is_missing_and_no_problem(
    container: ContainerReference, said: dict[str, Any], part: Part, wanted: str
) -> None:
    reading = read_draft(draft(container, **said), SECRETS)
    assert reading.problems == {}
    assert {part: error.message for part, error in reading.missing.items()} == {part: wanted}


def test_checked_raises_the_first_problem_in_order() -> None:
    wrong = draft(whole=False, endpoint="", cooldown="soon")
    with pytest.raises(InvalidInput, match="no collection is chosen"):
        read_draft(wrong).checked()
    with pytest.raises(InvalidInput, match="no endpoint is chosen"):
        read_draft(replace(wrong, collection="resnet")).checked()


def test_variables_are_not_checked_without_secrets() -> None:
    unchecked = read_draft(draft(payload='"${CI_KEY}"')).checked()
    assert unchecked.action == WebhookAction(endpoint="ci-deploy", payload='"${CI_KEY}"')


@pytest.mark.parametrize("text", ["", " ", "none", "None"])
def test_cooldown_of_none_is_no_cooldown(text: str) -> None:
    assert read_draft(draft(cooldown=text)).checked().cooldown is None


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
def test_pattern_is_a_glob_or_a_regex_in_slashes(
    pattern: str, type_: str, scope: dict[str, str]
) -> None:
    reading = read_draft(draft(VISION, whole=False, pattern=pattern, artifact_type=type_), SECRETS)
    wanted = CollectionsScope.model_validate({"container": VISION, **scope})
    assert reading.missing == {}
    assert reading.scope == wanted


def test_fields_that_are_not_shown_are_not_read() -> None:
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


def test_action_takes_its_own_fields() -> None:
    both: dict[str, Any] = {"payload": "1", "title": "t", "message": ""}
    webhook = read_draft(draft(**both), SECRETS).definition
    slack = read_draft(draft(**{**both, **SLACK}), SECRETS).definition
    assert webhook is not None
    assert webhook.action == WebhookAction(endpoint="ci-deploy", payload="1")
    assert slack is not None
    assert slack.action == SlackAction(endpoint="team-ml", title="t")


def test_collection_of_a_registry() -> None:
    reading = read_draft(draft(whole=False, collection="resnet"), SECRETS)
    assert isinstance(reading.scope, CollectionScope)
    assert str(reading.scope.collection) == "models/resnet"


def test_name_of_another_automation_is_a_conflict() -> None:
    problem = read_draft(draft(), SECRETS, {"n"}).problems[Part.NAME]
    assert isinstance(problem, Conflict)
    assert problem.message == "an automation named n exists already"
    assert read_draft(draft(), SECRETS, {"m"}).definition is not None

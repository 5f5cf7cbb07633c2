from itertools import product
from typing import Any

import pytest
from hypothesis import given

from core.builders import make_event, make_run_snapshot, refusal
from core.strategies import events
from firetower.core.events import Event, EventType
from firetower.core.filters.fields import MISSING
from firetower.core.templates import VARIABLES, available, check_variable, read_variable, samples

NONE: frozenset[str] = frozenset()
LINK, ALIAS = EventType.LINK_ARTIFACT, EventType.ADD_ARTIFACT_ALIAS
COLLECTION_TAG = EventType.ADD_COLLECTION_TAG


@pytest.mark.parametrize(
    ("name", "registry", "project"),
    [
        ("event_type", "ADD_ARTIFACT_ALIAS", "ADD_ARTIFACT_ALIAS"),
        ("event_author", "ada", "ada"),
        ("entity_name", "", "acme"),
        ("project_name", "models", "vision"),
        ("automation_name", "deploy", "deploy"),
        ("artifact_collection_name", "resnet", "resnet"),
        ("artifact_version", "firetower-artifact://_id/4f1c", "firetower-artifact://_id/4f1c"),
        (
            "artifact_version_string",
            "models/resnet:production",
            "acme/vision/resnet:production",
        ),
        ("artifact_version_index", 3, 3),
        ("artifact_metadata.f1", 0.9, 0.9),
        ("artifact_metadata.eval.k", 5, 5),
        ("artifact_metadata.a.b", "dotted", "dotted"),
        ("artifact_metadata.no", MISSING, MISSING),
        ('artifact_metadata["my key"]', 1, 1),
        ('artifact_metadata["a.b"]', "dotted", "dotted"),
        ('artifact_metadata.eval["top 5"]', 2, 2),
        ('artifact_metadata["eval"].k', 5, 5),
        ('artifact_metadata["in \\"quotes\\" {}"]', 3, 3),
        ('artifact_metadata["\\u00e9\\n]"]', 4, 4),
        ("artifact_metadata.list[0]", 6, 6),
        ('artifact_metadata[""]', 7, 7),
        ("alias", "production", "production"),
        ("tag", MISSING, MISSING),
        ("ACCESS_TOKEN", MISSING, MISSING),
    ],
)
def test_a_variable_reads_from_the_event(name: str, registry: Any, project: Any) -> None:
    metadata = {
        "f1": 0.9,
        "eval": {"k": 5, "top 5": 2},
        "a.b": "dotted",
        "my key": 1,
        "": 7,
        'in "quotes" {}': 3,
        "é\n]": 4,
        "list[0]": 6,
    }
    for collection, value in (("models/resnet", registry), ("acme/vision/resnet", project)):
        event = make_event(collection=collection, metadata=metadata)
        assert read_variable(name, event, "deploy") == value


def test_the_version_string_names_the_index_where_there_is_no_alias() -> None:
    event = make_event(LINK)
    assert read_variable("artifact_version_string", event, "deploy") == "models/resnet:v3"
    assert read_variable("event_type", event, "deploy") == "LINK_ARTIFACT"


@given(events)
def test_an_event_has_exactly_the_variables_that_its_type_promises(event: Event) -> None:
    for name, variable in VARIABLES.items():
        present = read_variable(name, event, "deploy") is not MISSING
        assert present is variable.present_for(event.type)
    if event.version is None:
        assert read_variable("artifact_metadata.a", event, "deploy") is MISSING


@pytest.mark.parametrize(("type_", "name"), product(EventType, VARIABLES))
def test_a_variable_is_accepted_exactly_where_an_event_has_it(type_: EventType, name: str) -> None:
    if name in available(type_, NONE):
        check_variable(name, type_, NONE)
        return
    said = refusal(lambda: check_variable(name, type_, NONE))
    assert f'{type_} events never have the variable "${{{name}}}"' in said
    assert all(other in said for other in available(type_, NONE))


@pytest.mark.parametrize(
    ("name", "type_", "nearest"),
    [
        pytest.param("alais", ALIAS, "${alias}", id="misspelt"),
        pytest.param("artifact_version_sting", LINK, "${artifact_version_string}", id="one letter"),
        pytest.param("event_autor", COLLECTION_TAG, "${event_author}", id="another event"),
        pytest.param("artifact_metadata.", LINK, "${artifact_metadata.KEY}", id="no key"),
        pytest.param('artifact_metadata["\\x"]', LINK, "${artifact_metadata.KEY}", id="no text"),
        pytest.param("artifact_metadata", LINK, "${artifact_metadata.KEY}", id="whole metadata"),
        pytest.param(
            "artifact_version_string", COLLECTION_TAG, "${artifact_collection_name}", id="never"
        ),
        pytest.param("GITHUB_TOKN", ALIAS, "${GITHUB_TOKEN}", id="secret"),
    ],
)
def test_unknown_variable_is_refused_and_names_the_nearest(
    name: str, type_: EventType, nearest: str
) -> None:
    said = refusal(lambda: check_variable(name, type_, frozenset({"GITHUB_TOKEN"})))
    assert f"Did you mean {nearest}?" in said


def test_metadata_is_a_variable_of_versions_only() -> None:
    check_variable("artifact_metadata.f1", LINK, NONE)
    assert "never have" in refusal(
        lambda: check_variable("artifact_metadata.f1", COLLECTION_TAG, NONE)
    )


def test_config_is_a_variable_of_runs_only() -> None:
    run = make_run_snapshot(config={"lr": 0.1, "net": {"top 5": 2}})
    event = make_event(EventType.RUN_STATE, run=run)
    assert read_variable("run_config.lr", event, "deploy") == 0.1
    assert read_variable('run_config.net["top 5"]', event, "deploy") == 2
    assert read_variable("run_config.no", event, "deploy") is MISSING
    assert samples(event, "deploy", []) == {"run_config.lr": "0.1", "run_config.net": '{"top 5":2}'}
    for type_ in (EventType.RUN_STATE, EventType.RUN_METRIC):
        check_variable("run_config.lr", type_, NONE)
    assert "never have" in refusal(lambda: check_variable("run_config.lr", LINK, NONE))
    wrong = refusal(lambda: check_variable("run_confg.KEY", EventType.RUN_METRIC, NONE))
    assert "Did you mean ${run_config.KEY}?" in wrong


def test_a_secret_is_a_variable_only_where_it_is_granted() -> None:
    check_variable("ACCESS_TOKEN", LINK, frozenset({"ACCESS_TOKEN"}))
    assert "there is no variable" in refusal(lambda: check_variable("ACCESS_TOKEN", LINK, NONE))


def test_a_hostile_name_is_refused_in_harmless_words() -> None:
    assert "\x1b" not in refusal(lambda: check_variable("\x1b[2J" * 100, LINK, NONE))

"""Whatever is asked, no answer is a defect, and what is refused has changed nothing."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from artifacts import begin, log
from firetower.core.errors import InvalidInput
from firetower.server.app import Answer
from firetower.server.fields import RESOLVERS, make_id
from serving import Running, serving

NAMES = [
    *("name", "entityName", "modelName", "projectName", "runName", "artifactID", "clientID"),
    *("artifactTypeName", "artifactCollectionName", "artifactPortfolioName", "digest", "id"),
    *("artifactPortfolioID", "artifactSequenceID", "artifactManifestID", "triggerID", "aliases"),
    *("tags", "tagsToAdd", "tagsToDelete", "metadata", "config", "description", "displayName"),
    *("title", "text", "files", "artifactFiles", "type", "first", "after", "filters", "order"),
    *("aliasName", "specs", "samples", "minStep", "maxStep", "scopeID", "scopeType", "eventFilter"),
    *("triggeringEventType", "triggeredActionType", "triggeredActionConfig", "enabled", "names"),
    *(
        "projectFilters",
        "collectionFilters",
        "entries",
        "access",
        "artifactTypes",
        "summaryMetrics",
    ),
]
TEXTS = [
    *(
        "acme",
        "vision",
        "resnet",
        "r1",
        "model",
        "latest",
        "v0",
        "organization",
        "",
        "\0",
        "a/b",
        "…",
    ),
    *("wandb-registry-models", "resnet:latest", "resnet:v0", "0" * 32, "{}", "[]", "{", "null"),
    *(
        '{"name": {"$regex": "^r"}}',
        '{"$or": [{"tag": 1}]}',
        '{"name": {"$regex": "("}}',
        "-created_at",
    ),
    *(make_id("Project", "acme/vision"), make_id("ArtifactCollection", "models/resnet")),
    *(make_id("Run", "acme/vision/r1"), make_id("Entity", "acme"), make_id("After", 1)),
    *(
        "CREATE_ARTIFACT",
        "LINK_MODEL",
        "RUN_METRIC",
        "PROJECT",
        "ENTITY",
        "NO_OP",
        "FULL",
        "\u202e",
    ),
]
ALIASES = ("alias", "artifactCollectionName", "entityName", "projectName", "tagName")
texts = st.sampled_from(TEXTS) | st.text(max_size=8)
scalars = texts | st.integers() | st.floats() | st.booleans() | st.none()
parts = st.dictionaries(st.sampled_from(ALIASES), texts, max_size=4)
values = scalars | parts | st.lists(scalars | parts, max_size=3)
inputs = st.dictionaries(st.sampled_from(NAMES), texts | values, max_size=8)
FIELDS = sorted({name for fields in RESOLVERS.values() for name in fields} - {"stop"})
selections: st.SearchStrategy[str] = st.recursive(
    st.sampled_from([*FIELDS, "__typename", "node", "edges", "name", "id"]),
    lambda below: st.lists(
        st.tuples(st.sampled_from([*FIELDS, "node", "edges"]), below, inputs),
        min_size=1,
        max_size=3,
    ).map(
        lambda found: " ".join(f"{name}{_arguments(more)} {{ {one} }}" for name, one, more in found)
    ),
    max_leaves=12,
)


def _selection(found: tuple[str, str, dict[str, Any]]) -> str:
    name, below, given = found
    return f"{name}{_arguments(given)} {{ {below} }}"


def _arguments(given: dict[str, Any]) -> str:
    found = ", ".join(f"{name}: {_literal(value)}" for name, value in given.items())
    return f"({found})" if found else ""


def _literal(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{key}: {_literal(one)}" for key, one in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_literal, value)) + "]"
        case float() if value != value or abs(value) == float("inf"):
            return "null"
    return json.dumps(value)


@pytest.fixture(scope="module")
def running(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server whose database has a bit of everything."""
    folder = tmp_path_factory.mktemp("fuzz")
    database = str(shutil.copy(sqlite_template, folder / "tower.db"))
    with serving(database, folder) as found:
        found.tower.create_registry("models")
        log(found)
        begin(found, "0" * 32, clientID="c9")
        found.tower.link("acme/vision/resnet:v0", "models/resnet")
        found.tower.runs.start("acme/vision", id="r1")
        found.tower.runs.log_metrics("acme/vision/r1", {"loss": 0.5})
        yield found


def contents(running: Running) -> list[Any]:
    """Return every row of every table, but for when a token was used."""
    with running.server.store.reading() as reader:
        query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'tokens'"
        tables = reader.connection.execute(text(query)).scalars().all()
        return [list(reader.connection.execute(text(f"SELECT * FROM {name}"))) for name in tables]


def answer(running: Running, query: str, variables: dict[str, Any]) -> Answer | None:
    """Return what the server answers, None for a query that it cannot read."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    try:
        found = running.server.answer_graphql(running.key, body, running.url)
    except InvalidInput:
        return None
    assert found.status < 500
    json.dumps(found.data, allow_nan=False)
    return found


@given(st.sampled_from(sorted(RESOLVERS["Mutation"])), inputs, st.booleans())
def test_odd_changes_are_done_whole_or_not_at_all(
    running: Running, name: str, given: dict[str, Any], inline: bool
) -> None:
    before = contents(running)
    query = f"mutation ($input: I!) {{ {name}(input: $input) {{ success artifact {{ id }} }} }}"
    if inline:
        query = f"mutation {{ {name}(input: {_literal(given)}) {{ success }} }}"
    found: Any = answer(running, query, {"input": given})
    if found is None or "errors" in found.data:
        assert contents(running) == before


@given(selections, inputs)
def test_odd_queries_are_answered(running: Running, selection: str, given: dict[str, Any]) -> None:
    for place in (
        "{ project(name: %s, entityName: %s) { <> } }",
        "{ entity(name: %s) { <> } viewer { <> } x: entity(name: %s) { id } }",
        "{ project(name: %s, entityName: %s) { run(name: %s) { <> } artifact(name: %s) { <> } } }",
    ):
        names = ("vision", "acme", "r1", "resnet:v0")[: place.count("%s")]
        query = place % tuple(map(json.dumps, names))
        answer(running, query.replace("<>", selection), given)


lines = st.dictionaries(
    st.sampled_from(["_step", "_timestamp", "loss", "net", "", "\0", "_runtime"]),
    scalars | st.dictionaries(st.text(max_size=3), scalars, max_size=2),
    max_size=4,
).map(json.dumps)


@given(
    st.lists(lines | st.text(max_size=5), max_size=4),
    st.integers() | st.none() | st.text(max_size=2),
    st.sampled_from(
        ["wandb-history.jsonl", "wandb-events.jsonl", "wandb-summary.json", "output.log"]
    ),
    st.integers(0, 40),
)
def test_odd_streams_are_kept_whole_or_not_at_all(
    running: Running, content: list[str], offset: Any, name: str, cut: int
) -> None:
    body = json.dumps({"files": {name: {"offset": offset, "content": content}}}).encode()
    before = contents(running)
    for sent in (body[:-cut] if cut % 3 == 0 else body, body):
        status, found = running.post("/files/acme/vision/r1/file_stream", sent)
        assert status in {200, 400}, found
        if status == 400:
            assert contents(running) == before
        before = contents(running)

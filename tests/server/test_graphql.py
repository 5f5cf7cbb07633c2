"""Queries, keys and limits of the server."""

import base64
import json
import math
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from firetower.core.errors import InvalidInput
from firetower.server import app, files, graphql, run
from firetower.server.app import MAX_BODY, MAX_PER_TOKEN, MAX_REQUESTS
from firetower.server.fields import MAX_PAGE, Arguments, page
from serving import Running, serving
from waiting import TIMEOUT

VIEWER = "query Viewer { me: viewer { ...user } } fragment user on User { username entity flags }"


def test_viewer_is_the_token_s_user(running: Running) -> None:
    found = running.query(VIEWER)
    assert found == {"me": {"username": "ada", "entity": "acme", "flags": "{}"}}
    used = running.tower.tokens.list()[0]
    assert used.last_used_at is None  # reading writes nothing


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("{", "the query is not GraphQL: Syntax Error: Expected Name, found <EOF>."),
        ("subscription { viewer { id } }", "there are no subscriptions"),
        ("{ viewer { ...gone } }", 'the query has no fragment "gone"'),
        ("query a { viewer { id } } query b { viewer { id } }", 'the query has no operation ""'),
        ("{ viewer { ...f } } fragment f on User { ...f }", "the query is nested deeper than 40"),
        ("{" * 3000 + "}" * 3000, "the query is n"),
        ("{" + "a{" * 2000 + "b" + "}" * 2001, "the query is n"),
        ("{ " + "viewer " * 20_000 + "}", "the query has 140,003 characters"),
        ("{ entity(name: 3) { id } }", "name is 3"),
        ('{ entity(name: "a\\u0000") { id } }', "name has a character that no database keeps"),
        ("{ entity(name: 1e999) { id } }", "a number is out of range"),
        ('{ entity(name: "a") { projects(first: true) { edges } } }', "first is true"),
        ('{ entity(name: "a") { projects(after: "x") { edges } } }', '"x" is not the id of a'),
    ],
    ids=range(13),
)
def test_query_that_cannot_be_answered_says_why(on_sqlite: Running, query: str, said: str) -> None:
    status, found = on_sqlite.refused(query)
    assert status < 500
    assert found.startswith(said)


def test_request_that_is_no_query_is_refused(on_sqlite: Running) -> None:
    for body in (b"", b"[]", b"nope", b'{"query": 3}', b"\xff\xfe", b"{}" * 9, b"[" * 5000):
        status, answer = on_sqlite.post("/graphql", body)
        assert (status, len(answer["errors"])) == (400, 1)


def test_unknown_field_is_null_and_counted(on_sqlite: Running) -> None:
    found = on_sqlite.query("{ viewer { favouriteColour { id } username } nothing(a: 1) { id } }")
    assert found == {"viewer": {"favouriteColour": None, "username": "ada"}, "nothing": None}
    _, metrics = on_sqlite.post("/metrics", b"", method="GET")
    assert b"firetower_server_unknown_fields_total" in metrics


def test_directives_and_variables(on_sqlite: Running) -> None:
    query = """query ($yes: Boolean = true, $no: Boolean!, $name: String = "acme") {
        entity(name: $name) { name @include(if: $no) id @skip(if: $yes)
        ... on Entity { name2: name }
        ... on Project { name3: name } __typename } }"""
    assert on_sqlite.query(query, no=False) == {"entity": {"name2": "acme", "__typename": "Entity"}}


def test_wrong_and_reading_keys(on_sqlite: Running) -> None:
    status, answer = on_sqlite.ask(VIEWER, "0" * 40)
    assert (status, answer["errors"][0]["message"].partition("\n")[0]) == (
        401,
        "the API key is not one of this server",
    )
    token, key = on_sqlite.tower.tokens.create("eve", read_only=True)
    change = 'mutation { upsertModel(input: {name: "vision"}) { inserted } }'
    assert on_sqlite.ask(VIEWER, key)[1]["data"]["me"]["username"] == "eve"
    status, answer = on_sqlite.ask(change, key)
    assert answer["errors"][0]["message"].startswith("the API key of eve may only read")
    on_sqlite.tower.tokens.delete(token.id)
    assert on_sqlite.ask(VIEWER, key)[0] == 401
    assert on_sqlite.tower.projects() == []


@pytest.mark.parametrize("size", [1, 2 << 20])
def test_large_or_late_body_of_a_wrong_key_is_not_read(
    on_sqlite: Running, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(app, "_ARRIVAL_TIMEOUT", 0.1 if size == 1 else math.inf)
    connection = HTTPConnection(on_sqlite.url.removeprefix("http://"), timeout=TIMEOUT)
    connection.putrequest("POST", "/graphql")
    connection.putheader("Authorization", f"Basic {base64.b64encode(b'api:wrong').decode()}")
    connection.putheader("Content-Length", str(size))
    connection.endheaders()  # and nothing of the body
    assert connection.getresponse().status == 401
    connection.close()


def test_key_of_a_small_body_is_looked_up_once(
    on_sqlite: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "_ARRIVAL_TIMEOUT", math.inf)
    monkeypatch.setattr(on_sqlite.server, "_check_key", lambda _: 1 / 0)
    for _ in range(5):
        on_sqlite.query(VIEWER)


def test_body_that_does_not_arrive_is_given_up(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "READ_TIMEOUT", 0.05)
    monkeypatch.setattr(run, "LINGER_TIMEOUT", 0.05)
    database = tmp_path / "tower.db"
    database.write_bytes(sqlite_template.read_bytes())
    with serving(str(database), tmp_path) as found:
        key = base64.b64encode(f"api:{found.key}".encode()).decode()
        for path in ("/graphql", "/files/acme/vision/r1/file_stream"):
            connection = HTTPConnection(found.url.removeprefix("http://"), timeout=TIMEOUT)
            connection.putrequest("POST", path)
            connection.putheader("Authorization", f"Basic {key}")
            connection.putheader("Content-Length", "100")
            connection.endheaders(b'{"query": ')  # and nothing more
            answer = connection.getresponse()
            [error] = json.load(answer)["errors"]
            said = "the request did not arrive within 0.05 s\nSend it again."
            assert (answer.status, error["message"]) == (400, said)
            assert connection.sock.recv(1) == b""  # it is closed
            connection.close()


def test_change_has_the_token_s_author_and_is_done_whole_or_not(running: Running) -> None:
    change = """mutation { a: upsertModel(input: {name: "vision"}) { inserted project { id } }
        b: upsertModel(input: {name: "wandb-registry-models", description: "d"}) { inserted } }"""
    data: Any = running.query(change)
    assert data["a"]["inserted"]
    assert [str(one.reference) for one in running.tower.registries()] == ["models"]
    assert {one.author for one in running.tower.projects()} == {"ada"}
    assert running.query(change.replace('"d"', '"e"'))["b"] == {"inserted": False}
    [registry] = running.tower.registries()
    assert (registry.author, registry.description) == ("ada", "e")
    odd = change.replace("vision", "other").replace("registry-models", "registry-a:b")
    assert running.refused(odd) == (200, 'registry name "a:b" contains ":"')
    assert [str(one.reference) for one in running.tower.projects()] == ["acme/vision"]
    used = running.tower.tokens.list()[0].last_used_at
    assert used is not None
    clock = running.server.store.clock
    for seconds, known in ((30, 0), (61, 61)):  # a use is noted once a minute
        ahead = timedelta(seconds=seconds)
        running.server.store.clock = lambda ahead=ahead: clock() + ahead  # type: ignore[misc]
        running.query(change)
        again = running.tower.tokens.list()[0].last_used_at
        assert again is not None
        assert again >= used + timedelta(seconds=known)
        assert known or again == used


def test_server_on_a_read_only_database_refuses_changes_once(
    sqlite_template: Path, tmp_path: Path
) -> None:
    database = tmp_path / "tower.db"
    database.write_bytes(sqlite_template.read_bytes())
    with serving(str(database), tmp_path, read_only=True) as found:
        assert found.query("{ viewer { username } }") == {"viewer": {"username": "ada"}}
        said = found.refused('mutation { upsertModel(input: {name: "vision"}) { inserted } }')
        assert said == (200, "the database was opened read-only")
        assert found.post("/files/acme/vision/r1/file_stream", b"{}")[0] == 400


def test_defect_is_answered_once(on_sqlite: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphql, "QUERIES", {"viewer": lambda *_: 1 / 0})
    status, answer = on_sqlite.post("/graphql", b'{"query": "{ viewer { id } }"}')
    assert status == 400
    assert "ZeroDivisionError" in answer["errors"][0]["message"]


def test_limits_are_said(on_sqlite: Running) -> None:
    said = base64.b64encode(f"api:{on_sqlite.key}".encode()).decode()
    on_sqlite.server.traffic.open[f"Basic {said}"] = MAX_PER_TOKEN
    status, answer = on_sqlite.ask(VIEWER)
    assert (status, answer["errors"][0]["message"].partition("\n")[0]) == (
        429,
        "this key has 64 requests at work",
    )
    on_sqlite.server.traffic.open.clear()
    on_sqlite.server.traffic.open[""] = MAX_PER_TOKEN  # of no key
    with urlopen(f"{on_sqlite.url}/healthz", timeout=TIMEOUT) as answered:
        assert answered.status == 200
    on_sqlite.server.traffic.open["another"] = MAX_REQUESTS
    assert on_sqlite.refused(VIEWER) == (429, "512 requests are at work")
    on_sqlite.server.traffic.open.clear()
    assert on_sqlite.post("/graphql", b" " * (MAX_BODY + 1))[0] == 413
    assert on_sqlite.ask(VIEWER)[0] == 200


def test_query_that_costs_too_much_is_refused(
    on_sqlite: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphql, "MAX_VALUES", 1_000)
    parts = (f"fragment f{n} on User {{ ...f{n + 1} ...f{n + 1} }} " for n in range(30))
    query = "{ viewer { ...f0 } } " + "".join(parts) + "fragment f30 on User { id }"
    status, said = on_sqlite.refused(query)
    assert (status, "more than 1,000 values" in said) == (200, True)
    assert "10000 tokens" in on_sqlite.refused("{ " + "a " * 10_001 + "}")[1]
    monkeypatch.setattr(graphql, "_MAX_UNKNOWN", 1 + len(graphql.unknown_fields))
    known = len(graphql.unknown_fields)
    assert on_sqlite.query("{ newOne newTwo }") == {"newOne": None, "newTwo": None}
    assert len(graphql.unknown_fields) == known + 1


@pytest.mark.parametrize(
    ("first", "count"), [(None, MAX_PAGE), (-1, 0), (7, 7), (MAX_PAGE + 1, MAX_PAGE)]
)
def test_a_page_is_bounded(first: int | None, count: int) -> None:
    assert page(Arguments({"first": first})) == (0, count)


def test_a_number_beyond_64_bits_is_refused() -> None:
    assert Arguments({"n": 2**63 - 1}).optional_number("n") == 2**63 - 1
    with pytest.raises(InvalidInput, match="n is 9223372036854775808"):
        Arguments({"n": 2**63}).optional_number("n")


def test_health(on_sqlite: Running) -> None:
    assert on_sqlite.post("/healthz", b"", method="GET") == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("/acme/vision/runs/x3k9ab2c", "firetower run show acme/vision/x3k9ab2c"),
        ("/acme/vision", "firetower run list acme/vision"),
        ("/acme/a%0a;b", "firetower run list 'acme/a\\n;b'"),
        ("/authorize", "firetower token create USER"),
        ("/", "firetower"),
    ],
)
def test_page_that_the_sdk_names_says_what_to_type(
    on_sqlite: Running, path: str, command: str
) -> None:
    status, said = on_sqlite.post(path, b"", method="GET")
    assert (status, said.decode().splitlines()[-1].strip()) == (404, command)

"""Runs as W&B's SDK starts, writes, ends, resumes and reads them."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from firetower.core.runs import RunState
from firetower.store import run_schema, schema
from firetower.store.runs import crash_overdue
from serving import Running

UPSERT = """mutation ($input: U!) { upsertBucket(input: $input) { inserted bucket { id name
    displayName config historyLineCount project { id name entity { name } } } } }"""
RESUME = """query { model(name: "vision", entityName: "acme") {
    bucket(name: "r1", missingOk: true) { id name summaryMetrics
    historyLineCount eventsLineCount historyTail config wandbConfig(keys: ["t"]) } } }"""
READ = """query { project(name: "vision", entityName: "acme") { run(name: "r1") {
    projectId state stopped summaryMetrics systemMetrics historyKeys history(samples: 10)
    sampledHistory(specs: ["{\\"keys\\": [\\"_step\\", \\"loss\\"]}"])
    parquetHistory(liveKeys: []) { parquetUrls liveData } events(samples: 5) } } }"""
RUNS = """query ($filters: JSONString, $order: String) {
    project(name: "vision", entityName: "acme") { runCount(filters: $filters)
    runs(filters: $filters, order: $order, first: 2) {
    edges { node { name } cursor } pageInfo { hasNextPage endCursor } } } }"""
STREAM = "/files/acme/vision/r1/file_stream"


def start(running: Running, name: str = "r1", **more: Any) -> Any:
    given = {"name": name, "modelName": "vision", "entityName": "acme", **more}
    return running.query(UPSERT, input=given)["upsertBucket"]


def send(running: Running, lines: list[dict[str, Any]], offset: int = 0, **more: Any) -> Any:
    """Send lines of the history; return the answer."""
    content = [json.dumps(line) for line in lines]
    files = {"wandb-history.jsonl": {"offset": offset, "content": content}}
    files |= more.pop("files", {})
    status, answer = running.post(STREAM, json.dumps({"files": files, **more}).encode())
    assert status == 200, answer
    return answer


def step(number: int, **values: Any) -> dict[str, Any]:
    return {"_step": number, "_timestamp": 1_790_000_000 + number, "_runtime": number, **values}


def values(running: Running, metric: str = "loss") -> list[tuple[int, float]]:
    return [(one.step, one.value) for one in running.tower.runs.points("acme/vision/r1", metric)]


def test_run_is_written_ended_and_read(running: Running) -> None:
    deep: dict[str, object] = {}
    for _ in range(500):
        deep = {"a": deep}
    config = {"lr": {"value": 0.1, "desc": None}, "_wandb": {"value": {"t": {}}}}
    made = start(
        running, config=json.dumps(config), tags=["a", "a"], displayName="first", notes="n"
    )
    assert (made["inserted"], made["bucket"]["displayName"]) == (True, "first")
    assert json.loads(made["bucket"]["config"]) == {"lr": {"value": 0.1}}
    assert not start(running, config='{"late": {"value": 5}}')["inserted"]
    lines = [
        step(0, loss=1.0, net={"depth": 3}, note="text", t={"_type": "x", "n": 1}, deep=deep),
        step(1, loss="NaN"),
    ]
    events = {
        "wandb-events.jsonl": {"offset": 0, "content": ['{"system.cpu": 5, "_timestamp": 1}']}
    }
    send(running, lines, files=events)
    send(running, lines, files=events)  # the answer was lost: sent again
    summary = {"wandb-summary.json": {"offset": 0, "content": ['{"best": 0.9, "_runtime": 2}']}}
    assert send(running, [step(2, loss=0.5)], 2, files=summary, complete=True, exitcode=0) == {}
    assert send(running, [step(2, loss=0.5)], 2, complete=True, exitcode=0) == {}
    run = running.tower.runs.get("acme/vision/r1").run
    assert (run.state, run.user, run.exit_code) == (RunState.FINISHED, "ada", 0)
    assert (run.config, run.summary, run.tags) == ({"lr": 0.1, "late": 5}, {"best": 0.9}, ("a",))
    assert [one.run.state.value for one in running.tower.events.newest(9) if one.run] == [
        "running",
        "finished",
    ]
    shown = running.query(READ)["project"]["run"]
    assert int(shown["projectId"]) > 0
    assert json.loads(shown["summaryMetrics"]) == {"best": 0.9, "loss": 0.5, "net.depth": 3}
    assert json.loads(shown["systemMetrics"]) == {"system.cpu": 5}
    first = {"_step": 0, "_timestamp": 1_790_000_000, "loss": 1.0, "net.depth": 3}
    assert json.loads(shown["history"][0]) == first
    assert shown["parquetHistory"] == {"parquetUrls": [], "liveData": [{"_step": 0}]}
    assert shown["sampledHistory"] == [
        [{"_step": n, "loss": v} for n, v in ((0, 1), (1, "NaN"), (2, 0.5))]
    ]
    assert (shown["historyKeys"]["lastStep"], len(shown["events"])) == (2, 1)


def test_history_is_read_in_ranges(running: Running) -> None:
    start(running)
    send(running, [step(number, loss=number, acc=-number) for number in range(20)])
    place = '{ project(name: "vision", entityName: "acme") { run(name: "r1") { %s } } }'
    spec = json.dumps({"keys": ["_step", "loss"], "minStep": 5, "maxStep": 7, "samples": 100})
    query = place % f"sampledHistory(specs: [{json.dumps(spec)}])"
    [rows] = running.query(query)["project"]["run"]["sampledHistory"]
    assert rows == [{"_step": number, "loss": number} for number in (5, 6, 7)]
    query = place % "history(minStep: 5, maxStep: 7, samples: 100)"
    rows = [json.loads(line) for line in running.query(query)["project"]["run"]["history"]]
    assert [(row["_step"], row["acc"]) for row in rows] == [(5, -5), (6, -6)]
    query = place % "history(samples: 3)"
    rows = [json.loads(line) for line in running.query(query)["project"]["run"]["history"]]
    assert [row["_step"] for row in rows] == [0, 9, 19]


def test_resumed_run_continues_where_it_was(on_sqlite: Running) -> None:
    assert on_sqlite.query(RESUME)["model"] is None
    start(on_sqlite, config='{"lr": {"value": 1}}')
    send(on_sqlite, [step(0, loss=1), step(1, loss=2)], complete=True, exitcode=2**32 - 5)
    assert on_sqlite.tower.runs.get("acme/vision/r1").run.exit_code == -5  # as Windows has it
    found = on_sqlite.query(RESUME)["model"]["bucket"]
    assert (found["historyLineCount"], found["eventsLineCount"]) == (2, 0)
    assert json.loads(json.loads(found["historyTail"])[-1])["_step"] == 1
    assert "t" in json.loads(found["wandbConfig"])
    assert start(on_sqlite, id=found["id"])["bucket"]["historyLineCount"] == 2
    send(on_sqlite, [step(2, loss=3)], 2)
    assert on_sqlite.tower.runs.get("acme/vision/r1").run.state is RunState.RUNNING
    no_steps = [{"_step": -1, "loss": 4}, {"_step": 2**63, "loss": 5}]  # the lines' numbers count
    send(on_sqlite, no_steps, 3)
    assert values(on_sqlite) == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]


def test_run_that_is_sent_twice_has_its_events_once(running: Running) -> None:
    def states() -> list[str]:
        found = [one.run for one in running.tower.events.newest(99)]
        return [one.state for one in found if one is not None]

    def send_again(lines: list[dict[str, Any]], code: int, *, ends: bool = True) -> None:
        start(running)
        send(running, lines, complete=ends, exitcode=code)

    lines = [step(0, loss=1), step(1, loss=2)]
    send_again(lines, 1)
    ended_at = running.tower.runs.get("acme/vision/r1").run.ended_at
    for _ in range(2):
        send_again(lines, 1)
    start(running)
    with running.server.store.changing() as change:  # its sender was killed
        crash_overdue(change, timedelta(0))
    run = running.tower.runs.get("acme/vision/r1").run
    assert (run.state, run.exit_code, run.ended_at) == (RunState.FAILED, 1, ended_at)
    assert states() == ["running", "failed"]
    send_again(lines, 0)  # nothing new but how it ended
    send_again([*lines, step(2, loss=3)], 0, ends=False)
    assert states() == ["running", "failed", "finished", "running"]
    running.tower.runs.finish("acme/vision/r1", state=RunState.CRASHED)
    send_again(lines, 1)
    assert states()[4:] == ["crashed"]


@pytest.mark.parametrize("code", [0, 1])
def test_values_after_a_run_has_ended_are_kept(on_sqlite: Running, code: int) -> None:
    start(on_sqlite)
    send(on_sqlite, [step(0, loss=1)], complete=True, exitcode=code)
    ended = on_sqlite.tower.runs.get("acme/vision/r1").run
    assert send(on_sqlite, [step(1, loss=2)], 1) == {}
    late = on_sqlite.tower.runs.get("acme/vision/r1").run
    assert (late.state, late.ended_at) == (ended.state, ended.ended_at)
    assert values(on_sqlite) == [(0, 1), (1, 2)]


def test_stopped_run_is_told_to_stop_and_stays_killed(on_sqlite: Running) -> None:
    start(on_sqlite)
    assert send(on_sqlite, [step(0, loss=1)]) == {}
    on_sqlite.tower.runs.finish("acme/vision/r1", state=RunState.KILLED)
    assert send(on_sqlite, [step(1, loss=1)], 1) == {"stopped": True}
    assert on_sqlite.query(READ)["project"]["run"]["stopped"]
    start(on_sqlite, config='{"late": {"value": 1}}')  # what its script sends while it ends
    assert send(on_sqlite, [], 2, complete=True, exitcode=255) == {"stopped": True}
    run = on_sqlite.tower.runs.get("acme/vision/r1").run
    assert (run.state, run.config) == (RunState.KILLED, {"late": 1})
    start(on_sqlite, host="gpu7")
    assert on_sqlite.tower.runs.get("acme/vision/r1").run.state is RunState.RUNNING


def test_values_that_come_after_the_end_are_kept(on_sqlite: Running) -> None:
    start(on_sqlite)
    assert send(on_sqlite, [step(1, loss=1)], 1, complete=True, exitcode=0) == {}
    assert send(on_sqlite, [step(0, loss=2)]) == {}  # of another process
    assert on_sqlite.tower.runs.get("acme/vision/r1").run.state is RunState.FINISHED
    assert values(on_sqlite) == [(0, 2), (1, 1)]


def test_crashed_run_that_sends_again_is_running(on_sqlite: Running) -> None:
    start(on_sqlite)
    on_sqlite.tower.runs.finish("acme/vision/r1", state=RunState.CRASHED)
    send(on_sqlite, [step(0, loss=1)])
    assert on_sqlite.tower.runs.get("acme/vision/r1").run.state is RunState.RUNNING


def test_runs_are_filtered_ordered_and_paged(on_sqlite: Running) -> None:
    for number in range(3):
        start(on_sqlite, f"r{number}", config=json.dumps({"lr": {"value": number}}), tags=["t"])
    send(on_sqlite, [], complete=True, exitcode=1)
    found = on_sqlite.query(RUNS, order="+created_at")["project"]
    assert [one["node"]["name"] for one in found["runs"]["edges"]] == ["r0", "r1"]
    assert (found["runCount"], found["runs"]["pageInfo"]["hasNextPage"]) == (3, True)
    after = found["runs"]["pageInfo"]["endCursor"]
    rest = on_sqlite.query(RUNS.replace("first: 2", f'after: "{after}"'), order="+created_at")
    assert [one["node"]["name"] for one in rest["project"]["runs"]["edges"]] == ["r2"]
    newest = on_sqlite.query(RUNS)["project"]["runs"]["edges"]
    assert [one["node"]["name"] for one in newest] == ["r2", "r1"]
    by_rate = on_sqlite.query(RUNS, order="-config.lr")["project"]["runs"]["edges"]
    assert [one["node"]["name"] for one in by_rate] == ["r2", "r1"]
    by_words = on_sqlite.query(RUNS, order="config.lr desc")["project"]["runs"]["edges"]
    assert by_words == by_rate
    for filters, names in (
        ({"config.lr": 2}, ["r2"]),
        ({"config.lr.value": {"$lt": 1}}, ["r0"]),
        ({"config.lr": {"$not": {"$gte": 1}}}, ["r0"]),
        ({"$or": [{"state": "failed"}, {"displayName": {"$regex": "0$"}}]}, ["r1", "r0"]),
        ({"tags": {"$in": ["t"]}, "state": {"$ne": "running"}}, ["r1"]),
        ({"$nor": [{"state": "failed"}, {"displayName": {"$regex": "0$"}}]}, ["r2"]),
        ({"$and": [{"config.lr": {"$gte": 1}}, {"state": "failed"}]}, ["r1"]),
    ):
        found = on_sqlite.query(RUNS, filters=json.dumps(filters))["project"]
        assert [one["node"]["name"] for one in found["runs"]["edges"]] == names
    assert (
        on_sqlite.refused(RUNS, filters='{"colour": 1}')[1] == '"colour" cannot be asked for here'
    )


def test_run_s_files_are_taken_and_alerts_kept(on_sqlite: Running) -> None:
    start(on_sqlite)
    place = {"entityName": "acme", "projectName": "vision", "runName": "r1"}
    query = "mutation ($input: I!) { createRunFiles(input: $input) { files { name uploadUrl } } }"
    [file] = on_sqlite.query(query, input={**place, "files": ["output.log"]})["createRunFiles"][
        "files"
    ]
    assert on_sqlite.post(file["uploadUrl"], b"x" * 1000, method="PUT")[0] == 200
    assert on_sqlite.post("/storage/dropped/file", b"x", method="PUT")[0] == 400
    query = "mutation ($input: I!) { notifyScriptableRunAlert(input: $input) { success } }"
    on_sqlite.query(query, input={**place, "title": "hot", "text": "90 °C", "severity": "WARN"})
    assert on_sqlite.tower.events.newest(1)[0].detail == "WARN: hot"
    for field, value, said in (
        ("severity", "LOUD", 'there is no level "LOUD" of an alert'),
        ("title", " ", "the alert has no title"),
        ("text", "x" * 10_001, "the alert has 10,002 characters"),
    ):
        assert on_sqlite.refused(query, input={**place, "title": "a", field: value})[1] == said
    kept: Any = on_sqlite.tower.runs.get("acme/vision/r1").run.summary["alert"]
    assert (kept["title"], kept["text"], kept["severity"]) == ("hot", "90 °C", "WARN")


def test_config_and_summary_have_a_limit(on_sqlite: Running) -> None:
    start(on_sqlite, config='{"lr": {"value": 1}}')
    large = {"name": "r1", "modelName": "vision", "entityName": "acme"}
    for field, size, said in (
        ("config", 2**20, "config would have 1,048,584 bytes of JSON, more than 1,048,576"),
        ("summaryMetrics", 2**24, "summary would have 16,777,224 bytes"),
    ):
        given = {**large, field: json.dumps({"k": "x" * size})}
        assert said in on_sqlite.refused(UPSERT, input=given)[1]
    run = on_sqlite.tower.runs.get("acme/vision/r1").run
    assert (run.config, run.summary) == ({"lr": 1}, {})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nope",
        b"[]",
        b'{"files": 3}',
        b'{"files": {"wandb-history.jsonl": []}}',
        b'{"files": {"wandb-history.jsonl": {"offset": "x", "content": []}}}',
        b'{"files": {"wandb-history.jsonl": {"offset": 0, "content": ["{"]}}}',
        b'{"files": {"wandb-history.jsonl": {"offset": 0, "content": ["[1]"]}}}',
        b'{"files": {"wandb-history.jsonl": {"offset": 0, "content": [{}]}}}',
        b'{"files": {"wandb-history.jsonl": {"content": ["{\\"loss\\": 1, \\"loss\\": 2}"]}}}',
        b'{"complete": "yes"}',
        b'{"complete": true, "complete": false}',
        b'{"complete": true, "exitcode": 1e400}',
    ],
)
def test_stream_that_cannot_be_read_changes_nothing(on_sqlite: Running, body: bytes) -> None:
    start(on_sqlite)
    status, answer = on_sqlite.post(STREAM, body)
    assert (status, list(answer)) == (400, ["errors", "data"])
    detail = on_sqlite.tower.runs.get("acme/vision/r1")
    assert (detail.run.state, detail.metrics) == (RunState.RUNNING, ())
    assert on_sqlite.post("/files/acme/vision/gone/file_stream", b"{}")[0] == 400


def kept(running: Running) -> list[Any]:
    """Return every row that a stream may change."""
    tables = (run_schema.runs, run_schema.run_metrics, run_schema.metric_points, schema.events)
    with running.server.store.reading() as reader:
        return [list(reader.connection.execute(select(one))) for one in tables]


scalars = st.integers() | st.floats() | st.text(max_size=5) | st.booleans() | st.none()
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
    on_sqlite: Running, content: list[str], offset: Any, name: str, cut: int
) -> None:
    if not on_sqlite.tower.projects():
        start(on_sqlite)
    body = json.dumps({"files": {name: {"offset": offset, "content": content}}}).encode()
    before = kept(on_sqlite)
    for sent in (body[:-cut] if cut % 3 == 0 else body, body):
        status, found = on_sqlite.post(STREAM, sent)
        assert status in {200, 400}, found
        if status == 400:
            assert kept(on_sqlite) == before
        before = kept(on_sqlite)

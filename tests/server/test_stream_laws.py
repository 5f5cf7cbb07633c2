"""What a running script sends, in any pieces, twice or cut: it is kept once."""

import itertools
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from firetower.core.events import EventType
from firetower.core.runs import RunState
from serving import Running

HISTORY = "wandb-history.jsonl"
START = """mutation ($name: String!) { upsertBucket(
    input: {entityName: "acme", modelName: "vision", name: $name}) { inserted } }"""
numbers = st.integers(-9, 9) | st.floats(-1e9, 1e9)
values = st.lists(numbers, min_size=1, max_size=8)
_names = (f"run-{number}" for number in itertools.count())


@st.composite
def pieces(draw: st.DrawFn, count: int) -> list[tuple[int, int]]:
    """Ranges of lines in order that cover all of them; some are sent again, or overlap."""
    found, sent = [], 0
    while sent < count:
        end = draw(st.integers(sent + 1, count))
        found.append((draw(st.integers(0, sent)), end))
        sent = end
        if draw(st.booleans()):
            found.append(draw(st.sampled_from(found)))
    return found


def path(name: str) -> str:
    return f"/files/acme/vision/{name}/file_stream"


def body(lines: list[str], start: int, end: int) -> bytes:
    file = {"offset": start, "content": lines[start:end]}
    return json.dumps({"files": {HISTORY: file}}).encode()


@settings(max_examples=settings().max_examples // 4)
@given(values, st.data())
def test_history_is_kept_once_in_any_pieces(
    running: Running, said: list[float], data: st.DataObject
) -> None:
    name = next(_names)
    running.query(START, name=name)
    lines = [
        json.dumps({"_step": step, "_timestamp": 1.8e9 + step, "loss": value, "n": {"x": step}})
        for step, value in enumerate(said)
    ]
    for start, end in data.draw(pieces(len(lines))):
        whole = body(lines, start, end)
        if data.draw(st.booleans()):
            cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
            assert running.post(path(name), cut)[0] == 400
        assert running.post(path(name), whole) == (200, {})
    complete = json.dumps({"complete": True, "exitcode": 0}).encode()
    for _ in range(data.draw(st.integers(1, 2))):
        assert running.post(path(name), complete) == (200, {})
    runs, reference = running.tower.runs, f"acme/vision/{name}"
    assert [(one.step, one.value) for one in runs.points(reference, "loss")] == list(
        enumerate(said)
    )
    assert [one.value for one in runs.points(reference, "n.x")] == list(range(len(said)))
    ended = [
        event.run.state
        for event in running.tower.events.newest(1_000)
        if event.type is EventType.RUN_STATE and event.run is not None and event.run.id == name
    ]
    assert ended == [RunState.RUNNING, RunState.FINISHED]

"""The stream of a running script: every few seconds history, summary, in the end its exit.

A request may arrive twice. Values are kept by metric and step, so that changes nothing.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from firetower.core.errors import InvalidInput
from firetower.core.json import clean, unique_keys
from firetower.core.points import MAX_STEP, SYSTEM, Point, flatten
from firetower.core.run_changes import RunChanges
from firetower.core.runs import RunReference, RunState
from firetower.server.fields import Arguments
from firetower.store.changes import Change
from firetower.store.points import write_points
from firetower.store.runs import end_run, find_run, note_values, touch_run, update_run

_HISTORY, _EVENTS, _SUMMARY = "wandb-history.jsonl", "wandb-events.jsonl", "wandb-summary.json"
_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
"""As W&B's SDK writes numbers that JSON does not have."""


def receive(change: Change, reference: RunReference, body: bytes) -> dict[str, Any]:
    """Keep the values of a request, and answer whether the script should stop.

    Raises NotFound for an unknown run, InvalidInput for what cannot be read.
    """
    given = Arguments(_object(body, "what the run sent"))
    found = find_run(change, reference, lock=True)
    if found.run.state is RunState.KILLED:
        return {"stopped": True}
    files = given.object("files")
    points = [*_points(files, _HISTORY), *_points(files, _EVENTS)]
    if found.run.state in {RunState.FINISHED, RunState.FAILED}:
        # Sent twice, which changes nothing, or late by another process of the run.
        write_points(change, found, points)
        return {}
    if points:
        note_values(change, found, max(point.at or change.now for point in points))
    write_points(change, touch_run(change, reference), points)
    if summary := _summary(files):
        update_run(change, reference, RunChanges(summary=summary))
    if given.flag("complete"):
        code = given.optional_number("exitcode") or 0
        ended = RunState.FAILED if code else RunState.FINISHED
        signed = (code + 2**31) % 2**32 - 2**31  # 32 bits, of which Windows uses all
        end_run(change, reference, ended, signed, RunChanges())
    return {}


def _points(files: Arguments, name: str) -> Iterator[Point]:
    """Yield the values of the lines of a file. Raises InvalidInput."""
    file = files.object(name)
    offset = file.optional_number("offset") or 0
    for number, text in enumerate(file.texts("content"), offset):
        line = _object(text, "a line of the run's history")
        said = line.get("_step", number) if name == _HISTORY else number
        step = said if type(said) is int and 0 <= said <= MAX_STEP else number
        at = _moment(line.get("_timestamp"))
        for key, value in line.items():
            is_media = isinstance(value, dict) and "_type" in value  # a table, an image
            if key.startswith("_") or is_media:
                continue
            label = key if name == _HISTORY or key.startswith(SYSTEM) else f"{SYSTEM}{key}"
            try:
                values = flatten({label: _numbers(value)}, strict=False)
            except (InvalidInput, RecursionError):
                continue  # no name of a metric, or nested too deeply: the run's others matter more
            for metric, one in values.items():
                yield Point(metric, step, one, at)


def _object(text: str | bytes, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text, object_pairs_hook=partial(unique_keys, what))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidInput(f"{what} is no JSON object", "Update the SDK.")
    return found


def _numbers(value: object) -> object:
    """Return a value in which numbers that were written as text are numbers."""
    if isinstance(value, dict):
        return {key: _numbers(one) for key, one in value.items()}
    return _NUMBERS.get(value, value) if isinstance(value, str) else value


def _moment(seconds: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(seconds), UTC)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _summary(files: Arguments) -> dict[str, Any]:
    """Return the newest summary, without what the SDK notes of itself."""
    lines = files.object(_SUMMARY).texts("content")
    found = _object(lines[-1], "a line of the run's summary") if lines else {}
    kept = {key: value for key, value in found.items() if not key.startswith("_")}
    cleaned = clean(kept, "the summary")
    assert isinstance(cleaned, dict)
    return cleaned

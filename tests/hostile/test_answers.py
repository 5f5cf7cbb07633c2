"""What endpoints answer: kept as text, and nobody's work stops for it."""

import json
from pathlib import Path

import pytest

import firetower
from faults.conftest import SQLITE_IN_SHORT
from faults.processes import wait_for_peace
from firetower.core.executions import Status
from hostile.texts import TEXTS, obeyed
from receiver import Received, serve
from towers import linked_model, on_alias, run, webhook, worker


def _answers(request: Received) -> tuple[int, dict[str, str], bytes]:
    alias = json.loads(request.body)["data"]["alias"]
    return 500, {}, TEXTS[alias].encode() + b"\xff\xfe\xed\xa0\x80"


@SQLITE_IN_SHORT
def test_no_answer_stops_the_worker_or_reaches_the_terminal(
    database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with serve() as receiver, firetower.connect(database_url) as tower:
        receiver.answer = _answers
        # all at once, before so many failures in a row open the endpoint's circuit
        webhook(tower, "ci", receiver.url(), schedule=(), max_in_flight=len(TEXTS))
        version = linked_model(tower)
        on_alias(tower, "deploy", "ci")
        for name in TEXTS:
            tower.add_alias(version, name)
        with worker(database_url):
            wait_for_peace(database_url)
        executions = tower.executions.newest(100)
        assert {execution.status for execution in executions} == {Status.FAILED}
        assert len(receiver.requests) == len(executions) == len(TEXTS)
        for execution in executions[:6]:
            shown = run(database_url, "execution", "show", str(execution.id))
            assert shown.returncode == 0
            assert obeyed(shown.stdout + shown.stderr) == set()

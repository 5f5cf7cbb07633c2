"""Slack from the command line to the channel: a receiver that answers as Slack's hooks do."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import firetower
from firetower.core.executions import Attempt, Execution, Status
from receiver import Received, Receiver, serve
from towers import every_execution, linked_model, run

HOOK = "/services/T0/B0/geheim"
TEXT = {"content-type": "text/html"}


def _as_slack(request: Received) -> tuple[int, dict[str, str], bytes]:
    """Answer as Slack's incoming webhooks do. Source: Slack, "Handling errors"."""
    if request.path != HOOK:
        return 404, TEXT, b"no_service"
    message = json.loads(request.body)
    if not isinstance(message.get("text"), str) or "refuse" in message["text"]:
        return 400, TEXT, b"invalid_payload"
    return 200, TEXT, b"ok"


@pytest.fixture
def slack() -> Iterator[Receiver]:
    with serve() as receiver:
        receiver.answer = _as_slack
        yield receiver


def _do(database: str, *arguments: str, given: str | None = None) -> None:
    done = run(database, *arguments, given=given)
    assert done.returncode == 0, done.stderr


def _post(
    tmp_path: Path, url: str, alias: str, *options: str
) -> tuple[Execution, list[Attempt], str]:
    """Post about one alias; return what was kept, and everything a person can see of it."""
    database = str(tmp_path / "tower.db")
    with firetower.connect(database) as tower:
        version = linked_model(tower)
        _do(database, "secret", "set", "TEAM_URL", given=url + "\n")
        _do(database, *("slack", "create", "team", "--url-secret", "TEAM_URL"))
        _do(
            database,
            *("automation", "create", "tell", "--registry", "models"),
            *("--event", "ADD_ARTIFACT_ALIAS", "--slack", "team", *options),
        )
        tower.add_alias(version, alias)
        worked = run(database, "worker", "--once")
        assert worked.returncode == 0, worked.stderr
        [execution] = every_execution(tower)
        kept, attempts = tower.executions.get(execution.id)
    shown = run(database, "execution", "show", str(kept.id))
    listed = run(database, "execution", "show", str(kept.id), "--json")
    return kept, attempts, worked.stdout + worked.stderr + shown.stdout + listed.stdout


def test_a_message_arrives_as_written_and_escaped(tmp_path: Path, slack: Receiver) -> None:
    execution, [attempt], seen = _post(
        *(tmp_path, slack.url(HOOK), "<!channel>"),
        *("--title", "${alias} & $${alias}", "--severity", "error"),
        *("--message", "<https://ci.example|build> of ${artifact_version_string}"),
    )
    assert (execution.status, execution.status_code) == (Status.FINISHED, 200)
    assert attempt.response_body == "ok"
    [request] = slack.requests
    assert request.headers["content-type"] == "application/json"
    message = json.loads(request.body)
    assert message["text"] == "&lt;!channel&gt; & ${alias}"
    [attachment] = message["attachments"]
    assert attachment["color"] == "#a30200"
    assert attachment["text"] == ("<https://ci.example|build> of models/resnet:&lt;!channel&gt;")
    assert json.loads(attempt.request_body) == message
    assert "geheim" not in seen


def test_a_message_without_templates_is_readable(tmp_path: Path, slack: Receiver) -> None:
    execution, _, seen = _post(tmp_path, slack.url(HOOK), "production")
    assert execution.status is Status.FINISHED
    message = json.loads(slack.requests[0].body)
    assert message["text"] == "tell: alias added"
    assert "models/resnet:v0" in message["attachments"][0]["text"]
    assert "✓ finished  tell" in seen


@pytest.mark.parametrize(
    ("path", "options", "code", "said"),
    [
        pytest.param(HOOK, ("--title", "refuse this"), 400, "invalid_payload", id="payload"),
        pytest.param("/services/T0/B0/gone-geheim", (), 404, "no_service", id="no service"),
    ],
)
def test_slacks_own_errors_are_kept_and_tried_again(
    tmp_path: Path,
    slack: Receiver,
    path: str,
    options: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    execution, [attempt], seen = _post(tmp_path, slack.url(path), "production", *options)
    assert (execution.status, execution.detail) == (Status.PENDING, str(code))
    assert (attempt.status_code, attempt.response_body) == (code, said)
    assert execution.next_attempt_at is not None
    wait = (execution.next_attempt_at - attempt.ended_at).total_seconds()
    assert 4 <= wait <= 6.5
    assert f"! retrying  tell  alias added  models/resnet:v0 ← production  {code}" in seen
    assert said in seen
    assert "geheim" not in seen
    assert "/services/" not in seen

"""`firetower worker`."""

import json

from cli.shell import Shell


def test_worker_logs_json_without_secrets(shell: Shell) -> None:
    shell.ok("alias", "add", "models/resnet:v0", "production")
    done = shell.run("worker", "--once", "--log-format", "json")
    [line] = [json.loads(one) for one in done.stdout.splitlines()]
    assert (line["automation"], line["endpoint"], line["attempt_count"]) == ("deploy", "ci", 1)
    assert (line["state"], line["status_code"]) == ("finished", 202)
    assert line["execution_id"] > 0
    assert line["duration_ms"] > 0
    assert all("message" in json.loads(one) for one in done.stderr.splitlines())
    assert "s3cret-value" not in done.stdout + done.stderr

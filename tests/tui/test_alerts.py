"""Alerts on the terminal: what causes one, how often, and that no name is obeyed."""

import re
from datetime import timedelta

import pytest

from firetower.core.executions import Status
from firetower.tui.alerts import INTERVAL, Alerts, notification
from tui.scene import NOW, Scene


@pytest.fixture
def written() -> list[str]:
    return []


def test_alert_comes_on_a_failure_and_an_opened_circuit_only(
    scene: Scene, written: list[str]
) -> None:
    found = scene.tower.executions.newest(100)
    failed = next(one for one in found if one.status is Status.FAILED)
    assert failed.finished_at is not None
    for executions, now, count in (
        ([one for one in found if one.status is not Status.FAILED], NOW, 0),
        ([failed], failed.finished_at + timedelta(hours=1), 0),
        ([failed], failed.finished_at, 1),
    ):
        Alerts("bell", written.append, {}).note(executions, (), now)
        assert len(written) == count
    scene.open_circuit("ci-deploy")
    scene.close_circuit("ci-deploy")
    opened, closed = scene.tower.endpoints.circuit_changes_since(0)
    alerts = Alerts("bell", written.append, {})
    alerts.note((), [closed], NOW)
    assert len(written) == 1
    alerts.note((), [opened], NOW)
    assert written == ["\a", "\a"]
    Alerts("off", written.append, {}).note([failed], [opened], NOW)
    assert len(written) == 2


def test_alerts_come_once_in_an_interval_and_count_what_was_missed(
    scene: Scene, written: list[str]
) -> None:
    scene.open_circuit("ci-deploy")
    changes, times = scene.tower.endpoints.circuit_changes_since(0), iter([0.0, 1.0, 2.0])
    clock = [0.0]
    alerts = Alerts("notify", written.append, {"TERM": "xterm"}, lambda: clock[0])
    for clock[0] in (*times, INTERVAL - 0.1, INTERVAL):
        alerts.note((), changes, NOW)
    assert written == [
        "\x1b]9;Firetower: circuit of ci-deploy opened\x1b\\",
        "\x1b]9;Firetower: circuit of ci-deploy opened, and 3 others\x1b\\",
    ]


@pytest.mark.parametrize(
    ("environment", "begin"),
    [
        ({"TERM": "foot"}, "\x1b]777;notify;Firetower;"),
        ({"VTE_VERSION": "7200"}, "\x1b]777;notify;Firetower;"),
        ({"TERM": "xterm", "TMUX": "/tmp/t"}, "\x1bPtmux;\x1b\x1b]9;Firetower: "),
    ],
)
def test_notification_obeys_nothing_in_a_name(environment: dict[str, str], begin: str) -> None:
    hostile = "a\x1b]0;owned\x07\x9b31m\n;b\x1b\\" + "x" * 1_000
    sequence = notification(hostile, environment)
    assert sequence.startswith(begin)
    inside = re.sub(r"(\x1b+\\)+$", "", sequence.removeprefix(begin))
    assert inside.isprintable()
    assert ";" not in inside
    assert len(inside) < 250

"""Sending again what failed: from a line of the feed, for an endpoint, for all."""

import pytest

from firetower.core.endpoints import EndpointKind
from firetower.core.executions import Execution
from firetower.store.columns import EPOCH
from tui.scene import Scene
from tui.screens import SMALL, open_app, press, shows

pytestmark = pytest.mark.anyio


def fail_all(scene: Scene) -> int:
    """Let all that was sent have failed, just now; return how many there are."""
    with scene.store.changing() as change:
        change.connection.exec_driver_sql(
            "UPDATE executions SET status = 'failed', next_attempt_at = NULL, lease_until = NULL,"
            " worker_id = NULL, finished_at = (SELECT max(created_at) FROM executions)"
            " WHERE endpoint_id IS NOT NULL AND status IN ('finished', 'pending', 'running')"
        )
    return sum(scene.tower.executions.failed_since(EPOCH).values())


def again(scene: Scene) -> list[Execution]:
    return [one for one in scene.tower.executions.newest(50) if one.redelivery_requested_at]


async def test_all_that_failed_goes_out_again_by_a_plan(scene: Scene) -> None:
    failed = fail_all(scene)
    assert failed > 1
    async with open_app(scene, SMALL) as pilot:
        await press(pilot, "3", "R")
        assert shows(pilot, "Send again what failed in")
        assert shows(pilot, "all that is kept", f"{failed} failed")
        await press(pilot, "end", "enter")
        assert shows(pilot, f"Send {failed} executions again?")
        assert shows(pilot, "to ci-deploy")
        assert shows(pilot, "Ten a second to each")
        assert again(scene) == []
        await press(pilot, "tab", "enter")
        assert shows(pilot, f"{failed} executions will be sent again.")
    assert len(again(scene)) == failed


async def test_of_one_endpoint_only_what_failed_there(scene: Scene) -> None:
    fail_all(scene)
    async with open_app(scene) as pilot:
        await press(pilot, "5", "r")
        assert shows(pilot, "Send again what failed to ci-deploy")
        await press(pilot, "end", "enter")
        await press(pilot, "tab", "enter")
    assert {one.endpoint for one in again(scene)} == {"ci-deploy"}


async def test_redeliver_sends_nothing_if_none_failed_or_it_is_cancelled(
    scene: Scene,
) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "5", "down", "r")
        assert shows(pilot, "Nothing that was sent to team-ml has failed.")
        await press(pilot, "escape", "3")
        fail_all(scene)
        await press(pilot, "R", "escape")
        await press(pilot, "R")
        await press(pilot, "end", "enter")
        await press(pilot, "escape")
    assert again(scene) == []


async def test_r_asks_and_sends_the_line_under_the_cursor_again(scene: Scene) -> None:
    fail_all(scene)
    async with open_app(scene) as pilot:
        await press(pilot, "3", "home", "r")
        assert shows(pilot, "of deploy-on-prod again?")
        assert shows(pilot, "It goes to ci-deploy once more, with the same")
        await press(pilot, "enter", "enter", "r", "escape")
        assert again(scene) == []
        await press(pilot, "r", "right", "enter")
        assert shows(pilot, "Queued to be sent again.")
    assert len(again(scene)) == 1


async def test_a_disabled_endpoint_is_said_before_it_is_sent_there(scene: Scene) -> None:
    fail_all(scene)
    scene.tower.endpoints.disable("ci-deploy", EndpointKind.WEBHOOK)
    async with open_app(scene) as pilot:
        await press(pilot, "3", "r")
        assert shows(pilot, "That is disabled: it waits there until it is enabled.")

"""The screen of one execution."""

import json
import shlex
from datetime import timedelta

import pytest
from textual.content import Content
from textual.events import Key
from textual.pilot import Pilot

from firetower.core.executions import Execution, Status
from firetower.tui.app import FiretowerApp
from firetower.tui.screens.execution import ExecutionScreen
from firetower.tui.text import clock
from tui.haste import late
from tui.scene import KEY, NOW, TOKEN, Scene
from tui.screens import SMALL, WIDE, open_app, press, screen_text, settled, shows, until

pytestmark = pytest.mark.anyio


def number_of(scene: Scene, status: Status, automation: str) -> int:
    """Return how many lines below the top of the feed an execution stands."""
    found = scene.tower.executions.newest(100)
    return next(
        place
        for place, one in enumerate(found)
        if (one.status, one.automation) == (status, automation)
    )


def newest(scene: Scene, status: Status, automation: str) -> Execution:
    return scene.tower.executions.newest(100)[number_of(scene, status, automation)]


async def open_execution(pilot: Pilot[None], scene: Scene, status: Status, automation: str) -> None:
    await press(pilot, "3")
    down = number_of(scene, status, automation)
    await press(pilot, *["j"] * down, "enter")


async def test_it_tells_what_happened_why_and_each_try(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        await open_execution(pilot, scene, Status.FINISHED, "deploy-on-prod")
        assert shows(pilot, "deploy-on-prod", "✓ finished on attempt 2", "execution ")
        assert shows(pilot, "alias added", "models/bert:v0 ← production")
        assert shows(pilot, "12:02:31", "by ada")
        assert shows(pilot, "✓ alias ~ ^prod", 'it is "production"')
        assert shows(pilot, "Attempt 1", "503")
        assert shows(pilot, "Attempt 2", "202")
        text = "\n".join(screen_text(pilot))
        assert "busy" in text
        for size in (WIDE, (200, 50)):
            await pilot.resize_terminal(*size)
            await settled(pilot)
            assert shows(pilot, "deploy-on-prod", "✓ finished", " · revision 1")
            assert shows(pilot, "Attempt 2", "POST http://ci.internal/deploy", "202 in 34 ms")
        await press(pilot, "end", "end")


async def test_a_failure_says_what_came_back(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await open_execution(pilot, scene, Status.FAILED, "validate-resnet")
        assert shows(pilot, "✗ failed", "gave up after 2 attempts: 500")
        assert "\n".join(screen_text(pilot)).count("after 2 attempts") == 1
        assert shows(pilot, "Attempt 2", "500 in 210 ms", "answered out of memory")


async def test_shadow_shows_what_would_have_been_sent(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await open_execution(pilot, scene, Status.SKIPPED, "canary-f1")
        assert shows(pilot, "– skipped", "shadow")
        assert shows(pilot, "In shadow")
        assert shows(pilot, "✓ metadata.f1")


async def test_no_secret_is_shown_or_copied(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await open_execution(pilot, scene, Status.FINISHED, "deploy-on-prod")
        assert shows(pilot, "Authorization: Bearer ••••")
        await press(pilot, "y")
        copied = shlex.split(pilot.app.clipboard)
        assert copied[:4] == ["curl", "-X", "POST", "http://ci.internal/deploy"]
        assert json.loads(copied[-1])["alias"] == "production"
        assert shows(pilot, "Copied as curl; its secrets are masked.")
        for secret in (TOKEN, KEY):
            assert secret not in pilot.app.clipboard
            assert secret not in "\n".join(screen_text(pilot))


async def test_what_cannot_be_done_is_not_offered(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await open_execution(pilot, scene, Status.PENDING, "deploy-on-prod")
        assert shows(pilot, "r Redeliver")
        assert not shows(pilot, "y Copy as curl")
        await press(pilot, "y", "escape")
        assert pilot.app.clipboard == ""
        await open_execution(pilot, scene, Status.FINISHED, "note-candidates")
        assert shows(pilot, "x Why not others")
        assert not shows(pilot, "r Redeliver")


async def test_it_is_sent_again_and_followed(scene: Scene) -> None:
    failed = newest(scene, Status.FAILED, "validate-resnet")
    async with open_app(scene) as pilot:
        await open_execution(pilot, scene, Status.FAILED, "validate-resnet")
        await press(pilot, "r", "right", "enter")
        assert scene.tower.executions.get(failed.id)[0].status is Status.PENDING
        assert shows(pilot, "Queued to be sent again.")
        scene.now += timedelta(seconds=1)
        scene.send(200, '{"passed": true}')
        await until(pilot, lambda: shows(pilot, "✓ finished on attempt 3"))
        assert shows(pilot, "Attempt 3", "200")


async def test_what_cannot_be_sent_again_says_why(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await open_execution(pilot, scene, Status.RUNNING, "deploy-on-prod")
        await press(pilot, "r", "right", "enter")
        assert shows(pilot, "is running")


async def test_keys_are_answered_while_it_is_sent_again(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await open_execution(pilot, scene, Status.FAILED, "validate-resnet")
        async with late(pilot) as held:
            pilot.app.post_message(Key("r", "r"))
            await until(pilot, lambda: held)
            pilot.app.post_message(Key("escape", None))
            await until(pilot, lambda: not isinstance(pilot.app.screen, ExecutionScreen))


async def test_escape_goes_back_to_the_same_line(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await open_execution(pilot, scene, Status.FAILED, "validate-resnet")
        await press(pilot, "escape", "enter")
        assert shows(pilot, "gave up after 2 attempts: 500")
        await press(pilot, "q")
        assert pilot.app.is_running


def test_clock_names_a_coming_day() -> None:
    assert clock(NOW + timedelta(hours=1), NOW) == "13:04:31"
    assert clock(NOW + timedelta(hours=23), NOW) == "15 Mar 11:04"
    assert clock(NOW - timedelta(hours=23), NOW) == "13:04:31"
    assert clock(NOW - timedelta(days=2), NOW) == "12 Mar"


async def test_news_for_a_screen_below_does_not_repaint_the_one_above(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await open_execution(pilot, scene, Status.FINISHED, "deploy-on-prod")
        app = pilot.app
        assert isinstance(app, FiretowerApp)
        app.status = Content("another status")
        await settled(pilot)
        app.screen._on_timer_update()  # paints what is new
        app.screen_stack[0]._on_timer_update()
        assert not app.screen._repaint_required
        await press(pilot, "escape")
        assert shows(pilot, "3 Feed", "another status")

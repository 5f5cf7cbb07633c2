"""The Endpoints screen and the test of an endpoint."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from firetower.core.endpoints import EndpointKind
from firetower.core.retry import DEFAULT_SCHEDULE
from firetower.tui.screens.automation import AutomationScreen
from firetower.tui.screens.endpoint import EndpointScreen
from firetower.tui.screens.endpoint_dialogs import EndpointTestScreen
from firetower.tui.screens.endpoints import EndpointsScreen
from receiver import Receiver, serve
from tui.scene import TOKEN, Scene
from tui.screens import SMALL, line_with, open_app, press, settled, shows, until, write

pytestmark = pytest.mark.anyio

WEBHOOK = EndpointKind.WEBHOOK
HOSTILE = 'path [/foo] {"a": [true, false]} [b\x1b[31m'


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with serve() as receiver:
        yield receiver


def enabled(scene: Scene, name: str = "ci-deploy") -> bool:
    return scene.tower.endpoints.get(name, WEBHOOK).endpoint.enabled


async def test_it_lists_every_endpoint(scene: Scene) -> None:
    scene.tower.endpoints.disable("validator", WEBHOOK)
    scene.webhook("on-call", url="http://on-call.internal/12345678901")
    scene.open_circuit("on-call")
    async with open_app(scene, SMALL) as pilot:
        await press(pilot, "3", "5")
        assert shows(pilot, "ci-deploy", "ci.internal/deploy", "✓ enabled", "50 %", "34 ms")
        assert shows(pilot, "on-call", "on-call.internal/12345678901", "! ")
        assert shows(pilot, "team-ml", "secret", "✓ enabled", "–")
        assert shows(pilot, "validator", "◌ disabled")
        await press(pilot, "5", "escape")
        assert isinstance(pilot.app.screen, EndpointsScreen)
        assert len(pilot.app.screen_stack) == 1


async def test_an_empty_list_says_what_to_do_and_hides_the_keys(empty_scene: Scene) -> None:
    async with open_app(empty_scene) as pilot:
        await press(pilot, "5")
        assert shows(pilot, "Press n to name a webhook, N to name a Slack channel.")
        assert not shows(pilot, "t Test")
        await press(pilot, "t", "d", "space", "enter")
        assert isinstance(pilot.app.screen, EndpointsScreen)


async def test_it_makes_one_and_stands_on_it(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "5", "n")
        await write(pilot, "zeta")
        await press(pilot, "tab")
        await write(pilot, "http://z.test/")
        await press(pilot, "ctrl+o")
        assert shows(pilot, "zeta", "z.test/", "✓ enabled")
        screen = pilot.app.screen
        assert isinstance(screen, EndpointsScreen)
        assert screen.listing.table.key == "zeta"
        await press(pilot, "N")
        assert shows(pilot, "New Slack hook")


async def test_a_test_request_shows_the_answer(scene: Scene, receiver: Receiver) -> None:
    receiver.answer = lambda _: (418, {}, f"no {HOSTILE}".encode())
    scene.webhook("pot", url=receiver.url(), access_token_secret="CI_TOKEN")
    async with open_app(scene) as pilot:
        await press(pilot, "5", "down", "t")
        assert shows(pilot, "POST http://127.0.0.1")
        assert shows(pilot, "with the token CI_TOKEN")
        assert receiver.requests == []
        await pilot.press("t")
        body = 'path [/foo] {"a": [true, false]} [b\\x1b[31m'
        await until(pilot, lambda: shows(pilot, "✗ 418") and shows(pilot, body))
        assert line_with(pilot, "✗ 418", "in", "ms")
        receiver.answer = lambda _: (418, {}, f"no {TOKEN}".encode())
        await pilot.click("#send")
        await until(pilot, lambda: shows(pilot, "not kept: it gave a secret back"))
        assert not shows(pilot, TOKEN)
        receiver.answer = lambda _: (202, {}, b'{"queued": true}')
        await pilot.press("t")
        await until(pilot, lambda: shows(pilot, "✓ 202") and shows(pilot, '"queued": true'))
        await press(pilot, "y")
        assert pilot.app.clipboard == '{"queued": true}'
        await pilot.click("#close")
        await settled(pilot)
        assert isinstance(pilot.app.screen, EndpointsScreen)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, EndpointScreen)
    assert len(receiver.requests) == 3


async def test_a_test_that_cannot_be_sent_says_why(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await pilot.app.push_screen(EndpointTestScreen("gone"))
        reason = "there is no endpoint gone"
        await until(pilot, lambda: shows(pilot, reason))
        await press(pilot, "t")
        assert not shows(pilot, "sending")


async def test_closing_a_test_does_not_wait_for_its_answer(
    scene: Scene, receiver: Receiver
) -> None:
    asked, closed = threading.Event(), threading.Event()

    def answer(_: object) -> tuple[int, dict[str, str], bytes]:
        asked.set()
        return (200, {}, b"late") if closed.wait(60) else (500, {}, b"")

    receiver.answer = answer
    scene.webhook("slow", url=receiver.url())
    async with open_app(scene) as pilot:
        await pilot.app.push_screen(EndpointTestScreen("slow"))
        await press(pilot)
        await pilot.press("t")
        await until(pilot, asked.is_set)
        assert shows(pilot, "▸ sending …")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, EndpointTestScreen))
    closed.set()


async def test_one_turned_off_holds_back_and_on_again_offers_what_failed(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "5", "space")
        assert not enabled(scene)
        assert shows(pilot, "ci-deploy", "◌ disabled")
        with scene.store.changing() as change:
            change.connection.exec_driver_sql(
                "UPDATE executions SET status = 'failed', next_attempt_at = NULL, "
                "finished_at = (SELECT disabled_at FROM endpoints WHERE name = 'ci-deploy') "
                "WHERE id = (SELECT max(id) FROM executions WHERE status = 'pending')"
            )
        await press(pilot, "space")
        assert not enabled(scene)
        assert shows(pilot, "for it will be sent at once.")
        await press(pilot, "right", "enter")
        assert enabled(scene)
        assert shows(pilot, "ci-deploy missed 1 execution while it was disabled")
        assert shows(pilot, "ci-deploy is enabled. While it was disabled, 1 execution")
        await pilot.click("#save")
        await settled(pilot)
        assert shows(pilot, "1 execution sent again")
    assert scene.tower.executions.newest(1)[0].redelivery_requested_at


async def test_one_that_keeps_failing_counts_down_and_c_sends_now(scene: Scene) -> None:
    scene.open_circuit("ci-deploy")
    async with open_app(scene, SMALL) as pilot:
        await press(pilot, "5")
        assert shows(pilot, "ci-deploy", "! circuit op")
        await press(pilot, "enter")
        assert shows(pilot, "since", "5 failures in a row: 503")
        assert shows(pilot, "next probe", "in 30 s")
        scene.now += timedelta(seconds=7)
        await until(pilot, lambda: shows(pilot, "next probe", "in 23 s"))
        await press(pilot, "c", "enter")
        assert scene.tower.endpoints.find("ci-deploy").circuit is not None
        await press(pilot, "c")
        assert shows(pilot, "It failed 5 times in a row: 503.")
        assert shows(pilot, "wait for it will be sent, ten a second.")
        await press(pilot, "right", "enter")
        assert shows(pilot, "state", "✓ enabled")
    assert scene.tower.endpoints.find("ci-deploy").circuit is None


async def test_enter_shows_an_endpoint_and_goes_to_its_automations(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "5")
        await until(pilot, lambda: shows(pilot, "│", "used by", "canary-f1"))
        assert shows(pilot, "│", "503", "in 31 ms")
        await press(pilot, "down")
        await until(pilot, lambda: shows(pilot, "│", "24 h", "nothing was sent"))
        await pilot.click("#endpoints Table", offset=(3, 1), times=2)
        await settled(pilot)
        assert shows(pilot, "Endpoints › ci-deploy")
        assert shows(pilot, "sends to", "http://ci.internal/deploy")
        assert shows(pilot, "24 h", "50 % of 2 accepted, 1 in flight")
        assert shows(pilot, "last error", "2026-03-14 12:04:27")
        assert shows(pilot, "503", "in 31 ms")
        assert shows(pilot, "busy")
        assert shows(pilot, "Authorization: Bearer •••• from secret CI_TOKEN")
        assert not shows(pilot, TOKEN)
        await press(pilot, "end", "enter")
        assert isinstance(pilot.app.screen, AutomationScreen)
        assert shows(pilot, "deploy-on-prod")
        await press(pilot, "escape", "escape")
        assert isinstance(pilot.app.screen, EndpointsScreen)


async def test_a_change_is_undone_by_u_on_the_screen_of_it_only(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "5", "down", "space", "1", "u")
        assert not scene.tower.endpoints.find("team-ml").enabled
        await press(pilot, "5", "u")
        assert scene.tower.endpoints.find("team-ml").enabled
        assert shows(pilot, "team-ml", "✓ enabled")


async def test_deleting_asks_and_is_refused_while_it_is_used(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "5", "d")
        assert shows(pilot, "Delete ci-deploy?")
        await press(pilot, "enter")
        assert enabled(scene)
        await press(pilot, "d", "right", "right", "enter")
        assert shows(pilot, "ci-deploy is used by canary-f1 and deploy-on-prod")
        await press(pilot, "d", "right", "enter")
        assert not enabled(scene)
        scene.webhook("spare", url="http://spare.test/")
        await press(pilot, "5", "down")
        screen = pilot.app.screen
        assert isinstance(screen, EndpointsScreen)
        await screen._read()
        screen.listing.table.move_to("spare")
        await press(pilot, "d")
        await pilot.click("Confirm Button.-error")
        await settled(pilot)
        assert not shows(pilot, "spare.test/")


async def test_an_endpoint_is_edited_and_what_waits_follows_it(scene: Scene) -> None:
    scene.webhook("old", url="http://old.test/", signing_secret="CI_KEY", max_in_flight=3)
    async with open_app(scene) as pilot:
        await press(pilot, "5")
        screen = pilot.app.screen
        assert isinstance(screen, EndpointsScreen)
        screen.listing.table.move_to("old")
        await press(pilot, "e")
        assert shows(pilot, "Edit old")
        assert shows(pilot, "http://old.test/")
        assert shows(pilot, "Signing secret", "CI_KEY")
        await press(pilot, "ctrl+u")
        await write(pilot, "http://new.test/")
        await press(pilot, "tab", "tab", "tab")
        await write(pilot, "1m, 2m")
        await press(pilot, "tab")
        await write(pilot, "3s")
        await press(pilot, "ctrl+o")
        assert shows(pilot, "Saved old.")
        assert shows(pilot, "old", "new.test/")
        await press(pilot, "e")
        assert shows(pilot, "1m, 2m")
        await press(pilot, "escape")
    settings = scene.tower.endpoints.get("old", WEBHOOK).endpoint.settings
    assert settings.url == "http://new.test/"
    assert settings.signing_secret == "CI_KEY"
    assert settings.max_in_flight == 3
    assert settings.schedule == (timedelta(minutes=1), timedelta(minutes=2))
    assert settings.timeout == timedelta(seconds=3)


@pytest.mark.slow
async def test_what_is_cleared_is_the_default_again_and_an_error_stays(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "5")
        screen = pilot.app.screen
        assert isinstance(screen, EndpointsScreen)
        screen.listing.table.move_to("validator")
        await press(pilot, "e", "tab", "tab", "tab", "ctrl+u", "ctrl+o")
        assert shows(pilot, "Saved validator.")
        await press(pilot, "e", "ctrl+u", *"nowhere", "ctrl+o")
        assert shows(pilot, 'URL "nowhere" is not http or https')
    settings = scene.tower.endpoints.get("validator", WEBHOOK).endpoint.settings
    assert settings.schedule == DEFAULT_SCHEDULE
    assert settings.url == "http://validate.internal/run"

"""The dialog that makes webhooks and Slack hooks."""

from datetime import timedelta
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Select

from firetower.core.endpoints import EndpointKind, EndpointSettings, SignatureEncoding
from firetower.tui.screens.endpoint_dialogs import EndpointDialog
from tui.scene import Scene
from tui.screens import SMALL, open_app, press, screen_text, settled, shows, write

pytestmark = pytest.mark.anyio

VALUE = "s3cret-never-shown"


async def opened(
    pilot: Pilot[None], kind: EndpointKind, before: EndpointSettings | None = None
) -> list[str | None]:
    """Open the dialog; what it gives back is added to the list."""
    given: list[str | None] = []
    await pilot.app.push_screen(EndpointDialog(kind, before), given.append)
    await settled(pilot)
    return given


def saved(scene: Scene, name: str, kind: EndpointKind = EndpointKind.WEBHOOK) -> EndpointSettings:
    return scene.tower.endpoints.get(name, kind).endpoint.settings


async def test_a_webhook_is_made_by_keys_with_an_old_and_a_new_secret(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        given = await opened(pilot, EndpointKind.WEBHOOK)
        await write(pilot, "gate-2")
        await press(pilot, "tab")
        await write(pilot, "http://gate.internal/in")
        await press(pilot, "tab", "enter", "down", "down", "enter")
        assert shows(pilot, "Access token", "CI_TOKEN")
        await press(pilot, "tab", "enter", "end", "enter")
        assert shows(pilot, "GATE_2_KEY")
        await write(pilot, VALUE)
        assert not shows(pilot, VALUE)
        assert shows(pilot, "•" * len(VALUE))
        await press(pilot, "ctrl+o")
        assert given == ["gate-2"]
    settings = saved(scene, "gate-2", EndpointKind.WEBHOOK)
    assert settings.url == "http://gate.internal/in"
    assert settings.secret_names == {"CI_TOKEN", "GATE_2_KEY"}
    detail = scene.tower.endpoints.get("gate-2", EndpointKind.WEBHOOK)
    secrets = scene.tower.endpoints.open_secrets(detail.endpoint)
    assert VALUE not in secrets.mask(VALUE)


@pytest.mark.slow
async def test_a_slack_hook_is_made_by_mouse(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        given = await opened(pilot, EndpointKind.SLACK)
        await pilot.click("EndpointDialog TextField Input")
        await write(pilot, "alerts")
        await pilot.click("SelectCurrent")
        await settled(pilot)
        await pilot.click("SelectOverlay", offset=(4, 3))
        await settled(pilot)
        assert pilot.app.screen.query_one(Select).value == "SLACK_ML"
        await pilot.click("#save")
        await settled(pilot)
        assert given == ["alerts"]
    assert saved(scene, "alerts", EndpointKind.SLACK).url_secret == "SLACK_ML"


async def test_each_error_stands_under_its_field_and_nothing_is_lost(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        given = await opened(pilot, EndpointKind.WEBHOOK)
        await write(pilot, "ci-deploy")
        await press(pilot, "ctrl+o")
        assert shows(pilot, "URL is needed")
        await write(pilot, "ftp://x")
        await press(pilot, "ctrl+o")
        assert shows(pilot, 'URL "ftp://x" is not http or https')
        for _ in range(7):
            await pilot.press("backspace")
        await write(pilot, "http://x")
        assert not shows(pilot, "is not http")
        await press(pilot, "ctrl+o")
        assert shows(pilot, "an endpoint named ci-deploy exists already")
        await write(pilot, "-b")
        await press(pilot, "ctrl+o")
        assert given == ["ci-deploy-b"]


@pytest.mark.slow
async def test_a_new_secret_does_not_replace_one_and_goes_with_what_failed(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        given = await opened(pilot, EndpointKind.SLACK)
        await write(pilot, "ci")
        await press(pilot, "tab", "enter", "end", "enter")
        await press(pilot, "shift+tab", *["backspace"] * 10)
        await write(pilot, "CI_TOKEN")
        await press(pilot, "ctrl+o")
        assert shows(pilot, "a secret named CI_TOKEN exists already")
        await write(pilot, "_2")
        await press(pilot, "ctrl+o")
        assert shows(pilot, "its value is needed")
        await write(pilot, VALUE)
        await press(pilot, "ctrl+o")
        assert shows(pilot, "the value is no URL that can be reached")
        assert not any(VALUE in line for line in screen_text(pilot))
        await press(pilot, *["backspace"] * len(VALUE))
        await write(pilot, "https://hooks.slack.test/T/B/x")
        await press(pilot, "shift+tab", "shift+tab", "shift+tab", "end", *["backspace"] * 2)
        await write(pilot, "team-ml")
        await press(pilot, "ctrl+o")
        assert shows(pilot, "an endpoint named team-ml exists already")
        assert "CI_TOKEN_2" not in [secret.name for secret in scene.tower.secrets.list()]
        await press(pilot, "escape", "right", "enter")
        assert given == [None]


async def test_without_any_secret_a_slack_hook_asks_for_a_new_one(empty_scene: Scene) -> None:
    async with open_app(empty_scene) as pilot:
        given = await opened(pilot, EndpointKind.SLACK)
        await write(pilot, "team")
        assert shows(pilot, "Name", "team")
        assert shows(pilot, "URL secret", "new secret …")
        await press(pilot, "tab", "tab", "tab")
        await write(pilot, "https://hooks.slack.test/x")
        await press(pilot, "ctrl+o")
        assert given == ["team"]
    assert saved(empty_scene, "team", EndpointKind.SLACK).url_secret == "TEAM_URL"


async def test_how_it_is_tried_and_signed_can_be_said(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        given = await opened(pilot, EndpointKind.WEBHOOK)
        await write(pilot, "gate-3")
        await press(pilot, "tab")
        await write(pilot, "http://gate.internal/in")
        await press(pilot, "tab", "tab", "tab")
        await write(pilot, "5s, soon")
        await press(pilot, "tab")
        await write(pilot, "3s")
        await press(pilot, "tab")
        await write(pilot, "octal")
        await press(pilot, "ctrl+o")
        assert given == []
        assert shows(pilot, '"soon" is not a span of time.')
        assert shows(pilot, '"octal" is no encoding')
        await press(pilot, *["backspace"] * 4, *"5m", "tab", "tab")
        await press(pilot, *["backspace"] * 5, *"hex", "ctrl+o")
        assert given == ["gate-3"]
    settings = saved(scene, "gate-3", EndpointKind.WEBHOOK)
    assert settings.schedule == (timedelta(seconds=5), timedelta(minutes=5))
    assert settings.timeout == timedelta(seconds=3)
    assert settings.signature_encoding is SignatureEncoding.HEX


async def test_what_is_left_empty_is_as_it_is_on_the_command_line(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await opened(pilot, EndpointKind.WEBHOOK)
        await write(pilot, "gate-4")
        await press(pilot, "tab")
        await write(pilot, "http://gate.internal/in")
        await press(pilot, "ctrl+o")
    settings = saved(scene, "gate-4", EndpointKind.WEBHOOK)
    assert settings == EndpointSettings(
        name="gate-4", kind=EndpointKind.WEBHOOK, url="http://gate.internal/in"
    )


@pytest.mark.slow
async def test_an_edit_keeps_proxy_and_ca_file_and_can_change_both(scene: Scene) -> None:
    proxy, ca_file = "http://me:pr0xy-pass@proxy.test:3128", "/nowhere/no-ca.pem"
    scene.webhook("gate-5", url="http://gate.internal/in", proxy=proxy, ca_file=ca_file)
    async with open_app(scene) as pilot:
        before = saved(scene, "gate-5")
        given = await opened(pilot, EndpointKind.WEBHOOK, before)
        assert shows(pilot, "Proxy", "http://•••@proxy.test:3128")
        assert shows(pilot, "CA file", "no-ca.pem")
        assert not shows(pilot, "pr0xy-pass")
        await press(pilot, "tab", "tab", "tab")
        await write(pilot, "1m")
        await press(pilot, "ctrl+o")
        assert given == ["gate-5"]
        assert shows(pilot, "gate-5 names the CA file")
        after = saved(scene, "gate-5")
        assert (after.proxy, after.ca_file) == (before.proxy, ca_file)

        await opened(pilot, EndpointKind.WEBHOOK, after)
        await press(pilot, *["tab"] * 6, "ctrl+u")
        await write(pilot, "socks5://proxy.test")
        await press(pilot, "tab", "ctrl+u")
        await write(pilot, "~/own.pem")
        await press(pilot, "ctrl+o")
        assert shows(pilot, "the proxy is no http or https URL of a host alone")
        await press(pilot, "ctrl+u")
        await press(pilot, "ctrl+o")
    after = saved(scene, "gate-5")
    assert (after.proxy, after.ca_file) == (None, str(Path("~/own.pem").expanduser()))

"""One automation in full, and the test of its endpoint."""

from collections.abc import Iterator

import pytest
from textual.pilot import Pilot

from firetower.core.actions import SlackAction, WebhookAction
from firetower.core.filters import Filter
from firetower.tui.form.screen import FormScreen
from firetower.tui.messages import DatabaseChanged
from firetower.tui.screens.automation import AutomationScreen
from firetower.tui.screens.container import ContainerScreen
from firetower.tui.screens.execution import ExecutionScreen
from receiver import Receiver, serve
from tui.scene import Scene
from tui.screens import SMALL, open_app, press, settled, shows, until

pytestmark = pytest.mark.anyio

PATIENCE = 60
"""Seconds for a request on a loaded machine."""
HOSTILE = 'path [/foo] {"a": [true, false]} [b'


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with serve() as receiver:
        yield receiver


async def opened(pilot: Pilot[None], name: str) -> AutomationScreen:
    screen = AutomationScreen(name)
    pilot.app.push_screen(screen)
    await settled(pilot)
    return screen


async def choose(pilot: Pilot[None], name: str) -> None:
    """Put the cursor on an automation of the registry that is open."""
    screen = pilot.app.screen
    assert isinstance(screen, ContainerScreen)
    await press(pilot, "enter")
    screen.automations.table.move_to(name)
    await settled(pilot)


async def test_it_opens_from_the_tab_and_shows_all_of_it(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        await choose(pilot, "deploy-on-prod")
        await press(pilot, "enter")
        assert shows(pilot, "models › deploy-on-prod", "✓ on")
        assert shows(pilot, "When an alias matching ^prod is added in registry models")
        assert shows(pilot, "4 times in 24 h, last now")
        assert shows(pilot, '{"ref": "${artifact_version_string}", "alias": "${alias}"}')
        assert shows(pilot, "revisions", "1  2026-03-06 12:04:31", "by ada")
        assert shows(pilot, "!  retrying", "503, again")
        assert not shows(pilot, "canary-f1")
        await press(pilot, "end", "enter")
        assert isinstance(pilot.app.screen, ExecutionScreen)
        await press(pilot, "escape", "escape")
        assert isinstance(pilot.app.screen, ContainerScreen)


async def test_it_opens_by_mouse(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await pilot.click("#automations Table", offset=(3, 1), times=2)
        await settled(pilot)
        assert isinstance(pilot.app.screen, AutomationScreen)


async def test_it_says_when_it_has_not_fired_and_follows_changes(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        screen = await opened(pilot, "tell-compliance")
        assert shows(pilot, "It has not fired yet.")
        assert shows(pilot, "fired", "never")
        assert shows(pilot, "Slack", "team-ml, info")
        scene.tower.automations.delete("tell-compliance")
        screen.post_message(DatabaseChanged())
        await settled(pilot)
        assert shows(pilot, "there is no automation tell-compliance")


async def test_it_can_be_edited(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await opened(pilot, "deploy-on-prod")
        await press(pilot, "e")
        assert isinstance(pilot.app.screen, FormScreen)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, AutomationScreen)


async def test_its_endpoint_is_tested(scene: Scene, receiver: Receiver) -> None:
    scene.webhook("here", url=receiver.url())
    scene.automate("a-here", action=WebhookAction(endpoint="here"))
    async with open_app(scene) as pilot:
        await choose(pilot, "a-here")
        await press(pilot, "t")
        assert shows(pilot, "Test here?")
        await pilot.press("t")
        await until(pilot, lambda: shows(pilot, "✓ 200"), PATIENCE)
        await press(pilot, "escape", "enter")
        await press(pilot, "t")
        assert shows(pilot, "Test here?")
        await pilot.press("t")
        await until(pilot, lambda: shows(pilot, "✓ 200"), PATIENCE)
    assert len(receiver.requests) == 2


async def test_one_that_only_records_has_nothing_to_test(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await choose(pilot, "note-candidates")
        await press(pilot, "t")
        assert shows(pilot, "note-candidates only records")
        await press(pilot, "enter")
        assert shows(pilot, "e Edit", "x Why", "? Help")
        assert not shows(pilot, "t Test")
        assert not shows(pilot, "R Restore")


async def test_hostile_text_is_drawn(scene: Scene) -> None:
    scene.automate(
        HOSTILE,
        description=HOSTILE + "\x1b[31m",
        filter=Filter.of({"alias": {"$regex": "\\[/foo\\] [b]"}}),
        action=SlackAction(endpoint="team-ml", title=HOSTILE, message=HOSTILE + " ${alias}"),
    )
    async with open_app(scene) as pilot:
        await opened(pilot, HOSTILE)
        assert shows(pilot, f"models › {HOSTILE}")
        assert shows(pilot, HOSTILE + "\\x1b[31m")
        assert shows(pilot, "title", HOSTILE)

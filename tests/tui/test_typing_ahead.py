"""Keys typed before the screen that they are for is there, or before a list has its rows."""

import pytest
from textual.events import Key
from textual.keys import key_to_character
from textual.pilot import Pilot
from textual.widgets import Input

from firetower.core.automations import Mode
from firetower.core.references import ContainerReference
from firetower.tui.form.screen import FormScreen
from firetower.tui.screens.container import RegistryScreen
from firetower.tui.screens.explain import ExplainEventScreen
from tui.form.driving import form_of, value
from tui.haste import click_ahead, late, type_ahead
from tui.scene import Scene
from tui.screens import WIDE, app_of, open_app, press, screen_text, settled, shows, until
from tui.test_haste import at, back

pytestmark = pytest.mark.anyio

OPENERS = [
    (("h", "h"), "c"),
    ((), "slash"),
    ((), "ctrl+p"),
    (("h", "enter"), "a"),
    (("h", "enter"), "t"),
    (("2", "enter", "h", "h"), "n"),
    (("S",), "n"),
]
"""What leads to a place, and the key that opens a line of text there."""


async def type_ahead_unsettled(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        pilot.app.post_message(Key(key, key_to_character(key)))
    await pilot.pause()


def typed(pilot: Pilot[None]) -> str:
    focused = pilot.app.screen.focused
    assert isinstance(focused, Input)
    return focused.value


@pytest.mark.slow
async def test_text_typed_with_the_key_that_opens_a_line_is_in_it(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        for before, key in OPENERS:
            await back(pilot)
            await at(pilot, "deploy-on-prod")
            await press(pilot, *before)
            await type_ahead(pilot, key, *"cne")
            assert typed(pilot).endswith("cne"), (before, key)
            await press(pilot, *["backspace"] * 3, "escape")


async def test_key_that_saves_does_not_overtake_the_text(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await type_ahead(pilot, "c", *"mine", "ctrl+o")
        assert "mine" in [str(one.reference) for one in scene.tower.registries()]


async def test_text_typed_with_the_key_of_the_form_is_in_its_field(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await at(pilot, "deploy-on-prod")
        await type_ahead(pilot, "n", "tab", "tab", *"^prod", "tab", *"{}")
        assert isinstance(pilot.app.screen, FormScreen)
        assert value(pilot, "alias-regex") == "^prod"
        assert form_of(pilot).fields.lines["filter"].value == "{}"


async def test_keys_typed_before_the_rows_are_read_act_on_them(scene: Scene) -> None:
    app = app_of(scene)
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        async with late(pilot):
            await pilot.press("enter", "down", "e")
            assert not isinstance(app.screen, FormScreen)
        await settled(pilot)
        assert form_of(pilot).fields.lines["name"].value == "deploy-on-prod"
        await press(pilot, "escape", "escape")
        screen = app.screen
        assert isinstance(screen, RegistryScreen)
        async with late(pilot):  # the rows of the registry before are still shown
            await type_ahead_unsettled(pilot, "down", "enter", "d")
        await settled(pilot)
        assert len(app.screen_stack) == 1
        assert screen.automations.container == ContainerReference.registry("prompts")


@pytest.mark.slow
async def test_keys_after_a_click_act_on_what_it_opens(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await at(pilot, "deploy-on-prod")
        line = screen_text(pilot)[0]
        before = scene.tower.automations.get("deploy-on-prod").mode
        click_ahead(pilot, line.index("4 Automations"), 0)
        await type_ahead(pilot, "e")
        assert form_of(pilot).fields.lines["name"].value == "canary-f1"
        await press(pilot, "escape")
        click_ahead(pilot, line.index("1 Registry"), 0)
        click_ahead(pilot, line.index("3 Feed"), 0)
        await type_ahead(pilot, "space", "x")
        assert scene.tower.automations.get("deploy-on-prod").mode is before
        assert isinstance(pilot.app.screen, ExplainEventScreen)
        await press(pilot, "escape", "1")
        row = next(number for number, text in enumerate(screen_text(pilot)) if " prompts" in text)
        click_ahead(pilot, 3, row)
        await type_ahead(pilot, "space", "n")
        assert form_of(pilot).fields.draft.container == ContainerReference.registry("prompts")


async def test_keys_of_the_app_do_not_wait_for_rows(scene: Scene) -> None:
    app = app_of(scene)
    async with app.run_test(size=WIDE) as pilot, late(pilot):
        await until(pilot, lambda: app.current_mode == "registry")
        await pilot.press("3")
        await until(pilot, lambda: app.current_mode == "feed")


@pytest.mark.slow
async def test_keys_after_the_one_that_saves_act_on_what_was_made(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await type_ahead(pilot, "5", "n", *"zeta", "tab", *"http://z.test/", "ctrl+o", "e")
        assert shows(pilot, "Edit zeta")
        await press(pilot, "escape")
        await type_ahead(pilot, "S", "n", *"ZETA", "tab", *"hush", "ctrl+o", "e")
        assert shows(pilot, "New value of ZETA")
        await press(pilot, "escape", "escape", "4")
        await type_ahead(pilot, "n", *["tab"] * 4, "left", "ctrl+o", "space", "e")
        made = form_of(pilot).fields.lines["name"].value
        assert made == "models-alias-added"
        assert scene.tower.automations.get(made).mode is Mode.DISABLED
        await press(pilot, "escape", "1")
        await type_ahead(pilot, "c", *"zeta", "ctrl+o", "n")
        assert form_of(pilot).fields.draft.container == ContainerReference.registry("zeta")

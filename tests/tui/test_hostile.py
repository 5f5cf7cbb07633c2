"""Text from outside is drawn, whatever it says, in every place that shows it."""

import json

import pytest

from firetower.core.actions import WebhookAction
from firetower.core.filters.filter import Filter
from firetower.core.retry import Answer
from firetower.core.text import visible
from firetower.tui.widgets.ask import Confirm
from tui.scene import Scene
from tui.screens import SMALL, open_app, press, screen_text, settled, shows

pytestmark = pytest.mark.anyio

MARKUP = 'path [/foo] {"a": [true, false]} [b'
ESCAPES = "\x1b[2J\x1b]0;title\x07\r\n\t\x00"
TURNED = "\u202egnp.exe\u200b\ufeff"
WIDE_TEXT = "模型[/]注册表 é́ 👩‍👩‍👧"
HOSTILE = (MARKUP, ESCAPES, TURNED, WIDE_TEXT, "[link='x'][@click=app.quit]", "$accent ${alias}")
NAMED = "a[b] [b [/foo]"
"""As much as a name may hold."""


def _poison(scene: Scene) -> None:
    """Put hostile text wherever the database takes it, and let it fire."""
    tower = scene.tower
    scene.store.author = NAMED
    metadata = {f"key {text}": text for text in HOSTILE}
    version = tower.log(
        f"acme/vision/{NAMED.replace('/', '')}",
        type="[b]type",
        empty=True,
        metadata={"bad": metadata},
    )
    tower.create_registry("zz [b")
    linked = tower.link(version, "zz [b/[red]col")
    tower.add_tag("zz [b/[red]col", "[tag")
    payload = json.dumps({"said": "".join(HOSTILE), "alias": "${alias}"})
    scene.automate(
        "zz [bold]fires",
        scope={"kind": "container", "container": {"kind": "registry", "name": "zz [b"}},
        filter=Filter.of(
            {"$or": [{"alias": {"$regex": r"\[|x"}}, {"author": {"$regex": r"\[red"}}]}
        ),
        action=WebhookAction(endpoint="validator", payload=payload),
        description="\n".join(HOSTILE),
    )
    tower.add_alias(linked.reference, "[alias [b")
    for claim in scene.turn(room=9):
        scene.answer(claim, Answer(500, body="".join(HOSTILE)))


async def test_every_screen_draws_it(scene: Scene) -> None:
    _poison(scene)
    async with open_app(scene, SMALL) as pilot:
        await press(pilot, "G", "enter")
        assert shows(pilot, "Registries › zz [b")
        assert shows(pilot, "zz [bold]fires")
        await press(pilot, "right")
        assert shows(pilot, "!  zz [bold]fires", "500, again")
        await press(pilot, "right")
        assert shows(pilot, "[red]col", "[b]type")
        await press(pilot, "2", "3")
        assert shows(pilot, "zz [bold]fires")
        await press(pilot, "enter")
        assert shows(pilot, "zz [bold]fires", "retrying")
        text = "\n".join(screen_text(pilot))
        assert 'it is "[alias [b"' in text
        await press(pilot, "y", "pagedown")
        await press(pilot, "escape", "y")
        assert pilot.app.is_running


async def test_an_answer_is_drawn_in_full(scene: Scene) -> None:
    _poison(scene)
    async with open_app(scene, (250, 60)) as pilot:
        await press(pilot, "3", "enter")
        drawn = "".join(line.strip() for line in screen_text(pilot))
        assert visible(MARKUP) in drawn
        assert r"\x1b[2J\x1b]0;title\x07\r\n\t\x00" in drawn
        assert r"\u202egnp.exe" in drawn


@pytest.mark.slow
async def test_toasts_and_dialogs_draw_hostile_text(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        scene.automate("zz [bold]fires")
        await press(pilot, "enter", "G", "space")
        assert shows(pilot, "zz [bold]fires is disabled.")
        for text in HOSTILE:
            pilot.app.push_screen(Confirm(f"Delete {text}?", text, text))
            await settled(pilot)
            assert shows(pilot, "Delete")
            await press(pilot, "escape")
        await press(pilot, *"/[b", "escape")
        assert pilot.app.is_running

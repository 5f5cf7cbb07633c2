"""What reaches the terminal."""

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from firetower.tui.text import Sanitizer
from tui.scene import Scene
from tui.screens import open_app, screen_text, settled

BOLD, BLACK = Style(bold=True), Color(0, 0, 0)


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("plain", "plain"),
        ("größer ✓ 日本", "größer ✓ 日本"),
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("a\x07\x00\x9b1mb", "a1mb"),
        ("\u202eab\u2066\u200b", "ab"),
        ("\ud800", ""),
    ],
)
def test_nothing_that_a_terminal_obeys_is_drawn(text: str, drawn: str) -> None:
    [segment] = Sanitizer().apply([Segment(text, BOLD)], BLACK)
    assert segment.text.replace("�", "") == drawn
    assert segment.cell_length == Segment(text).cell_length
    assert segment.style == BOLD


@pytest.mark.anyio
async def test_fields_keep_what_they_do_not_draw(scene: Scene) -> None:
    hostile = "a\x1b]0;title\x07\u202eb"

    async def shown(pilot: Pilot[None], field: Input | TextArea) -> str:
        await pilot.app.screen.mount(field)
        await settled(pilot)
        return "\n".join(screen_text(pilot))

    async with open_app(scene) as pilot:
        line, editor = Input(hostile), TextArea(hostile)
        for field in (line, editor):
            drawn = await shown(pilot, field)
            assert "a]0;title" in drawn.replace("�", "")
            assert not set(drawn) & {"\x1b", "\x07", "\u202e"}
        assert line.value == editor.text == hostile

"""What reaches the terminal."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from firetower.tui.text import Sanitizer, TerminalDecoder
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


@given(st.data())
def test_what_a_terminal_sends_is_decoded_in_any_pieces(data: st.DataObject) -> None:
    sent = b"\x1b[Aq\xe9\x1b[200~hu\0sh\x1b[31m \x1b[20\xc3\xa9\n\x1b[201~\x1b\0\x1b[200~b\x1b[201~"
    pasted = st.integers(sent.index(b"hu"), sent.index(b"\x1b[201~") + 6)
    cuts = sorted(data.draw(st.sets(pasted)))
    ends = [*cuts, len(sent)]
    decoder = TerminalDecoder()
    decoded = "".join(map(decoder.decode, (sent[a:b] for a, b in pairwise([0, *ends]))))
    assert decoded == "\x1b[Aq�\x1b[200~hu�sh�[31m �[20é\n\x1b[201~\x1b\0\x1b[200~b\x1b[201~"


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

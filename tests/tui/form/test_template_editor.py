"""The payload's editor: it grows, colours JSON, marks what is wrong, and completes variables."""

import pytest
from rich.segment import Segment
from textual.pilot import Pilot

from firetower.tui.form.screen import FormScreen
from firetower.tui.widgets.payload import TemplateEditor
from tui.form.driving import new_form, to
from tui.scene import Scene
from tui.screens import SMALL, WIDE, open_app, press, settled, shows, until, write

pytestmark = pytest.mark.anyio


def editor_of(pilot: Pilot[None]) -> TemplateEditor:
    return pilot.app.screen.query_one("#payload-json", TemplateEditor)


def styles(editor: TemplateEditor, text: str) -> set[str]:
    """Return the colours in which a text of the first line is drawn."""
    line: list[Segment] = list(editor.render_line(0))
    return {str(part.style.color) for part in line if part.style and text in part.text}


@pytest.mark.slow
async def test_payload_grows_is_coloured_and_completed_from_a_list(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await new_form(pilot)
        await to(pilot, "payload-json")
        editor = editor_of(pilot)
        listed = editor.completions
        height = editor.size.height
        await write(pilot, '{"f1": 1, "ref": "${al')
        assert listed.region.height
        assert shows(pilot, "alias", "prod-us")
        assert styles(editor, '"f1"') != styles(editor, "1")
        await press(pilot, "tab")
        assert editor.text == '{"f1": 1, "ref": "${alias}'
        assert not listed.option_count
        await write(pilot, '", "m": ${artifact_metadata.')
        assert shows(pilot, "artifact_metadata.f1")
        await press(pilot, "down", "up", "escape")
        assert not listed.option_count
        await press(pilot, "f")
        await until(pilot, lambda: listed.region.height)
        await pilot.click(listed, offset=(3, 0))
        await settled(pilot)
        assert editor.text.endswith("${artifact_metadata.f1}")
        assert editor.has_focus
        await press(pilot, "}")
        await write(pilot, "\n" * 6)
        assert editor.size.height >= height + 5


@pytest.mark.slow
async def test_error_comes_after_a_pause_while_the_last_preview_stays(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        form = await new_form(pilot)
        assert not form.query_one("#preview").has_class("-stale")
        await to(pilot, "payload-json")
        await write(pilot, '{"a": ,}')
        assert form.query_one("#preview").has_class("-stale")
        assert shows(pilot, "When an alias is added")
        assert shows(pilot, "the payload is not JSON")
        assert editor_of(pilot)._wrong == (0, 6)
        await press(pilot, "left", "left", "1")
        assert editor_of(pilot)._wrong is not None
        await press(pilot, "delete")
        assert not form.query_one("#preview").has_class("-stale")
        assert editor_of(pilot)._wrong is None
        assert not shows(pilot, "the payload is not JSON")


@pytest.mark.slow
async def test_form_is_laid_out_once_for_the_size(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted: list[tuple[object, ...]] = []
    paint = FormScreen._compositor_refresh

    def noted(form: FormScreen) -> None:
        places = [form.query_one(name).region for name in ("#form-preview", "#filter", "#cooldown")]
        painted.append(tuple(places))
        paint(form)

    for size in (SMALL, WIDE):
        async with open_app(scene, size) as pilot:
            with monkeypatch.context() as patch:
                patch.setattr(FormScreen, "_compositor_refresh", noted)
                await new_form(pilot)
        assert len({places for places in painted if all(places)}) == 1, size
        painted.clear()

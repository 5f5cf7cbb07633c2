"""Editing a payload or a filter in the user's own editor."""

import contextlib
import os
import sys
from pathlib import Path

import pytest

from tui.form.driving import form_of, new_form, to
from tui.scene import Scene
from tui.screens import open_app, press, shows, write

pytestmark = pytest.mark.anyio

SCRIPT = """
import os, sys
path = sys.argv[1]
print(oct(os.stat(path).st_mode & 0o777), path, file=open({note!r}, "w"))
text = open(path).read()
open(path, "w").write({new!r} or text)
sys.exit({code})
"""


async def test_text_is_edited_in_the_users_editor(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = tmp_path / "note"

    def set_editor(new: str, code: int = 0) -> None:
        script = tmp_path / "edit.py"
        script.write_text(SCRIPT.format(note=str(note), new=new, code=code))
        monkeypatch.setenv("VISUAL", f"{sys.executable} '{script}'")

    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    async with open_app(scene) as pilot:
        form = await new_form(pilot)
        monkeypatch.setattr(pilot.app, "suspend", contextlib.nullcontext)
        await to(pilot, "payload-json")
        await write(pilot, "{}")
        await press(pilot, "f5")
        assert shows(pilot, "no editor is set")
        assert form.fields.payload.text == "{}"
        set_editor('{"a": 1}\n')
        await press(pilot, "f5")
        assert form.fields.payload.text == '{"a": 1}'
        mode, path = note.read_text().split()
        assert mode == "0o600"
        assert not os.path.exists(path)  # noqa: PTH110
        set_editor('{"b": 2}', code=3)
        await press(pilot, "f5")
        assert form.fields.payload.text == '{"a": 1}'
        assert shows(pilot, "the editor ended with 3")
        monkeypatch.setenv("VISUAL", "/no/such/editor")
        await press(pilot, "f5")
        assert shows(pilot, "/no/such/editor cannot be run")
        await to(pilot, "filter-json")
        set_editor('{"metadata.f1":\n  {"$gte": 0.9}\n}\n')
        await press(pilot, "f5")
        assert form_of(pilot).fields.lines["filter"].value == '{"metadata.f1": {"$gte": 0.9} }'

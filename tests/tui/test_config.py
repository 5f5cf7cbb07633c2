"""The user's choices of theme and keys: read before the app starts, in force in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from firetower.core.errors import InvalidInput
from firetower.settings import config_file
from firetower.tui import themes
from firetower.tui.actions import ACTIONS, SCREENS, is_key
from firetower.tui.app import FiretowerApp
from firetower.tui.config import Config, read_config
from firetower.tui.form.screen import FormScreen
from terminal import on_terminal
from tui.scene import Scene
from tui.screens import WIDE, line_with, press, screen_text, settled, shows


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The config file in a folder of the test's own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = tmp_path / "firetower" / "config.toml"
    path.parent.mkdir()
    return path


def test_it_is_looked_for_in_the_xdg_folder(file: Path) -> None:
    assert config_file() == file
    assert read_config(config_file()) == Config()
    file.write_text('theme = "light"\n[keys]\n"automations.new" = "a, ctrl+n"\n"app.help" = "f1"\n')
    assert read_config(file) == Config("light", {"automations.new": "a, ctrl+n", "app.help": "f1"})


BAD = [
    ('alerts = "siren"', 'there is no alert "siren"', "Choose one of off, bell, notify."),
    ("theme = ", "is not TOML: ", "Fix it or remove it."),
    (b"\xff", "cannot be read: ", "Fix it or remove it."),
    ('theme = "dim"', 'there is no theme "dim"', "Choose one of dark, light, ansi."),
    ("theme = []", "there is no theme []", "Choose one of"),
    ('colour = "red"', "there is no setting colour", "There are alerts, keys, theme."),
    ('themes = "dark"', "there is no setting themes", "Did you mean theme?"),
    ("keys = 3", "[keys] is not a table of texts", '"automations.new" = "a"'),
    ('[keys]\n"app.help" = 3', "[keys] is not a table of texts", '"automations.new" = "a"'),
    ('[keys]\n"automations.mew" = "a"', "no key automations.mew", "Did you mean automations.new?"),
    ('[keys]\n"app.help" = "pagedwn"', 'app.help has "pagedwn", which is no key', "Write a,"),
    ('[keys]\n"app.help" = ""', 'app.help has "", which is no key', "Write a, ctrl+a, f5"),
    ('[keys]\n"app.help" = "a,"', 'app.help has "", which is no key', "Write a, ctrl+a, f5"),
    ('[keys]\n"app.help" = "hyperctrl+a"', '"hyperctrl+a", which is no key', "Write a, ctrl+a"),
    ('[keys]\n"app.help" = "q"', "app.help and app.leave both have the key q", "Give one of"),
    ('[keys]\n"\\u001b[31m" = "q"', "there is no key \\x1b[31m", ""),
]


@pytest.mark.parametrize(("text", "message", "hint"), BAD)
def test_each_bad_input_is_told_in_two_lines(
    file: Path, text: str | bytes, message: str, hint: str
) -> None:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InvalidInput) as raised:
        read_config(file)
    assert str(file) in raised.value.message
    assert message in raised.value.message
    assert hint in raised.value.hint


def test_a_folder_in_its_place_is_told(file: Path) -> None:
    file.mkdir()
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_config(file)


def test_pipe_in_its_place_is_told_and_not_opened(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_config(file)


def test_keys_may_be_swapped(file: Path) -> None:
    file.write_text('[keys]\n"automations.new" = "d"\n"automations.delete" = "n"\n')
    assert read_config(file).keys == {"automations.new": "d", "automations.delete": "n"}


def test_the_app_does_not_start_with_a_bad_file(file: Path, tmp_path: Path) -> None:
    file.write_text('theme = "dim"')
    environment = {**os.environ, "FIRETOWER_DATABASE_URL": str(tmp_path / "tower.db")}
    shown = on_terminal([], environment, tmp_path, columns=400)
    assert shown.returncode == 1
    assert shown.text.splitlines() == [
        f'{file}: there is no theme "dim"',
        "Choose one of dark, light, ansi.",
    ]
    assert not (tmp_path / "tower.db").exists()


def test_a_command_tells_where_it_is_without_loading_the_app(file: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from firetower.cli import main\n"
        "try: main(['database', 'info'])\n"
        "finally: assert 'textual' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "FIRETOWER_DATABASE_URL": str(tmp_path / "tower.db")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert str(file) in "".join(done.stdout.split())


def test_each_action_has_keys_words_and_an_id_of_its_own() -> None:
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)
    for action in ACTIONS:
        assert all(is_key(one.strip()) for one in action.keys.split(",")), action
        assert action.label, action
        assert action.screen in SCREENS, action


@pytest.mark.anyio
async def test_other_keys_work_and_help_shows_them(scene: Scene) -> None:
    keys = {"automations.new": "a", "form.save": "f9", "app.help": "f1"}
    config = Config("light", keys)
    app = FiretowerApp(scene.open_tower, clock=scene.clock, config=config)
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await settled(pilot)
        assert app.theme == themes.LIGHT.name
        await press(pilot, "enter", "n")
        assert not isinstance(app.screen, FormScreen)
        assert "a New" in screen_text(pilot)[-1]
        await press(pilot, "f1")
        assert " a  New " in line_with(pilot, "New")
        assert " f1  Help " in line_with(pilot, "Help")
        await press(pilot, "escape", "a")
        assert isinstance(app.screen, FormScreen)
        assert "f9 Save" in screen_text(pilot)[-1]
        await press(pilot, "ctrl+o", "f2")
        assert not shows(pilot, "1 error")
        await press(pilot, "f9")
        assert shows(pilot, "1 error")

"""Colours: the terminal's own where it has 16, and no accent that is the colour of a state."""

from itertools import chain

import pytest
from rich.style import Style
from textual import constants
from textual.pilot import Pilot
from textual.theme import Theme

from firetower.tui import themes
from tui.scene import Scene
from tui.screens import SMALL, app_of, open_app, press, screen_text, settled

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("system", "theme"),
    [("standard", themes.ANSI), ("256", themes.DARK), ("truecolor", themes.DARK)],
)
def test_terminal_of_16_colours_gets_its_own(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, system: str, theme: object
) -> None:
    monkeypatch.setattr(constants, "COLOR_SYSTEM", system)
    assert app_of(scene).current_theme == theme
    monkeypatch.setenv("TERM", "dumb")
    assert app_of(scene).current_theme == themes.ANSI


@pytest.mark.parametrize("theme", themes.THEMES, ids=lambda theme: theme.name)
def test_accent_is_no_colour_of_a_state(theme: Theme) -> None:
    assert theme.accent not in {theme.success, theme.warning, theme.error}


@pytest.mark.slow
@pytest.mark.usefixtures("drawn")
async def test_dialog_leaves_what_is_behind_in_sight_in_every_theme(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        await press(pilot, "enter")
        for theme in themes.NAMES.values():
            pilot.app.theme = theme
            await press(pilot, "d")
            assert "Registry" in screen_text(pilot)[0]
            assert "deploy-on-prod" in "\n".join(screen_text(pilot))
            await press(pilot, "escape")
        await press(pilot, "5", "n", "x")
        for theme in themes.NAMES.values():
            pilot.app.theme = theme
            await settled(pilot)
            styles = styles_of(pilot)  # an example does not look like a value
            assert styles["https://ci.example.com/hook"].color != styles["x"].color


def styles_of(pilot: Pilot[None]) -> dict[str, Style]:
    """Return the styles of the texts on the screen."""
    parts = chain(*pilot.app.screen._compositor.render_strips())
    return {part.text.strip(): part.style or Style() for part in parts}


async def test_without_colour_it_has_none_and_shows_what_is_marked(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with open_app(scene, SMALL) as pilot:
        styles: dict[str, Style] = {}
        for key in ("5", "n"):
            await press(pilot, key)
            styles |= styles_of(pilot)
        assert not any(one.color or one.bgcolor for one in styles.values())
        assert styles["Endpoints"].reverse
        assert styles["https://ci.example.com/hook"].dim

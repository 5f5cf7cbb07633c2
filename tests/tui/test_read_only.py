"""The app on a database that may only be looked at."""

import pytest

from firetower.tower import Tower, connect
from firetower.tui.app import FiretowerApp
from firetower.tui.form.screen import FormScreen
from tui.scene import NOW, Scene
from tui.screens import WIDE, press, shows, until

pytestmark = pytest.mark.anyio


async def test_it_says_so_and_refuses_what_would_change(scene: Scene) -> None:
    def look() -> Tower:
        return connect(str(scene.path), read_only=True)

    app = FiretowerApp(look, clock=lambda: NOW)
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await until(pilot, lambda: shows(pilot, "read-only") and shows(pilot, "canary-f1"))
        await press(pilot, "enter", "space")
        await until(pilot, lambda: shows(pilot, "opened read-only"))
        assert app.is_running


@pytest.mark.parametrize("keys", [("tab", "n"), ("tab", "e"), ("tab", "enter", "e")], ids=str)
async def test_it_says_why_it_opens_no_form(scene: Scene, keys: tuple[str, ...]) -> None:
    app = FiretowerApp(lambda: connect(str(scene.path), read_only=True), clock=lambda: NOW)
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await until(pilot, lambda: shows(pilot, "read-only") and shows(pilot, "canary-f1"))
        await press(pilot, *keys)
        await until(pilot, lambda: shows(pilot, "opened read-only"))
        assert not isinstance(app.screen, FormScreen)

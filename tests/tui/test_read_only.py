"""The app on a database that may only be looked at."""

import pytest

from firetower.tower import Tower, connect
from firetower.tui.app import FiretowerApp
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

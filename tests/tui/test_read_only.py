"""The app on a database that may only be looked at."""

import pytest

from firetower.tower import connect
from firetower.tui.app import FiretowerApp
from firetower.tui.form.screen import FormScreen
from tui.scene import NOW, Scene
from tui.screens import WIDE, press, shows, until

pytestmark = pytest.mark.anyio


async def test_read_only_database_refuses_changes_and_forms(scene: Scene) -> None:
    app = FiretowerApp(lambda: connect(str(scene.path), read_only=True), clock=lambda: NOW)
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await until(pilot, lambda: shows(pilot, "read-only") and shows(pilot, "canary-f1"))
        await press(pilot, "enter")
        for keys in (("space",), ("n",), ("e",), ("enter", "e")):
            app.clear_notifications()
            await until(pilot, lambda: not shows(pilot, "opened read-only"))
            await press(pilot, *keys)
            await until(pilot, lambda: shows(pilot, "opened read-only"))
            assert not isinstance(app.screen, FormScreen)

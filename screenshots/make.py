"""Make the pictures of the README from the demo's data, with a clock that stands still."""

import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from textual.pilot import Pilot

from firetower.demo.history import fill
from firetower.store import schema
from firetower.store.store import Store
from firetower.tower import Tower
from firetower.tui.app import FiretowerApp

NOW = datetime(2026, 3, 17, 14, 5, 31, tzinfo=UTC)
NAMES = {" ": "space"}
TURNS = {"enter", "escape", "n", "2", "3"}
"""Keys after which something may first have to be read."""
FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture: its name, the terminal's size, and the keys that lead to it."""

    name: str
    size: tuple[int, int]
    keys: Sequence[str]


FORM = (
    *("enter", "n", "tab", "tab", *"^prod", "tab", "tab", "tab"),
    *("enter", "down", "enter", "tab", *'{"ref": "${artifact_version_s', "tab", *'"}'),
)
"""An automation being written, by keys."""

SCENES = (
    Scene("registry", (120, 34), ("enter",)),
    Scene("registry-80x24", (80, 24), ("down", "enter")),
    Scene("project", (120, 34), ("2", "enter", "h", "h")),
    Scene("runs", (120, 34), ("2", "enter", "h")),
    Scene("run", (120, 34), ("2", "enter", "h", "slash", *"failed", "enter", "enter")),
    Scene("form", (120, 34), FORM),
    Scene("feed", (120, 30), ("3",)),
    Scene("execution", (120, 34), ("3", "slash", *"retrying", "enter", "enter")),
)


async def settle(app: FiretowerApp, pilot: Pilot[None]) -> None:
    """Wait until the screen stays as it is."""
    seen, same = "", 0
    while same < 4:
        await pilot.pause(0.05)
        shown = app.export_screenshot(simplify=True)
        same = same + 1 if shown == seen and "Loading" not in shown else 0
        seen = shown


async def take(scene: Scene, database: str) -> None:
    """Take one picture."""
    app = FiretowerApp(partial(_open, database), clock=lambda: NOW)
    async with app.run_test(size=scene.size) as pilot:
        await settle(app, pilot)
        for key in scene.keys:
            await pilot.press(NAMES.get(key, key))
            if key in TURNS:
                await settle(app, pilot)
        await settle(app, pilot)
        (FOLDER / f"{scene.name}.svg").write_text(app.export_screenshot(title="firetower"))


def _open(database: str) -> Tower:
    return Tower(Store.open(database, clock=lambda: NOW))


def _let_a_worker_live(database: str) -> None:
    """Note a worker of another machine, so that the status line shows one."""
    store = Store.open(database, clock=lambda: NOW)
    with store.changing() as change:
        change.connection.execute(
            schema.workers.insert(),
            {"id": "w", "host": "gpu-01", "pid": 4121, "started_at": NOW, "heartbeat_at": NOW},
        )
    store.close()


def main() -> None:
    """Make every picture."""
    os.environ |= {"TZ": "UTC", "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    os.environ.pop("NO_COLOR", None)
    time.tzset()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_DATA_HOME"] = folder
        database = str(Path(folder) / "tower.db")
        fill(database, now=NOW, seed=7, receiver_url="http://ci.internal:8800")
        _let_a_worker_live(database)
        for scene in SCENES:
            asyncio.run(take(scene, database))
            print(f"screenshots/{scene.name}.svg")


if __name__ == "__main__":
    main()

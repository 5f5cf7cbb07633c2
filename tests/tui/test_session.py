"""The database behind the screens: changes from elsewhere, and what goes wrong with it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from textual.pilot import Pilot

from firetower.store.store import Store
from firetower.tower import Tower
from firetower.tui.app import FiretowerApp
from towers import run
from tui.scene import NOW, Scene
from tui.screens import WIDE, open_app, press, screen_text, shows, until

pytestmark = pytest.mark.anyio


def app_on(path: Path) -> FiretowerApp:
    return FiretowerApp(
        lambda: Tower(Store.open(str(path), author="ada", clock=lambda: NOW)), clock=lambda: NOW
    )


async def two_lines(pilot: Pilot[None], message: str, hint: str) -> None:
    """Expect an error where the list would be, and no traceback; a long path may wrap its lines."""

    def text() -> str:
        return " ".join(" ".join(screen_text(pilot)).split())

    await until(pilot, lambda: message in text() and hint in text())
    assert pilot.app.is_running
    assert "Traceback" not in text()


async def test_a_change_in_another_process_arrives(scene: Scene) -> None:
    scene.automate("record-all")
    async with open_app(scene) as pilot:
        await press(pilot, "3")
        done = run(str(scene.path), "alias", "add", "models/resnet:v0", "elsewhere")
        assert done.returncode == 0, done.stderr
        # It lacks the key of the other executions, and says so by its exit code.
        run(str(scene.path), "worker", "--once")
        await until(pilot, lambda: shows(pilot, "record-all", "← elsew"))


async def test_what_is_deleted_elsewhere_goes(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        assert shows(pilot, "canary-f1", "▸ shadow")
        done = run(str(scene.path), "automation", "delete", "canary-f1", "--yes")
        assert done.returncode == 0, done.stderr
        await until(pilot, lambda: not shows(pilot, "canary-f1", "▸ shadow"))


async def test_a_newer_database_says_so(tmp_path: Path, unfurnished: Path) -> None:
    path = tmp_path / "tower.db"
    path.write_bytes(unfurnished.read_bytes())
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    async with app_on(path).run_test(size=WIDE, notifications=True) as pilot:
        await two_lines(pilot, "was made by a newer Firetower", "Upgrade this program")


async def test_a_database_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    async with app_on(tmp_path / "file" / "tower.db").run_test(size=WIDE) as pilot:
        await two_lines(pilot, "made:", "Choose another place")  # the path wraps


async def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "tower.db").write_text("not a database, only text " * 400)
    async with app_on(tmp_path / "tower.db").run_test(size=WIDE) as pilot:
        await two_lines(pilot, "is not a Firetower database", "Choose another file")


async def test_a_database_that_is_brought_up_to_date_opens_by_itself(scene: Scene) -> None:
    with closing(sqlite3.connect(scene.path)) as connection:
        (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
        async with app_on(scene.path).run_test(size=WIDE, notifications=True) as pilot:
            await two_lines(pilot, "was made by a newer Firetower", "Upgrade this program")
            await press(pilot, "3", "1")
            connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
            connection.commit()
            await until(pilot, lambda: shows(pilot, "deploy-on-prod", "alias added"))
            await until(pilot, lambda: shows(pilot, "models/resnet:v1 ← prod-us"))


async def test_a_locked_database_refuses_a_change_in_two_lines(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firetower.store.database.BUSY_TIMEOUT", 0.2)
    async with open_app(scene) as pilot:
        await press(pilot, "enter", "j")
        with closing(sqlite3.connect(scene.path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            await pilot.press("space")
            await until(pilot, lambda: shows(pilot, "locked"))
            connection.execute("ROLLBACK")
        await press(pilot, "space")
        assert shows(pilot, "deploy-on-prod is disabled.")
        moved = scene.path.rename(scene.path.with_name("moved.db"))
        await until(pilot, lambda: shows(pilot, "✗ database unreadable"))
        moved.rename(scene.path)
        await until(pilot, lambda: shows(pilot, "no worker"))

"""The live feed: following, pausing, and going back in time."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from textual.events import MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot

from firetower.core.executions import Execution
from firetower.tui.screens.feed import FeedScreen
from firetower.tui.widgets.feed import PAGE
from firetower.tui.widgets.feed_table import FeedTable
from towers import multiply_history
from tui.scene import Scene
from tui.screens import SMALL, open_app, press, screen_text, settled, shows, until

pytestmark = pytest.mark.anyio

MILLION = 1_000_000


def feed_of(pilot: Pilot[None]) -> FeedTable:
    screen = pilot.app.screen
    assert isinstance(screen, FeedScreen)
    return screen.feed.feed


def changed(scene: Scene, since: int) -> list[Execution]:
    return [one for one in scene.tower.executions.newest(10_000)[::-1] if one.id > since]


@pytest.fixture
def busy(scene: Scene) -> Scene:
    """A database with more than one page of executions, all of one automation."""
    scene.automate("record-all")
    scene.fire(PAGE + 100)
    return scene


async def test_a_firing_shows_by_itself(scene: Scene) -> None:
    scene.automate("record-all")
    async with open_app(scene) as pilot:
        await press(pilot, "3")
        scene.fire(1)
        await until(pilot, lambda: shows(pilot, "models/resnet:v0 ← b0"))


async def test_an_outcome_changes_its_line_in_place(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "3")
        before = screen_text(pilot)
        line = next(i for i, text in enumerate(before) if "retrying" in text)
        scene.now += timedelta(seconds=10)
        scene.send(204)
        await until(pilot, lambda: "✓ finished" in screen_text(pilot)[line])
        assert "204" in screen_text(pilot)[line]
        assert len(feed_of(pilot).rows) == 10


async def test_it_begins_at_the_end_and_follows(busy: Scene) -> None:
    async with open_app(busy, SMALL) as pilot:
        await press(pilot, "3")
        assert feed_of(pilot).total == PAGE
        assert "b599" in screen_text(pilot)[-2]
        busy.fire(3, 1_000)
        await until(pilot, lambda: "b1002" in screen_text(pilot)[-2])


@pytest.mark.parametrize("keys", [["k"], ["pageup"], ["g"]])
async def test_going_up_pauses_and_counts_and_end_resumes(busy: Scene, keys: list[str]) -> None:
    async with open_app(busy, SMALL) as pilot:
        await press(pilot, "3")
        await press(pilot, *keys)
        held = screen_text(pilot)[2:-3]
        assert "paused · 0 new lines ↓ · End resumes" in screen_text(pilot)[-2]
        busy.fire(2, 1_000)
        await until(pilot, lambda: shows(pilot, "paused · 2 new lines ↓"))
        assert screen_text(pilot)[2:-3] == held
        await press(pilot, "end")
        assert not shows(pilot, "paused")
        assert "b1001" in screen_text(pilot)[-2]


async def test_the_wheel_pauses_and_resumes(busy: Scene) -> None:
    async with open_app(busy, SMALL) as pilot:
        await press(pilot, "3")
        table = feed_of(pilot)
        await pilot._post_mouse_events([MouseScrollUp], table, offset=(3, 5), button=0)
        await settled(pilot)
        assert shows(pilot, "paused")
        for _ in range(3):
            await pilot._post_mouse_events([MouseScrollDown], table, offset=(3, 5), button=0)
            await settled(pilot)
        assert table.following
        assert not shows(pilot, "paused")


async def test_older_lines_load_with_those_in_sight_where_they_are(busy: Scene) -> None:
    async with open_app(busy, SMALL) as pilot:
        await press(pilot, "3")
        table = feed_of(pilot)
        table.scroll_to(y=0, animate=False)
        await settled(pilot)
        shown = len(changed(busy, 0))
        assert table.total == shown
        assert "b100" in screen_text(pilot)[2]
        await press(pilot, "g")
        await until(pilot, lambda: screen_text(pilot)[2].startswith(" 12 Mar"))
        assert table.rows[0].key == changed(busy, 0)[0].id
        assert not table.has_older


async def test_a_paused_feed_misses_nothing_while_another_screen_is_shown(busy: Scene) -> None:
    async with open_app(busy, SMALL) as pilot:
        await press(pilot, "3")
        await press(pilot, "k")
        await press(pilot, "1")
        busy.fire(5, 1_000)
        await until(pilot, lambda: shows(pilot, "b1004"))
        await press(pilot, "3")
        busy.fire(1, 2_000)
        await until(pilot, lambda: shows(pilot, "paused · 1 new line ↓"))
        await press(pilot, "end")
        text = "\n".join(screen_text(pilot))
        assert all(f"b{1_000 + i} " in text for i in range(5))
        assert "b2000" in text


async def test_a_long_pause_keeps_no_more_than_it_may(
    busy: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FeedTable, "MOST_PAUSED", PAGE + 10)
    async with open_app(busy, SMALL) as pilot:
        await press(pilot, "3")
        await press(pilot, "k")
        busy.fire(40, 1_000)
        await until(pilot, lambda: shows(pilot, "paused · 40 new lines ↓"))
        assert feed_of(pilot).total <= PAGE + 10
        await press(pilot, "end")
        assert "b1039" in screen_text(pilot)[-2]
        assert "b1038" in screen_text(pilot)[-3]


async def test_a_burst_is_taken_in_and_the_oldest_lines_are_let_go(scene: Scene) -> None:
    scene.automate("record-all")
    async with open_app(scene, SMALL) as pilot:
        await press(pilot, "3")
        scene.fire(FeedTable.MOST + 1)
        await until(pilot, lambda: "b5000" in screen_text(pilot)[-2], timeout=60)
        assert feed_of(pilot).total == FeedTable.MOST
        await press(pilot, "g")
        await until(pilot, lambda: not feed_of(pilot).has_older)
        assert feed_of(pilot).total == len(changed(scene, 0))


async def test_a_search_looks_back_in_time(busy: Scene) -> None:
    async with open_app(busy, SMALL) as pilot:
        await press(pilot, "3")
        assert not shows(pilot, "canary-f1")
        await press(pilot, *"/canary")
        assert shows(pilot, "– skipped", "canary-f1")
        await press(pilot, *"xyz")
        assert shows(pilot, "Nothing here matches the filter. Escape clears it.")
        await press(pilot, "escape")
        assert "b599" in screen_text(pilot)[-2]


async def test_a_smaller_terminal_still_shows_the_end(busy: Scene) -> None:
    async with open_app(busy) as pilot:
        await press(pilot, "3")
        for size in ((80, 24), (120, 40), (80, 15)):
            await pilot.resize_terminal(*size)
            await settled(pilot)
            assert "b599" in screen_text(pilot)[-2]


async def test_the_history_shows_what_happened_in_its_place_only(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "2")
        await press(pilot, "enter", "right")
        assert shows(pilot, "Project › acme/vision")
        history = pilot.app.screen.query_one("#history FeedTable", FeedTable)
        assert [str(row.cells[2].text) for row in history.rows] == ["count-versions"]


async def test_a_line_is_copied(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "3", "y")
        assert "models/resnet:v1 ← prod-us" in pilot.app.clipboard
        assert shows(pilot, "Copied the line.")


@pytest.fixture(scope="module")
def million(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A database with a million executions more."""
    path = tmp_path_factory.mktemp("million") / "tower.db"
    path.write_bytes(furnished.read_bytes())
    multiply_history(path, MILLION)
    scene = Scene(path)
    yield scene
    scene.close()


async def test_a_million_executions_open_at_once_and_go_back_page_by_page(million: Scene) -> None:
    async with open_app(million, SMALL) as pilot:
        await press(pilot, "3")
        table = feed_of(pilot)
        assert table.total == PAGE
        assert table.key == million.tower.executions.newest(1)[0].id
        await press(pilot, "g")
        assert table.total == 2 * PAGE


async def test_the_app_says_when_a_circuit_opens_and_closes(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await until(pilot, lambda: not shows(pilot, "! held"))
        scene.open_circuit("ci-deploy")
        await until(pilot, lambda: shows(pilot, "! circuit of ci-deploy opened: 503"))
        await until(pilot, lambda: shows(pilot, "deploy-on-prod", "! held"))
        scene.close_circuit("ci-deploy")
        await until(pilot, lambda: shows(pilot, "✓ circuit of ci-deploy closed"))
        await until(pilot, lambda: not shows(pilot, "! held"))

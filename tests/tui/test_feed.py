"""The live feed: following, pausing, and going back in time."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from textual.events import MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot

from firetower.core.endpoints import EndpointKind
from firetower.core.executions import Execution
from firetower.tui.screens.endpoint import EndpointScreen
from firetower.tui.screens.feed import FeedScreen, HeatStrip
from firetower.tui.widgets.feed import PAGE, Feed
from firetower.tui.widgets.feed_table import FeedRow, FeedTable
from towers import multiply_history
from tui.scene import NOW, Scene
from tui.screens import (
    SMALL,
    WIDE,
    open_app,
    press,
    screen_text,
    settled,
    shows,
    until,
    write,
)

pytestmark = pytest.mark.anyio

MANY = 100_000
TOP = 3
"""The screen's line of the newest execution: the bar, the bars and the titles are above it."""


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
        line = next(i for i, text in enumerate(before) if " !  " in text)
        scene.now += timedelta(seconds=10)
        scene.send(204)
        await until(pilot, lambda: " ✓  " in screen_text(pilot)[line])
        assert "204" in screen_text(pilot)[line]
        assert len(feed_of(pilot).all_rows) == 10


async def test_feed_begins_with_the_newest_and_follows(busy: Scene) -> None:
    async with open_app(busy, SMALL) as pilot:
        await press(pilot, "3")
        assert len(feed_of(pilot).all_rows) == PAGE
        assert "b599" in screen_text(pilot)[TOP]
        busy.fire(3, 1_000)
        await until(pilot, lambda: "b1002" in screen_text(pilot)[TOP])


async def test_going_down_pauses_and_counts_and_home_resumes(busy: Scene) -> None:
    async with open_app(busy, SMALL) as pilot:
        await press(pilot, "3")
        for key, first in (("j", 1_000), ("pagedown", 2_000), ("G", 3_000)):
            await press(pilot, key)
            held = [line.split()[:6] for line in screen_text(pilot)[3:-3]]  # columns may grow
            assert "paused · Home returns to the newest" in screen_text(pilot)[-2]
            busy.fire(2, first)
            await until(pilot, lambda: shows(pilot, "paused · 2 new lines ↑"))
            assert [line.split()[:6] for line in screen_text(pilot)[3:-3]] == held
            if key == "j":
                await pilot.click(".feed--paused")
            await press(pilot, "home")
            assert not shows(pilot, "paused")
            assert f"b{first + 1}" in screen_text(pilot)[TOP]


async def test_the_wheel_pauses_and_resumes(busy: Scene) -> None:
    async with open_app(busy, SMALL) as pilot:
        await press(pilot, "3")
        table = feed_of(pilot)
        await pilot._post_mouse_events([MouseScrollDown], table, offset=(3, 5), button=0)
        await settled(pilot)
        assert shows(pilot, "paused")
        for _ in range(3):
            await pilot._post_mouse_events([MouseScrollUp], table, offset=(3, 5), button=0)
            await settled(pilot)
        assert table.following
        assert not shows(pilot, "paused")


async def test_older_lines_load_with_those_in_sight_where_they_are(busy: Scene) -> None:
    async with open_app(busy, SMALL) as pilot:
        await press(pilot, "3")
        table = feed_of(pilot)
        table.scroll_to(y=table.max_scroll_y, animate=False)
        await settled(pilot)
        assert len(table.all_rows) == len(changed(busy, 0))
        assert any("b101" in line for line in screen_text(pilot)[-4:])
        await press(pilot, "G")
        await until(pilot, lambda: shows(pilot, "── Thursday 12 March ──"))
        assert table.rows[-1].key == changed(busy, 0)[0].id
        assert not table.has_older


async def test_a_paused_feed_misses_nothing_while_another_screen_is_shown(busy: Scene) -> None:
    async with open_app(busy, SMALL) as pilot:
        await press(pilot, "3")
        await press(pilot, "j")
        await press(pilot, "1")
        busy.fire(5, 1_000)
        await until(pilot, lambda: shows(pilot, "b1004"))
        await press(pilot, "3")
        busy.fire(1, 2_000)
        await until(pilot, lambda: shows(pilot, "paused · 1 new line ↑"))
        await press(pilot, "home")
        text = "\n".join(screen_text(pilot))
        assert all(f"b{1_000 + i} " in text for i in range(5))
        assert "b2000" in text


async def test_a_long_pause_keeps_no_more_than_it_may(
    busy: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FeedTable, "MOST_PAUSED", PAGE + 10)
    async with open_app(busy, SMALL) as pilot:
        await press(pilot, "3")
        await press(pilot, "j")
        busy.fire(40, 1_000)
        await until(pilot, lambda: shows(pilot, "paused · 40 new lines ↑"))
        assert len(feed_of(pilot).all_rows) <= PAGE + 10
        await press(pilot, *["k"] * 11)  # to the newest line that was kept: others are read
        await until(pilot, lambda: feed_of(pilot).newest_loaded == changed(busy, 0)[-1].id)
        assert len(feed_of(pilot).all_rows) == PAGE + 40
        await press(pilot, "home")
        assert "b1039" in screen_text(pilot)[TOP]
        assert "b1038" in screen_text(pilot)[TOP + 1]


@pytest.mark.slow
async def test_a_burst_is_taken_in_and_the_oldest_lines_are_let_go(scene: Scene) -> None:
    scene.automate("record-all")
    async with open_app(scene, SMALL) as pilot:
        await press(pilot, "3")
        scene.fire(FeedTable.MOST + 1)
        await until(pilot, lambda: "b5000" in screen_text(pilot)[TOP])
        assert len(feed_of(pilot).all_rows) == FeedTable.MOST
        await press(pilot, *["pagedown"] * 300)
        await until(pilot, lambda: not feed_of(pilot).has_older)
        assert len(feed_of(pilot).all_rows) == len(changed(scene, 0))


async def test_a_search_looks_back_in_time(busy: Scene) -> None:
    async with open_app(busy, SMALL) as pilot:
        await press(pilot, "3")
        assert not shows(pilot, "canary-f1")
        await press(pilot, *"/canary")
        assert shows(pilot, "–  canary-f1")
        await press(pilot, *"xyz")
        assert shows(pilot, "Nothing here matches the filter. Escape clears it.")
        await press(pilot, "escape")
        assert "b599" in screen_text(pilot)[TOP]
        assert not shows(pilot, "paused")


@pytest.mark.slow
async def test_only_the_user_pauses_not_resizing_tabs_folding_or_a_filter(busy: Scene) -> None:
    async with open_app(busy) as pilot:

        async def shake() -> None:
            for size in ((80, 24), (120, 40), (80, 15), (200, 50), (120, 40)):
                await pilot.resize_terminal(*size)
                await settled(pilot)
                assert not shows(pilot, "paused"), size

        await press(pilot, "3")
        await shake()
        assert "b599" in screen_text(pilot)[TOP]
        await press(pilot, "1", "enter", "right")  # History
        await shake()
        for keys in (["left"], ["right"], ["f"], ["f"], ["slash", *"b5", "enter"], ["escape"]):
            await press(pilot, *keys)
            assert not shows(pilot, "paused"), keys
        await shake()
        for feed in pilot.app.screen.query(FeedTable):
            assert feed.following
            assert feed.key == changed(busy, 0)[-1].id


async def test_lines_before_today_have_dates_below_a_line_for_each_day(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        await press(pilot, "3")
        lines = screen_text(pilot)
        [day] = [number for number, line in enumerate(lines) if "── Thursday 12 March ──" in line]
        assert lines[day - 1].startswith(" 09:04:31")
        assert lines[day + 1].startswith(" 12:04:31")
        await press(pilot, *["j"] * 8, "y")
        assert feed_of(pilot).key == 2  # no stop at the day's line
        assert pilot.app.clipboard.startswith("12 Mar 12:04  –  skipped")
        await pilot.resize_terminal(80, 7)
        await press(pilot, "G")
        assert screen_text(pilot)[2].startswith(" 12 Mar")
        await pilot.resize_terminal(80, 24)
        scene.now += timedelta(hours=12)
        pilot.app.screen.query_one("#feed", Feed).start_day()
        await settled(pilot)
        assert shows(pilot, "── Saturday 14 March ──")
        await press(pilot, "home")
        assert feed_of(pilot).following
        await press(pilot, "1")
        dock = pilot.app.screen.query_one("#dock", Feed)
        dock.start_day()
        await settled(pilot)
        assert shows(pilot, " 14 Mar    ◌  deploy-on-prod")


async def test_the_history_shows_what_happened_in_its_place_only(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "2")
        await press(pilot, "enter", "right")
        assert shows(pilot, "Projects › acme/vision")
        history = pilot.app.screen.query_one("#history FeedTable", FeedTable)
        assert [row.cells[3].text for row in history.all_rows] == ["count-versions"]
        assert shows(pilot, "count-versions", "acme/vision/resnet:v3")  # beside its pane


async def test_a_feed_is_read_once_and_not_before_it_is_shown(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str | None] = []
    page = Feed._page

    async def note(
        feed: Feed, before_id: int | None, count: int = PAGE
    ) -> tuple[list[FeedRow], bool]:
        read.append(feed.id)
        return await page(feed, before_id, count)

    monkeypatch.setattr(Feed, "_page", note)
    async with open_app(scene) as pilot:
        await until(pilot, lambda: shows(pilot, "prod-us"))
        assert set(read) == {"dock"}
        read.clear()
        await press(pilot, "enter", "right")
        await until(pilot, lambda: shows(pilot, "─ Thursday 12 March"))
        assert read == ["history"]


async def test_a_line_is_copied(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "3", "y")
        assert "models/resnet:v1 ← prod-us" in pilot.app.clipboard
        assert shows(pilot, "Copied the line.")


@pytest.fixture(scope="module")
def many(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A database with a hundred thousand executions more."""
    path = tmp_path_factory.mktemp("many") / "tower.db"
    path.write_bytes(furnished.read_bytes())
    multiply_history(path, MANY)
    scene = Scene(path)
    yield scene
    scene.close()


@pytest.mark.slow
async def test_feed_with_many_executions_loads_page_by_page(many: Scene) -> None:
    async with open_app(many, SMALL) as pilot:
        await press(pilot, "3")
        table = feed_of(pilot)
        assert len(table.all_rows) == PAGE
        assert table.key == many.tower.executions.newest(1)[0].id
        table.scroll_to(y=table.max_scroll_y, animate=False)
        await settled(pilot)
        assert len(table.all_rows) == 2 * PAGE
        await press(pilot, "G")  # to the oldest of all, without what is between
        assert table.key == 1
        assert not table.has_older
        assert len(table.all_rows) < PAGE
        assert shows(pilot, "paused · Home returns to the newest")
        await press(pilot, "g")  # what is newer is read again
        await until(pilot, lambda: table.following)
        assert table.key == many.tower.executions.newest(1)[0].id


async def test_the_app_says_when_a_circuit_opens_and_closes(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await until(pilot, lambda: not shows(pilot, "! open"))
        scene.open_circuit("ci-deploy")
        await until(pilot, lambda: shows(pilot, "! circuit of ci-deploy opened, probe"))
        await until(pilot, lambda: shows(pilot, "deploy-on-prod", "! open"))
        scene.close_circuit("ci-deploy")
        await until(pilot, lambda: shows(pilot, "✓ circuit of ci-deploy closed"))
        await until(pilot, lambda: not shows(pilot, "! open"))


OPENED = "! circuit of ci-deploy opened, probe at 12:"
CLOSED = "✓ circuit of ci-deploy closed after 5m, sends 1 queued"


@pytest.fixture
def circuits(scene: Scene) -> Scene:
    """A circuit that opened and closed while some executions were fired."""
    scene.automate("record-all")
    for minute, happen in (
        (1, partial(scene.fire, 1, 1)),
        (2, partial(scene.open_circuit, "ci-deploy")),
        (3, partial(scene.fire, 1, 2)),
        (7, partial(scene.close_circuit, "ci-deploy")),
        (8, partial(scene.fire, 1, 3)),
    ):
        scene.now = NOW + timedelta(minutes=minute)
        happen()
    scene.now = NOW + timedelta(minutes=10)
    return scene


def newest(pilot: Pilot[None], count: int) -> list[str]:
    """Return what the newest lines say of what they are about."""
    rows = feed_of(pilot).all_rows[:count]
    return [row.cells[5].text if len(row.cells) > 2 else row.cells[1].text for row in rows]


async def go_to(pilot: Pilot[None], said: str) -> None:
    """Put the cursor on the line that says something."""
    table = feed_of(pilot)
    [row] = [row for row in table.rows if said in row.text]
    table.move_to(row.key)
    await settled(pilot)


async def test_a_circuit_stands_in_its_place_among_what_fired(circuits: Scene) -> None:
    async with open_app(circuits, SMALL) as pilot:
        await press(pilot, "3")
        third, closed, second, opened, first = newest(pilot, 5)
        assert (first, second, third) == tuple(f"models/resnet:v0 ← b{n}" for n in (1, 2, 3))
        assert opened.startswith(OPENED)
        assert closed == CLOSED
        assert shows(pilot, "12:06:31", OPENED)
        assert shows(pilot, "12:11:31", CLOSED)
        await press(pilot, *"/circuit")
        assert [row.cells[1].text for row in feed_of(pilot).rows] == [closed, opened]


async def test_a_circuit_says_what_matters_in_80_columns(scene: Scene) -> None:
    scene.webhook("deploy-to-eu-west-kubernetes", url="http://eu.test/")
    async with open_app(scene, SMALL) as pilot:
        await press(pilot, "3")
        scene.open_circuit("deploy-to-eu-west-kubernetes")
        line = "! circuit of deploy-to-eu-west-kubernetes opened, probe at 12:05:01"
        await until(pilot, lambda: shows(pilot, line))


@pytest.mark.slow
async def test_a_circuit_that_opens_is_a_line_that_stays(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "3")
        scene.now += timedelta(seconds=1)
        scene.open_circuit("ci-deploy")
        await until(pilot, lambda: newest(pilot, 1)[0].startswith(OPENED))
        scene.now += timedelta(minutes=5)
        scene.close_circuit("ci-deploy")
        await until(pilot, lambda: newest(pilot, 1) == [CLOSED])
        assert newest(pilot, 2)[1].startswith(OPENED)
    async with open_app(scene) as pilot:
        await press(pilot, "3")
        assert newest(pilot, 2)[1].startswith(OPENED)
        assert newest(pilot, 1) == [CLOSED]


async def test_older_pages_bring_their_circuits_each_once(circuits: Scene) -> None:
    circuits.fire(PAGE + 100, 10)
    async with open_app(circuits, SMALL) as pilot:
        await press(pilot, "3")
        table = feed_of(pilot)
        assert len(table.all_rows) == PAGE
        await press(pilot, "G")
        await until(pilot, lambda: not table.has_older)
        texts = [row.text for row in table.rows]
        assert sum(OPENED in text for text in texts) == 1
        assert sum(CLOSED in text for text in texts) == 1
        [at] = [place for place, text in enumerate(texts) if OPENED in text]
        assert "← b1" in texts[at + 1]
        assert "← b2" in texts[at - 1]


async def test_a_paused_feed_counts_a_circuit_as_a_new_line(busy: Scene) -> None:
    async with open_app(busy, SMALL) as pilot:
        await press(pilot, "3", "j")
        busy.now += timedelta(seconds=1)
        busy.open_circuit("ci-deploy")
        await until(pilot, lambda: shows(pilot, "! circuit of ci-deploy opened"))  # a notification
        await until(pilot, lambda: shows(pilot, "paused · 1 new line ↑"))
        await press(pilot, "home")
        await until(pilot, lambda: newest(pilot, 1)[0].startswith(OPENED))


async def test_keys_on_a_circuit_are_about_its_endpoint(circuits: Scene) -> None:
    circuits.webhook("aaa-first", url="http://first.test/")
    circuits.open_circuit("validator")
    async with open_app(circuits) as pilot:
        await press(pilot, "3")
        await go_to(pilot, "circuit of validator opened")
        await press(pilot, "r")
        assert shows(pilot, "Send again what failed to validator in")
        await press(pilot, "escape")
        await go_to(pilot, OPENED)
        await press(pilot, "r")
        assert shows(pilot, "Nothing that was sent to ci-deploy has failed.")
        await press(pilot, "x")
        assert shows(pilot, "an endpoint's line, not a firing: enter shows it")
        assert isinstance(pilot.app.screen, FeedScreen)
        await press(pilot, "y")
        assert pilot.app.clipboard.startswith(f"12:06:31  {OPENED}")
        await press(pilot, "enter")
        screen = pilot.app.screen
        assert isinstance(screen, EndpointScreen)
        assert screen.endpoint_name == "ci-deploy"
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, FeedScreen)


async def test_enter_on_the_circuit_of_an_endpoint_that_is_gone_says_so(circuits: Scene) -> None:
    circuits.webhook("spare", url="http://spare.test/")
    circuits.open_circuit("spare")
    circuits.tower.endpoints.delete("spare", EndpointKind.WEBHOOK)
    async with open_app(circuits) as pilot:
        await press(pilot, "3")
        await go_to(pilot, "circuit of spare opened")
        await press(pilot, "enter")
        assert shows(pilot, "there is no endpoint spare")
        await press(pilot, "escape", "r")
        assert shows(pilot, "there is no endpoint spare")


async def test_the_history_of_a_place_tells_of_the_endpoints_used_there(circuits: Scene) -> None:
    async with open_app(circuits) as pilot:
        for mode, expected in (("1", 2), ("2", 0)):
            await press(pilot, mode, "enter", "right")
            history = pilot.app.screen.query_one("#history FeedTable", FeedTable)
            assert sum("circuit of" in row.text for row in history.rows) == expected
            dock = pilot.app.screen.query_one("#dock FeedTable", FeedTable)
            assert sum("circuit of" in row.text for row in dock.rows) == 2


async def test_a_paused_history_counts_only_the_circuits_of_its_place(circuits: Scene) -> None:
    circuits.webhook("spare", url="http://spare.test/")
    async with open_app(circuits) as pilot:
        await press(pilot, "1", "enter", "right", "j")
        history = pilot.app.screen.query_one("#history FeedTable", FeedTable)
        assert not history.following
        circuits.now += timedelta(seconds=1)
        circuits.open_circuit("spare")
        await until(pilot, lambda: shows(pilot, "circuit of spare opened"))
        await settled(pilot)
        assert history.unseen == 0
        circuits.open_circuit("ci-deploy")
        await until(pilot, lambda: history.unseen == 1)


@pytest.mark.slow
async def test_what_was_let_go_of_comes_again_once(circuits: Scene) -> None:
    async with open_app(circuits, SMALL) as pilot:
        await press(pilot, "3")
        table = feed_of(pilot)
        circuits.fire(FeedTable.MOST + 1, 10)
        await until(pilot, lambda: table.newest == changed(circuits, 0)[-1].id)
        assert len(table.all_rows) == FeedTable.MOST
        await press(pilot, "G")
        await until(pilot, lambda: not table.has_older)
        assert sum("circuit of" in row.text for row in table.rows) == 2


async def test_wide_feed_shows_the_line_under_the_cursor_beside_it(scene: Scene) -> None:
    async with open_app(scene, (200, 50)) as pilot:
        await press(pilot, "3")
        await until(pilot, lambda: shows(pilot, "deploy-on-prod  ◌ pending"))
        await press(pilot, "down", "down", "down")
        await until(pilot, lambda: shows(pilot, "deploy-on-prod  ✓ finished on attempt 2"))
        assert shows(pilot, "Attempt 1")


async def test_bars_say_when_much_fired_and_when_some_failed(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        await press(pilot, "3")
        await until(pilot, lambda: shows(pilot, "last 12 h  ▁▁", "█  8 fired"))
        assert not shows(pilot, "✗", "1 failed")
        scene.now += timedelta(seconds=10)
        scene.send(410)
        scene.fire(40)
        strip = pilot.app.screen.query_one(HeatStrip)
        await until(pilot, lambda: strip.changed)
        strip._look()
        await until(pilot, lambda: shows(pilot, "✗  ", " failed"))
        bars, marks = screen_text(pilot)[1:3]
        assert marks.index("✗") == bars.index("█")
        # Nothing changes, but all of it becomes old.
        scene.now += timedelta(hours=13)
        await until(pilot, lambda: not strip.changed)
        strip.reload()
        await until(pilot, lambda: not strip.display)


async def test_a_time_is_gone_to_and_home_returns(busy: Scene) -> None:
    async with open_app(busy, SMALL) as pilot:
        await press(pilot, "3", "colon")
        await write(pilot, "2d")
        await press(pilot, "enter")
        table = feed_of(pilot)
        assert table.key == changed(busy, 0)[1].id
        assert shows(pilot, "── Thursday 12 March ──")
        assert not table.has_older
        assert len(table.all_rows) == PAGE // 2 + 2  # a page around it, not all in between
        assert shows(pilot, "paused · Home returns to the newest")
        busy.fire(1, 1_000)
        await until(pilot, lambda: shows(pilot, "paused · 1 new line ↑"))
        await press(pilot, *["pageup"] * 45)  # newer pages load, up to the newest of all
        assert "b1000" in screen_text(pilot)[TOP]
        assert table.following
        await press(pilot, "colon")
        await write(pilot, "yesterday 9:00")
        await press(pilot, "enter")
        assert table.key == changed(busy, 0)[1].id
        await press(pilot, "home")
        assert table.key == changed(busy, 0)[-1].id
        assert not shows(pilot, "paused")
        await press(pilot, "colon", *"soon", "enter")
        assert shows(pilot, "is neither a span of time nor a moment")


async def test_a_time_in_a_history_shows_its_place_only(busy: Scene) -> None:
    async with open_app(busy, WIDE) as pilot:
        await press(pilot, "2", "enter", "right", "colon")
        await write(pilot, "1h")
        await press(pilot, "enter")
        history = pilot.app.screen.query_one("#history FeedTable", FeedTable)
        assert [row.cells[3].text for row in history.all_rows] == ["count-versions"]

"""The Runs tab and a run's screen, by keys and mouse."""

import math
import threading
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from textual.pilot import Pilot

from firetower.core.actions import NoAction
from firetower.core.curves import Curve, part_width, ranges_of
from firetower.core.events import EventType
from firetower.core.metrics import Comparison, ThresholdCondition
from firetower.core.points import Point
from firetower.core.references import ContainerReference
from firetower.core.runs import RunState, StateCondition
from firetower.core.scopes import ContainerScope
from firetower.run_api import Runs
from firetower.tui.messages import DatabaseChanged, OpenVersion, post
from firetower.tui.screens import run as run_screen
from firetower.tui.screens.collection import VersionScreen
from firetower.tui.screens.container import ContainerScreen
from firetower.tui.screens.execution import ExecutionScreen
from firetower.tui.screens.run import RunScreen
from firetower.tui.widgets import runs as runs_tab
from firetower.tui.widgets.chart import Chart, Threshold, chart_lines
from tui.scene import VISION, Scene
from tui.screens import (
    SMALL,
    WIDE,
    app_of,
    open_app,
    press,
    screen_text,
    settled,
    shows,
    until,
    write,
)
from tui.test_pictures import keys
from waiting import TIMEOUT

pytestmark = pytest.mark.anyio
ORCHARD = ContainerReference.project("orchard/fruit")


@pytest.fixture
def training(scene: Scene) -> Scene:
    """Runs in every state, and automations that watch them."""
    watch: dict[str, Any] = {"scope": ContainerScope(container=VISION), "action": NoAction()}
    failed = StateCondition(states=(RunState.FAILED,))
    scene.automate("run-failed", event_type=EventType.RUN_STATE, condition=failed, **watch)
    above = ThresholdCondition(metric="loss", comparison=Comparison.GT, threshold=1.5)
    scene.automate("diverged", event_type=EventType.RUN_METRIC, condition=above, **watch)
    runs, ends = scene.tower.runs, (RunState.FINISHED, RunState.FAILED, RunState.KILLED)
    for number, state in enumerate((*ends, None)):
        scene.at(minutes=190 - 60 * number)
        run = runs.start(
            "acme/vision",
            id=f"run{number}",
            name=f"resnet-{number}",
            user="kofi",
            config={"lr": 0.1, "optimizer": {"name": "adam"}},
        )
        values = [math.exp(-step / 30) for step in range(100)]
        runs.log(run, [Point("loss", step, value) for step, value in enumerate(values)])
        runs.log(run, [Point("acc", step, 1 - value) for step, value in enumerate(values)])
        scene.now += timedelta(minutes=7)
        if state is not None:
            runs.finish(run, state=state, exit_code=1 if state is RunState.FAILED else None)
    runs.add_artifact("acme/vision/run3", "acme/vision/resnet:v1")
    scene.turn()
    scene.at()
    return scene


async def runs_of(pilot: Pilot[None]) -> ContainerScreen:
    """Open the Runs tab of acme/vision."""
    await press(pilot, "2", "end", "enter", "h")
    screen = pilot.app.screen
    assert isinstance(screen, ContainerScreen)
    assert screen.tab == "runs"
    return screen


async def test_tab_lists_runs_and_opens_one(training: Scene) -> None:
    async with open_app(training, SMALL) as pilot:
        screen = await runs_of(pilot)
        assert shows(pilot, "Runs 4")
        assert shows(pilot, "resnet-3", "● running", "10 min", "0.0369", "0.963", "█▅▄▃▂▁▁▁")
        assert shows(pilot, "resnet-1", "✗ failed", "2 h", "7 min")
        assert screen.runs is not None
        assert screen.runs.table.key == "acme/vision/run3"
        await press(pilot, "slash")
        await write(pilot, "killed")
        assert shows(pilot, "1 of 4")
        await press(pilot, "enter", "enter")
        assert isinstance(pilot.app.screen, RunScreen)
        assert shows(pilot, "acme/vision › resnet-2", "– killed 7 min", "by kofi")
        await press(pilot, "q", "escape", "y")
        assert pilot.app.clipboard == "acme/vision/run2"
        run = training.tower.runs.start("acme/vision", name="brand-new")
        training.tower.runs.log_metrics(run, {"loss": 0.75})
        screen.post_message(DatabaseChanged())
        await settled(pilot)
        assert "brand-new" in screen_text(pilot)[4]  # the newest first
        await press(pilot, "w")
        assert shows(pilot, "run state", "a run starts or ends")
        await press(pilot, "escape", "m")
        assert shows(pilot, "Show which metric first?")
        await press(pilot, "down", "enter")  # acc is named first, loss is watched

        def metric() -> list[str]:
            lines = map(str.split, screen_text(pilot))
            return [line[4] for line in lines if line[:4] == ["name", "state", "age", "took"]]

        assert metric() == ["acc"]
        await press(pilot, "escape", "escape", "g", "enter")
        assert metric() != ["acc"]  # of the organization
        await press(pilot, "escape", "end", "enter")
        assert metric() == ["acc"]


@pytest.mark.slow
async def test_tab_by_mouse_beside_a_pane(training: Scene) -> None:
    async with open_app(training) as pilot:
        await press(pilot, "2", "end")
        await pilot.click("#tab-runs")
        await settled(pilot)
        assert shows(pilot, "resnet-3", "│ resnet-3")
        assert shows(pilot, "● running", "│ ● running 10 min  by kofi")
        assert shows(pilot, "logged", "acme/vision/resnet:")
        await pilot.click("#runs Table", offset=(3, 3), times=2)
        await settled(pilot)
        assert isinstance(pilot.app.screen, RunScreen)
        await press(pilot, "escape", "escape", "g", "enter")
        assert shows(pilot, "Runs 4")  # of the organization: the project is named
        assert shows(pilot, "acme/vision", "resnet-0", "✓ finished")


def test_rows_of_a_large_config_are_bounded(training: Scene) -> None:
    large = {str(number): "x" * 600 for number in range(1_500)}
    training.tower.runs.update("acme/vision/run1", config={"k" * 600: 1, **large})
    record = run_screen.find_run(training.tower, "acme/vision/run1")
    rows = [row for row in run_screen._rows(record, training.now) if row.cells[0].text == "config"]
    assert len(rows) == 1_001
    assert rows[-1].cells[2].text == "503 more: firetower run show acme/vision/run1"
    assert max(len(cell.text) for row in rows for cell in row.cells) == 500


async def test_entity_without_runs_and_empty_project(scene: Scene) -> None:
    scene.tower.create_project(str(ORCHARD))
    async with open_app(scene, SMALL) as pilot:
        await runs_of(pilot)
        assert shows(pilot, "No run is here yet.")
        assert shows(pilot, "firetower run exec orchard/fruit -- python train.py")
        await press(pilot, "m")
        assert shows(pilot, "No run has logged a metric yet.")


async def test_many_runs_are_read_in_pieces(training: Scene) -> None:
    with patch.object(runs_tab, "FIRST", 2), patch.object(runs_tab, "_NEWEST", 1):
        async with open_app(training, SMALL) as pilot:
            screen = await runs_of(pilot)
            assert screen.runs is not None
            assert len(screen.runs.table.rows) == 4
            training.tower.runs.start("acme/vision", name="fifth")
            screen.post_message(DatabaseChanged())
            await settled(pilot)
            assert len(screen.runs.table.rows) == 5
            assert shows(pilot, "resnet-0")


async def opened(pilot: Pilot[None], run: str) -> RunScreen:
    screen = RunScreen(f"acme/vision/{run}")
    pilot.app.push_screen(screen)
    await settled(pilot)
    return screen


async def test_run_screen_shows_and_opens_all_by_keys(training: Scene) -> None:
    async with open_app(training, SMALL) as pilot:
        screen = await opened(pilot, "run1")
        assert shows(pilot, "acme/vision › resnet-1", "✗ failed 7 min, exit code 1", "by kofi")
        assert shows(pilot, "loss 0.03688", "╌ diverged > 1.5", "acc 0.9631")
        assert shows(pilot, "0", "99 steps")
        assert shows(pilot, "fired", "run-failed", "✓ run failed")
        assert not shows(pilot, "s Stop")
        await press(pilot, "enter")
        assert type(pilot.app.screen).__name__ == ExecutionScreen.__name__
        await press(pilot, "q")
        await press(pilot, "down", "down", "w")
        assert shows(pilot, "Metric", "acc")
        await press(pilot, "escape")
        await press(pilot, "enter")
        assert screen.alone == "acc"
        assert not shows(pilot, "loss 0.03688", "diverged")
        await press(pilot, "escape")
        assert pilot.app.screen is screen
        assert not screen.alone
        await press(pilot, "slash")
        await write(pilot, "optimizer")
        await press(pilot, "enter", "enter")
        assert shows(pilot, 'optimizer: {"name": "adam"}')
        await press(pilot, "escape", "y")
        assert pilot.app.clipboard == "acme/vision/run1"
        await press(pilot, "q")
        assert pilot.app.screen is not screen


async def test_version_opens_the_run_that_logged_it(training: Scene) -> None:
    async with open_app(training, SMALL) as pilot:
        post(pilot.app.screen, OpenVersion("acme/vision/resnet:v1"))
        await settled(pilot)
        assert shows(pilot, "logged by acme/vision/run3")
        assert shows(pilot, "r Run")
        await press(pilot, "r")
        assert shows(pilot, "acme/vision › resnet-3")
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, VersionScreen)
        post(pilot.app.screen, OpenVersion("acme/vision/resnet:v0"))
        await settled(pilot)
        assert not shows(pilot, "r Run")


async def test_run_screen_is_live_and_stops_a_run(training: Scene) -> None:
    async with open_app(training, WIDE) as pilot:
        screen = await opened(pilot, "run3")
        training.tower.runs.log_metrics("acme/vision/run3", {"loss": 2.5}, 120)
        training.turn()
        screen.post_message(DatabaseChanged())
        await settled(pilot)
        assert shows(pilot, "loss 2.5", "╌ diverged > 1.5")
        assert shows(pilot, "1.5 ┤", "╌╌")
        assert shows(pilot, "0", "120 steps▲")
        assert shows(pilot, "fired", "diverged", "loss is 2.5, above 1.5")
        again = [Point("loss", 121, 0.1), Point("loss", 122, 2.75)]
        training.tower.runs.log("acme/vision/run3", again)
        training.turn()
        screen.post_message(DatabaseChanged())
        await settled(pilot)
        assert shows(pilot, "fired", "diverged", "✓ loss is 2.5, above 1.5")
        assert shows(pilot, "skipped", "diverged", "– loss is 2.75, above 1.5")
        assert sum(line.count("▲") for line in screen_text(pilot)) == 1
        await pilot.click("#charts", offset=(8, 4))
        await settled(pilot)
        assert screen.alone == "loss"
        await pilot.click("#charts", offset=(8, 4))
        await settled(pilot)
        assert not screen.alone
        await pilot.resize_terminal(80, 12)
        await until(pilot, lambda: shows(pilot, "metric", "loss", "2.75"))
        assert not shows(pilot, "1.5 ┤")
        screen.listing.table.move_to(("metric", "loss"))
        await press(pilot, "enter")
        await until(pilot, lambda: shows(pilot, "1.5 ┤"))
        await press(pilot, "q")
        await until(pilot, lambda: shows(pilot, "metric", "acc"))
        await pilot.resize_terminal(*WIDE)
        await settled(pilot)
        row = next(y for y, line in enumerate(screen_text(pilot)) if "resnet:v1" in line)
        await pilot.click(offset=(12, row), times=2)
        await settled(pilot)
        assert isinstance(pilot.app.screen, VersionScreen)
        await press(pilot, "q", "s")
        assert shows(pilot, "Stop run acme/vision/run3?")
        await pilot.click("Confirm Button.-error")
        await settled(pilot)
        assert training.tower.runs.get("acme/vision/run3").run.state is RunState.KILLED
        assert shows(pilot, "– killed")
        await press(pilot, "3")
        await pilot.resize_terminal(50, 24)
        await until(pilot, lambda: shows(pilot, "run-failed", " resnet-1 failed"))
        assert not shows(pilot, "run1")  # its name says more


async def test_run_of_long_metrics_is_sketched_first(
    training: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_curves, released = Runs.curves, threading.Event()

    def curves(self: Runs, *given: Any, quick: bool = False) -> Any:
        assert quick or released.wait(TIMEOUT)
        return read_curves(self, *given, quick=quick)

    monkeypatch.setattr("firetower.store.curves.QUICK", 50)
    monkeypatch.setattr(Runs, "curves", curves)
    async with open_app(training, SMALL) as pilot:
        screen = RunScreen("acme/vision/run0")
        pilot.app.push_screen(screen)
        await until(pilot, lambda: shows(pilot, "loss 0.03688", "acc 0.9631"))
        assert screen.record is not None
        assert not any(curve.is_exact for curve in screen.record.curves.values())
        await pilot.click("#charts", offset=(8, 4))  # while all values are being read
        await until(pilot, lambda: not shows(pilot, "acc 0.9631"))
        assert shows(pilot, "loss 0.03688")
        released.set()
        await settled(pilot)
        assert all(curve.is_exact for curve in screen.record.curves.values())
        assert screen.alone == "loss"
        assert not shows(pilot, "acc 0.9631")


async def test_unknown_run_says_so(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        await opened(pilot, "nothere")
        assert shows(pilot, "project acme/vision has no run nothere")


def test_picture_of_the_tab(training: Scene, snap_compare: Any) -> None:

    training.beat()
    assert snap_compare(
        app_of(training), run_before=keys("2", "end", "enter", "h"), terminal_size=WIDE
    )


def test_picture_of_a_run(training: Scene, snap_compare: Any) -> None:

    training.beat()
    pressed = keys("2", "end", "enter", "h", "enter")
    assert snap_compare(app_of(training), run_before=pressed, terminal_size=SMALL)


@given(
    st.dictionaries(
        st.integers(0, 2**40), st.floats(allow_nan=False, allow_infinity=False), max_size=40
    ),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=2),
    st.integers(12, 90),
    st.integers(5, 20),
)
@example({0: 1.7e308}, [], 12, 5)
def test_chart_has_its_size(
    values: dict[int, float], thresholds: list[float], width: int, height: int
) -> None:
    first, last = min(values, default=0), max(values, default=0)
    steps = part_width(first, last)
    parts = ranges_of(((step - first) // steps, values[step]) for step in sorted(values))
    chart = Chart(
        "lo[ss]\x1b",
        Curve(first, last, len(values), parts),
        "0.5",
        [Threshold(one, "limit") for one in thresholds],
        list(values)[:3],
    )
    lines = chart_lines(chart, width, height)
    assert len(lines) == height
    assert all(line.cell_length == width for line in lines)


@pytest.mark.parametrize(
    ("newest", "shown"), [("96.44", "utilization 96.44"), ("9" * 30, "system.gpu.0.utili… 9")]
)
def test_name_of_a_chart_is_cut_only_where_there_is_no_room(newest: str, shown: str) -> None:
    curve = Curve(0, 1, 2, ranges_of([(0, 1.0), (1, 2.0)]))
    [title, *_] = chart_lines(Chart("system.gpu.0.utilization", curve, newest, [], []), 38, 8)
    assert shown in title.plain

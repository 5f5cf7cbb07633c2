"""The form for a metric of runs: names, numbers, and a chart of a real run."""

from datetime import timedelta

import pytest

from firetower.core.events import EventType
from firetower.core.metrics import Aggregate, ChangeCondition, ThresholdCondition
from firetower.core.points import Point
from firetower.tui.form.backtest import BacktestSummary
from tui.form.driving import automation, choose, fill, form_of, to
from tui.scene import Scene
from tui.screens import open_app, press, settled, shows, until, write

pytestmark = pytest.mark.anyio


@pytest.fixture
def trained(scene: Scene) -> Scene:
    """Ten runs of an hour ago, of which the last three diverge after 60 steps."""
    scene.at(hours=1)
    for number in range(10):
        run = scene.tower.runs.start("acme/vision", name=f"resnet-{number}")
        late = 5.0 if number >= 7 else 0.25
        values = [1 / (1 + step) if step < 60 else late for step in range(100)]
        scene.tower.runs.log(
            run, [Point("loss/train", step, one) for step, one in enumerate(values)]
        )
        scene.tower.runs.log_metrics(run, {"lr": 0.1}, 0)
        scene.now += timedelta(seconds=1)
    scene.at()
    return scene


def chart_width(summary: BacktestSummary) -> int:
    return len(str(summary.content).split("\n")[-1])


async def test_threshold_by_keys_with_completed_name_and_chart(trained: Scene) -> None:
    async with open_app(trained) as pilot:
        await press(pilot, "2", "end", "enter", "n")
        await choose(pilot, "event-type", "metric threshold")
        assert shows(pilot, "logged here: loss/train and lr")
        fields = form_of(pilot).fields
        assert "config.lr" in fields.lines["filter"].placeholder
        assert "once a run in 24h" in fields.lines["cooldown"].placeholder
        await to(pilot, "metric-name")
        await write(pilot, "lo")
        assert shows(pilot, "logged here: loss/train · → completes")
        await press(pilot, "right")
        assert form_of(pilot).fields.lines["metric"].value == "loss/train"
        await fill(pilot, metric_amount="2")
        await until(pilot, lambda: shows(pilot, "for 3 of 10 runs"))
        assert shows(pilot, "resnet-9", "it would have fired 1 time")
        assert shows(pilot, "loss/train", "╌ > 2")
        await until(pilot, lambda: shows(pilot, "2 ┤", "╌╌╌"))
        assert shows(pilot, "▲")
        await pilot.resize_terminal(100, 40)
        summary = form_of(pilot).query_one(BacktestSummary)
        await until(pilot, lambda: chart_width(summary) <= summary.size.width)
        await to(pilot, "run-name-regex")
        await fill(pilot, metric_amount="2000")
        await until(pilot, lambda: shows(pilot, "it would not have fired"))
        assert shows(pilot, "loss/train", "↑ > 2000")
        await to(pilot, "action-type")
        await press(pilot, "left")
        await fill(pilot, automation_name="too-high")
        await press(pilot, "ctrl+o")
    saved = automation(trained, "too-high").definition
    assert saved.event_type is EventType.RUN_METRIC
    assert isinstance(saved.metric, ThresholdCondition)
    assert (saved.metric.metric, saved.metric.threshold) == ("loss/train", 2000)


@pytest.mark.slow
async def test_change_of_a_window_by_mouse(trained: Scene) -> None:
    async with open_app(trained) as pilot:
        await press(pilot, "2", "end", "enter", "n")
        await choose(pilot, "event-type", "metric change")
        await pilot.click("#metric-name")
        await write(pilot, "nothing")
        assert shows(pilot, "no run here has logged it; they log loss/train and lr")
        await pilot.click("#metric-amount")
        await fill(pilot, metric_name="loss/train")
        await choose(pilot, "metric-aggregate", "average")
        await fill(pilot, metric_window="5", metric_amount="3000%")
        await until(pilot, lambda: shows(pilot, "for 3 of 10 runs"))
        assert shows(pilot, "resnet-9", "it would have fired")
        await to(pilot, "action-type")
        await press(pilot, "left")
        await fill(pilot, automation_name="jumps")
        await pilot.click("#save")
        await settled(pilot)
    condition = automation(trained, "jumps").definition.metric
    assert isinstance(condition, ChangeCondition)
    assert (condition.aggregate, condition.window, condition.amount) == (Aggregate.AVERAGE, 5, 30)


@pytest.mark.slow
async def test_without_runs_it_says_so(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "2", "end", "enter", "n")
        await choose(pilot, "event-type", "metric z-score")
        assert shows(pilot, "no run here has logged a metric yet")
        await fill(pilot, metric_name="loss")
        await until(pilot, lambda: shows(pilot, "No run here has logged loss yet."))

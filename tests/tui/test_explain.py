"""x: why something fired, and why it did not."""

from datetime import UTC, datetime

import pytest
from textual.pilot import Pilot

from firetower.core.actions import NoAction
from firetower.core.automations import Definition
from firetower.core.backtest import Backtest
from firetower.core.events import EventType
from firetower.core.metrics import Comparison, ThresholdCondition
from firetower.core.references import ContainerReference
from firetower.core.scopes import ContainerScope
from firetower.tui.form.backtest import backtest_text
from firetower.tui.screens.explain import ExplainAutomationScreen, ExplainEventScreen
from firetower.tui.screens.run import RunScreen
from tui.scene import Scene
from tui.screens import SMALL, open_app, press, screen_text, settled, shows, until, write

pytestmark = pytest.mark.anyio


def on(pilot: Pilot[None], kind: type) -> bool:
    return isinstance(pilot.app.screen, kind)


async def test_an_automation_is_explained_by_reason_and_down_to_one_event(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        await press(pilot, "enter", "x")
        assert on(pilot, ExplainAutomationScreen)
        assert screen_text(pilot)[0].startswith(" 1 Registry  2 Project")
        assert shows(pilot, "became of it")
        assert shows(pilot, "✗", "another event")
        await press(pilot, "j")
        await press(pilot, "enter")
        assert on(pilot, ExplainEventScreen)
        await until(pilot, lambda: not shows(pilot, "Loading …"))
        assert screen_text(pilot)[0].startswith(" 1 Registry  2 Project")
        screen = pilot.app.screen
        assert isinstance(screen, ExplainEventScreen)
        closest = scene.tower.explain.event(screen.event_id).findings[0]
        assert shows(pilot, f"event {screen.event_id}")
        assert shows(pilot, "✗" if closest.stop else "✓", closest.revision.definition.name)
        await press(pilot, "escape", "escape")
        assert not on(pilot, ExplainAutomationScreen)


async def test_an_automation_on_a_metric_explains_runs(scene: Scene) -> None:
    scene.tower.create_project("acme/fit")
    definition = Definition(
        name="high-loss",
        scope=ContainerScope(container=ContainerReference.project("acme/fit")),
        event_type=EventType.RUN_METRIC,
        condition=ThresholdCondition(metric="loss", comparison=Comparison.GT, threshold=1),
        action=NoAction(),
    )
    scene.tower.automations.create(definition)
    run = scene.tower.runs.start("acme/fit", name="resnet-50")
    scene.tower.runs.log_metrics(run, {"train.loss": 0.5})
    async with open_app(scene) as pilot:
        pilot.app.push_screen(ExplainAutomationScreen("high-loss"))
        await until(pilot, lambda: shows(pilot, "no such metric"))
        await press(pilot, "j")
        assert shows(pilot, "it logs no loss. Did you mean train.loss?")
        await press(pilot, "enter")
        await until(pilot, lambda: on(pilot, RunScreen))
        scene.tower.runs.log_metrics(run, {"loss": 1.5})
        scene.turn()
        pilot.app.push_screen(ExplainEventScreen(scene.tower.events.newest(1)[0].id))
        await pilot.resize_terminal(46, 20)
        await until(pilot, lambda: shows(pilot, "✓ high-loss"))
        assert shows(
            pilot, f"event {scene.tower.events.newest(1)[0].id}"
        )  # in a heading of 3 lines
        reasons = [line for line in screen_text(pilot) if "this was" in line]
        assert all(line.startswith("     ") for line in reasons)


async def test_a_line_of_the_feed_leads_to_what_became_of_its_event(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "3", "x")
        await until(pilot, lambda: on(pilot, ExplainEventScreen))
        await settled(pilot)
        [event] = scene.tower.events.newest(1)
        execution = scene.tower.executions.newest(1)[0]
        assert shows(pilot, f"event {execution.event.id}")
        assert shows(pilot, "✓", execution.automation)
        assert event.id >= execution.event.id
        scene.tower.add_alias("models/resnet:v0", "prod-later")
        pilot.app.push_screen(ExplainEventScreen(scene.tower.events.newest(1)[0].id))
        await until(pilot, lambda: shows(pilot, "No worker has evaluated it yet."))
        scene.turn()
        await until(pilot, lambda: shows(pilot, "✓ deploy-on-prod"))


async def test_an_event_that_is_gone_says_so(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        pilot.app.push_screen(ExplainEventScreen(10_000))
        await settled(pilot)
        assert shows(pilot, "there is no event 10000")


async def test_the_form_tells_what_the_draft_would_have_done(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "enter", "n")
        await until(pilot, lambda: shows(pilot, "It would have fired"))
        before = next(line for line in screen_text(pilot) if "would have fired" in line)
        await press(pilot, "tab", "tab")
        await write(pilot, "^nothing-like-it")
        await until(pilot, lambda: shows(pilot, "would have fired 0 times"))
        assert "fired 0 times" not in before


def test_backtest_text_with_cooldown_counts_skipped_events() -> None:
    now = datetime(2026, 1, 31, tzinfo=UTC)
    text = backtest_text(Backtest(now, now, 1_234, 2, (0, 7), ()))
    assert text.plain == (
        "It would have fired 1,234 times in the last 30 days, 2 skipped by the cooldown\n"
        "7 ┤▁█\n"
        "   31 Jan 31 Jan"
    )


def test_backtest_text_so_far_says_how_far_back() -> None:
    now = datetime(2026, 1, 31, 12, tzinfo=UTC)
    text = backtest_text(Backtest(now, now, 14, 0, (0, 7), (), reached=now, share=0.5))
    assert text.plain.startswith("It would have fired 14 times so far, back to 31 Jan …\n7 ┤▁█")

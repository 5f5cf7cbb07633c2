"""The tour: each step goes on only when it was taken, and the last one has seen a firing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from firetower.tui.app import FiretowerApp
from firetower.tui.tour import STEPS, TourPanel
from firetower.tui.widgets.feed_table import FeedTable
from tui.form.driving import fill, to
from tui.scene import Scene
from tui.screens import SMALL, WIDE, press, settled, shows, until

pytestmark = pytest.mark.anyio

LAST = len(STEPS)


@asynccontextmanager
async def on_tour(scene: Scene, size: tuple[int, int] = WIDE) -> AsyncIterator[Pilot[None]]:
    app = FiretowerApp(scene.open_tower, clock=scene.clock, tour=True)
    async with app.run_test(size=size, notifications=True, tooltips=True) as pilot:
        await settled(pilot)
        yield pilot


def says(pilot: Pilot[None], words: str) -> bool:
    """Return whether the tour says something; on the screen it may be in two lines."""
    return any(words in str(panel.content) for panel in pilot.app.screen.query(TourPanel))


async def reached(pilot: Pilot[None], number: int) -> None:
    """Wait for a step; it is shown on the screen that is open."""
    await until(pilot, lambda: shows(pilot, f"Tour {number}/{LAST}"))
    names_only_keys_that_work(pilot)


def names_only_keys_that_work(pilot: Pilot[None]) -> None:
    app = pilot.app
    assert isinstance(app, FiretowerApp)
    assert app.tour is not None
    app.tour.check()
    enabled = {one.binding.id for one in app.screen.active_bindings.values() if one.enabled}
    assert set(app.tour.named) <= enabled, app.tour.named


async def stays(pilot: Pilot[None], number: int) -> None:
    """Let the tour look whether the step was taken, and see that it was not."""
    app = pilot.app
    assert isinstance(app, FiretowerApp)
    assert app.tour is not None
    names_only_keys_that_work(pilot)
    await settled(pilot)
    assert app.tour.step == number - 1


@pytest.mark.parametrize("size", [SMALL, pytest.param(WIDE, marks=pytest.mark.slow)])
async def test_tour_is_walked_to_the_users_own_line(scene: Scene, size: tuple[int, int]) -> None:
    async with on_tour(scene, size) as pilot:
        await reached(pilot, 1)
        await until(pilot, lambda: says(pilot, "enter opens models."))
        await press(pilot, "3")
        await stays(pilot, 1)
        await press(pilot, "1", "up")
        await stays(pilot, 1)
        await until(pilot, lambda: says(pilot, "enter opens datasets."))
        await press(pilot, "down", "enter")
        await reached(pilot, 2)
        await press(pilot, "right")
        await stays(pilot, 2)
        await press(pilot, "left", "left")
        await stays(pilot, 2)
        assert says(pilot, "l leads to the automations.")
        await press(pilot, "right", "n")
        await reached(pilot, 3)
        await press(pilot, "escape")
        await stays(pilot, 3)
        await press(pilot, "n")
        await to(pilot, "action-type")
        await press(pilot, "left")
        await fill(pilot, automation_name="mine {0}")
        await press(pilot, "ctrl+o")
        await reached(pilot, 4)
        await until(pilot, lambda: says(pilot, "mine {0} watches from now on."))
        await press(pilot, "h")
        await stays(pilot, 4)
        await press(pilot, "enter")
        await stays(pilot, 4)
        scene.tower.add_alias("models/bert:v0", "another")
        await stays(pilot, 4)
        scene.turn()
        await reached(pilot, 5)
        await until(pilot, lambda: says(pilot, "mine {0} has fired."))
        scene.automate("somebody-elses")
        scene.tower.add_alias("models/bert:v0", "one-more")
        scene.turn()
        await press(pilot, "3")
        await until(pilot, lambda: says(pilot, "The marked line is mine {0}'s."))
        await until(pilot, lambda: shows(pilot, "somebody-elses", "one-more"))
        names_only_keys_that_work(pilot)
        await press(pilot, "up", "enter")
        await stays(pilot, 5)
        await press(pilot, "escape")
        await press(pilot, *["down"] * 3)
        feed = pilot.app.screen.query_one(FeedTable)
        while "mine" not in feed.rows[feed.cursor].text:
            await press(pilot, "up")
        await press(pilot, "enter")
        await reached(pilot, LAST)
        assert says(pilot, "That is all.")


@pytest.mark.slow
async def test_the_firing_of_another_automation_is_not_enough(scene: Scene) -> None:
    async with on_tour(scene) as pilot:
        await press(pilot, "enter", "n")
        await to(pilot, "action-type")
        await press(pilot, "left")
        await fill(pilot, alias_regex="^mine$", automation_name="mine")
        await press(pilot, "ctrl+o")
        await reached(pilot, 4)
        scene.tower.add_alias("models/bert:v0", "prod-x")
        scene.turn()
        await until(pilot, lambda: shows(pilot, "deploy-on-prod", "prod-x"))
        await stays(pilot, 4)


async def test_who_is_quicker_than_the_tour_is_not_held_back(scene: Scene) -> None:
    async with on_tour(scene) as pilot:
        app = pilot.app
        assert isinstance(app, FiretowerApp)
        assert app.tour is not None
        app.tour.created = "mine"
        await reached(pilot, 4)


@pytest.mark.parametrize("way", ["key", pytest.param("click", marks=pytest.mark.slow)])
async def test_it_ends_by_a_key_and_by_a_click_in_every_mode(scene: Scene, way: str) -> None:
    async with on_tour(scene) as pilot:
        await reached(pilot, 1)
        await press(pilot, "2")
        await reached(pilot, 1)
        if way == "key":
            await press(pilot, "0")
        else:
            await pilot.click(TourPanel)
            await settled(pilot)
        app = pilot.app
        assert isinstance(app, FiretowerApp)
        assert app.tour is None
        for mode in ("2", "1", "3"):
            await press(pilot, mode)
            assert not app.screen.query(TourPanel)
        await press(pilot, "0")  # nothing to end any more


async def test_without_being_asked_for_there_is_none(scene: Scene) -> None:
    app = FiretowerApp(scene.open_tower, clock=scene.clock)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        assert app.tour is None
        assert app.check_action("end_tour", ()) is False

"""The pane beside a list: all about the row under the cursor."""

import threading
from collections.abc import Iterable
from functools import partial
from typing import Any

import pytest
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import Static

from firetower.core.errors import NotFound, StoreError
from firetower.tui.screens.container import ContainerScreen
from firetower.tui.widgets.listing import DetailPane, Listing
from tui.scene import Scene
from tui.screens import WIDE, open_app, press, screen_text, settled, shows, until
from tui.test_every_key import SCREENS, go

pytestmark = pytest.mark.anyio


STEADY = {name for name, keys in SCREENS.items() if not {"j", "space"} & {*keys}} - {"help"}
"""Screens whose keys lead to the same row each time."""


def shows_just(pilot: Pilot[None], lines: list[str]) -> bool:
    return screen_text(pilot) == lines


def automations(pilot: Pilot[None]) -> Listing:
    screen = pilot.app.screen
    assert isinstance(screen, ContainerScreen)
    return screen.automations


async def test_the_pane_shows_the_automation_under_the_cursor(scene: Scene) -> None:
    async with open_app(scene, WIDE) as pilot:
        await press(pilot, "enter", "j")
        await until(pilot, lambda: shows(pilot, "When an alias matching ^prod"))
        assert shows(pilot, "filter", "alias ~ ^prod")
        assert shows(pilot, "fired", "4 times in 24 h")
        assert shows(pilot, "30 days   at most 4 a day")
        assert shows(pilot, "▁▁▁▁▁▁█")
        assert shows(pilot, "ci-deploy  100 % of")
        assert shows(pilot, "✓ bert:v0 ← production")
        await press(pilot, "j")
        await until(pilot, lambda: shows(pilot, "filter    alias ~ candidate"))
        assert not shows(pilot, "When an alias matching ^prod")
        await press(pilot, "slash", *"nothing")
        await until(pilot, lambda: not shows(pilot, "filter    alias ~ candidate"))
        await pilot.resize_terminal(119, 40)
        await until(pilot, lambda: not pilot.app.screen.query_one(DetailPane).display)


async def test_the_pane_shows_the_newest_version_of_a_collection(scene: Scene) -> None:
    async with open_app(scene, WIDE) as pilot:
        await press(pilot, "enter", "h")
        await until(pilot, lambda: shows(pilot, "source    acme/nlp/bert:v0"))
        await press(pilot, "j")
        await until(pilot, lambda: shows(pilot, "source    acme/vision/resnet:v3"))
        assert shows(pilot, "Metadata")


async def test_answers_for_rows_that_were_left_are_dropped(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_answer, drawn = threading.Event(), list[str]()

    def detail(_: object, key: object, *__: object) -> Content:
        if key == "canary-f1":
            may_answer.wait(30)
        if key == "note-candidates":
            raise NotFound("it is gone", "")
        if key == "tell-compliance":
            raise StoreError("the database cannot be read", "")
        return Content(f"about {key}" + "\n." * 99)

    async with open_app(scene, WIDE) as pilot:
        await press(pilot, "enter")
        pane = automations(pilot).pane
        assert pane is not None
        await until(pilot, lambda: shows(pilot, "When a version is linked"))
        pane._detail = detail
        pane._shown = None
        text = pane.query_one(Static)

        def update(content: Content, **options: Any) -> None:
            drawn.append(content.plain)
            Static.update(text, content, **options)

        monkeypatch.setattr(text, "update", update)
        pane.look_again()
        await until(pilot, lambda: pane._reload._running)
        await pilot.press("j")
        may_answer.set()
        await until(pilot, lambda: shows(pilot, "about deploy-on-prod"))
        assert not any("about canary-f1" in one for one in drawn)
        await press(pilot, "j")
        await until(pilot, lambda: not shows(pilot, "about"))
        await press(pilot, "j")
        await until(pilot, lambda: shows(pilot, "the database cannot be read"))
        # Another row is read from its top.
        await press(pilot, "j")
        await until(pilot, lambda: shows(pilot, "about validate-resnet"))
        pane.scroll_end(animate=False)
        await until(pilot, lambda: not shows(pilot, "about validate-resnet"))
        automations(pilot).table.move_to("deploy-on-prod")
        await until(pilot, lambda: shows(pilot, "about deploy-on-prod"))


SMALLER, WIDER = ((124, 24), (81, 20)), ((80, 24), (130, 16))


@pytest.mark.parametrize(
    ("names", "sizes"),
    [
        (["endpoint"], SMALLER),
        pytest.param(STEADY, SMALLER, marks=pytest.mark.slow),
        pytest.param(STEADY, WIDER, marks=pytest.mark.slow),
    ],
    ids=["some", "smaller", "wider"],
)
async def test_what_is_resized_is_as_if_opened_so(
    scene: Scene, names: Iterable[str], sizes: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    scene.tower.runs.log_metrics(scene.tower.runs.start("acme/vision"), {"loss": 0.5, "acc": 0.5})
    before, after = sizes
    async with open_app(scene, before) as pilot:
        for name in names:
            await pilot.resize_terminal(*before)
            await go(pilot, SCREENS[name])
            await pilot.resize_terminal(*after)
            await settled(pilot)
            resized = screen_text(pilot)
            await go(pilot, SCREENS[name])
            await until(pilot, partial(shows_just, pilot, resized))

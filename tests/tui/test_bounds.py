"""What is drawn of data from outside has a bound: keys are answered however much there is."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from textual.content import Content
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import OptionList, Static

from firetower.core.actions import WebhookAction
from firetower.core.executions import Execution
from firetower.core.filters import Filter
from firetower.tui.screens.automation import AutomationScreen
from firetower.tui.screens.collection import CollectionScreen, VersionScreen
from firetower.tui.screens.execution import ExecutionScreen
from firetower.tui.screens.explain import ExplainEventScreen
from firetower.tui.text import body_lines, flowing, folded, json_lines, lines, plain
from tui.form.driving import new_form
from tui.scene import Scene
from tui.screens import open_app, press, settled, shows

pytestmark = pytest.mark.anyio

PROJECT = "acme/vision/resnet"
MOST = 40_000
"""Characters of a screen: a few long texts, each cut."""
LOG = "x" * 300_000
METADATA = {"losses": [number / 7 for number in range(20_000)], "log": LOG}
FILES = [f"s3://shards/{number:05}" for number in range(3_000)]


def drawn(pilot: Pilot[None]) -> int:
    """Return how many characters the screen's texts have, in sight or not."""
    texts = [static.content for static in pilot.app.screen.query(Static)]
    return sum(len(text.plain if isinstance(text, Content) else str(text)) for text in texts)


async def opened(pilot: Pilot[None], screen: Screen[None]) -> None:
    pilot.app.push_screen(screen)
    await settled(pilot)
    assert 0 < drawn(pilot) < MOST


def shown(pilot: Pilot[None], *words: str) -> bool:
    """Return whether a text has these words, in sight or not."""
    texts = [str(static.content) for static in pilot.app.screen.query(Static)]
    return any(all(word in text for word in words) for text in texts)


@pytest.fixture
def large(scene: Scene) -> Execution:
    """An execution by an event of a version with much metadata and many files."""
    tower = scene.tower
    tower.log(PROJECT, type="model", references=FILES, metadata=METADATA)
    tower.link(f"{PROJECT}:latest", "models/resnet")
    tower.add_alias("models/resnet:v4", "production")
    payload = '{"event": "${event_type}", "metadata": "${artifact_metadata.log}"}'
    tower.automations.edit(
        "deploy-on-prod",
        tower.automations.get("deploy-on-prod").definition.model_copy(
            update={"action": WebhookAction(endpoint="ci-deploy", payload=payload)}
        ),
    )
    tower.add_alias("models/resnet:v4", "prod-asia")
    scene.now += timedelta(minutes=1)
    for _ in range(3):
        scene.send(202)
    return tower.executions.newest(1)[0]


@pytest.mark.parametrize("draw", [plain, lines, body_lines, json_lines])
def test_a_long_text_is_cut_and_says_by_how_much(draw: Callable[[str], Content]) -> None:
    drawn = draw("a" * 3_000_000).plain
    assert len(drawn) < 10_100
    assert "… 2.9 MiB more" in drawn
    assert "more" not in draw("a" * 999).plain


def test_json_is_indented_as_far_as_it_is_drawn() -> None:
    drawn = body_lines(json.dumps({"all": list(range(400_000))}), "y copies all").plain
    assert drawn.startswith('{\n  "all": [\n    0,\n    1,\n')
    assert drawn.endswith("\n… 2.9 MiB more, y copies all")
    assert drawn.count("\n") == 300


def test_what_is_short_is_whole() -> None:
    value = {"a": [1, {"b": None}], "c": "é\n"}
    assert json_lines(value).plain == json.dumps(value, indent=2, ensure_ascii=False)
    assert body_lines("[" * 60_000).plain.startswith("[[[")


def test_folded_text_keeps_the_indent_of_its_lines() -> None:
    drawn = folded(json_lines({"a": {"text": "one two three", "b": []}}), 18)
    assert drawn.plain.splitlines() == [
        "{",
        '  "a": {',
        '    "text": "one',
        '    two three",',
        '    "b": []',
        "  }",
        "}",
    ]
    assert any(drawn.plain[span.start : span.end] == '"b":' for span in drawn.spans)


async def test_an_execution(scene: Scene, large: Execution) -> None:
    async with open_app(scene) as pilot:
        await opened(pilot, ExecutionScreen(large.id))
        assert shown(pilot, "KiB more, y copies all")
        assert shown(pilot, "more, firetower show models/resnet:v4 has all")
        await press(pilot, "y")
        assert LOG in pilot.app.clipboard


async def test_an_explanation(scene: Scene, large: Execution) -> None:
    for number in range(120):
        scene.automate(f"automation-{number}")
    async with open_app(scene) as pilot:
        await opened(pilot, ExplainEventScreen(large.event.id))
        assert shown(pilot, f"more, firetower explain {large.event.id} has all")


@pytest.mark.slow
async def test_a_version_and_its_collection(scene: Scene, large: Execution) -> None:
    del large
    async with open_app(scene) as pilot:
        await opened(pilot, CollectionScreen(PROJECT))
        assert shown(pilot, "… 2,980 more, enter shows more")
        await opened(pilot, VersionScreen(f"{PROJECT}:v4"))
        assert shown(pilot, "KiB more, Y copies all", "… 2,800 more, Y copies all")
        await press(pilot, "Y")
        copied = json.loads(pilot.app.clipboard)
        assert copied["metadata"] == METADATA
        assert [entry["uri"] for entry in copied["entries"]] == FILES


@pytest.mark.slow
async def test_the_form(scene: Scene, large: Execution) -> None:
    del large
    async with open_app(scene) as pilot:
        await new_form(pilot, "2")
        assert shows(pilot, "Newest match: acme/vision/resnet:v4")
        assert shown(pilot, '"losses": [', "KiB more")
        assert drawn(pilot) < MOST


@pytest.mark.slow
async def test_an_automation(scene: Scene) -> None:
    action = WebhookAction(endpoint="ci-deploy", payload=json.dumps({"a": "b" * 200_000}))
    some = Filter.of({"alias": {"$in": [f"alias-{number}" for number in range(9_000)]}})
    scene.automate("long", action=action, filter=some)
    for number in range(30):
        definition = scene.tower.automations.get("long").definition
        changed = definition.model_copy(update={"description": f"{number} " * 9_000})
        scene.tower.automations.edit("long", changed)
    async with open_app(scene) as pilot:
        await opened(pilot, AutomationScreen("long"))
        assert shown(pilot, "… 11 before these: R restores one")
        await press(pilot, "R")
        offers = pilot.app.screen.query_one(OptionList)
        assert max(len(str(one.prompt)) for one in offers.options) < 500
        await press(pilot, "escape", "y")
        assert json.loads(pilot.app.clipboard)["action"]["payload"] == action.payload


async def test_a_notification(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        pilot.app.notify("d" * 100_000)
        await settled(pilot)
        assert drawn(pilot) < MOST


def test_short_texts_share_a_line_that_they_fill() -> None:
    for length, count in ((9, 1), (10, 2)):
        parts = [Content("a" * length), Content("b" * 9)]
        assert len(flowing("Why", parts, 11 + 9 + 3 + 9).plain.splitlines()) == count

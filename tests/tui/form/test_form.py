"""The form as it is filled in: offers, errors, completion, and the preview at each keystroke."""

import re
from typing import Any

import pytest
from textual.pilot import Pilot

from firetower.automation_api import Automations
from firetower.core.actions import WebhookAction
from firetower.core.automations import Definition
from firetower.core.backtest import Backtest
from firetower.core.endpoints import EndpointKind
from firetower.tui.screens.endpoint_dialogs import EndpointDialog
from firetower.tui.themes import style_sheets
from firetower.tui.widgets.entries import Choice
from firetower.tui.widgets.payload import TemplateEditor
from tui.form.driving import (
    automation,
    choose,
    fill,
    focused,
    new_form,
    open_list,
    to,
    value,
)
from tui.scene import Scene
from tui.screens import SMALL, line_with, open_app, press, screen_text, settled, shows, until, write

pytestmark = pytest.mark.anyio


def editor(pilot: Pilot[None], name: str = "payload-json") -> TemplateEditor:
    return pilot.app.screen.query_one(f"#{name}", TemplateEditor)


def chosen(pilot: Pilot[None], name: str) -> str:
    return pilot.app.screen.query_one(f"#{name}", Choice).chosen


@pytest.mark.slow
async def test_event_choice_refuses_types_that_never_fire_here(scene: Scene) -> None:
    metrics = ("metric threshold", "metric change", "metric z-score")
    of_projects = ("new version", "run state", "run alert", *metrics)
    async with open_app(scene) as pilot:
        for mode, refused in (
            ("1", dict.fromkeys(of_projects, "only in a project")),
            ("2", {"version linked": "only in a registry", "link removed": "only in a registry"}),
        ):
            await new_form(pilot, mode)
            before = chosen(pilot, "event-type")
            await to(pilot, "event-type")
            await press(pilot, "enter")
            options = open_list(pilot, "event-type")
            disabled = [index for index, one in enumerate(options.options) if one.disabled]
            shown = [str(options.options[index].prompt) for index in disabled]
            assert len(shown) == len(refused)
            for label, why in refused.items():
                assert any(label in one and why in one for one in shown)
            for _ in range(len(options.options)):
                await pilot.press("down")
                assert options.highlighted not in disabled
            options.scroll_end(animate=False)
            await settled(pilot)
            row = disabled[0] - options.scroll_offset.y
            await pilot.click("#event-type OptionList", offset=(4, row))
            await settled(pilot)
            await press(pilot, "escape")
            assert chosen(pilot, "event-type") == before
            await press(pilot, "escape", "escape")


async def test_error_shows_under_its_field_until_it_is_corrected(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await new_form(pilot)
        await fill(pilot, alias_regex="(prod")
        lines = screen_text(pilot)
        row = next(index for index, line in enumerate(lines) if "(prod" in line)
        assert "RE2 refuses the regex" in lines[row + 1]
        assert shows(pilot, "1 error")
        assert shows(pilot, "Fix 1 error first.")
        await write(pilot, ")")
        assert not shows(pilot, "RE2 refuses")
        assert not shows(pilot, "1 error")
        await fill(pilot, automation_name="canary-f1")
        assert shows(pilot, "an automation named canary-f1 exists already")
        await write(pilot, "x")
        assert not shows(pilot, "exists already")


async def test_preview_follows_each_keystroke_and_the_database(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await new_form(pilot)
        await to(pilot, "alias-regex")
        for typed, matching in (("p", 5), ("r", 5), ("o", 5), ("-", 0), ("x", 0)):
            await press(pilot, typed)
            count = f"Of the last 12 “alias added” events here, {matching}"
            none = "None of the last 12 “alias added” events here"
            assert shows(pilot, count if matching else none)
        assert shows(pilot, "When an alias matching pro-x is added in")
        assert shows(pilot, "matches none seen here · not prod-us, prod-eu")
        await press(pilot, *["backspace"] * 5)
        assert shows(pilot, "When an alias is added in registry models,")
        scene.tower.add_alias("models/bert:v0", "brand-new")
        await until(pilot, lambda: shows(pilot, "any; seen here: brand-new"))
        assert shows(pilot, "Of the last 13 “alias added” events here, 13")


@pytest.mark.slow
async def test_save_refused_focuses_the_first_problem(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await new_form(pilot)
        await press(pilot, "right")
        await fill(pilot, cooldown_span="soon")
        assert not shows(pilot, "no endpoint is chosen.")
        await press(pilot, "ctrl+o")
        assert focused(pilot) == "collection"
        assert shows(pilot, "no collection is chosen.")
        assert shows(pilot, "no endpoint is chosen.")
        assert shows(pilot, '"soon" is not a span of time. Write it as 30s')
        assert shows(pilot, "3 errors")
        await choose(pilot, "collection", "bert")
        await press(pilot, "ctrl+o")
        assert focused(pilot) == "endpoint"
        await choose(pilot, "endpoint", "validator")
        await press(pilot, "ctrl+o")
        assert focused(pilot) == "cooldown-span"
        await press(pilot, *["backspace"] * 4, *"1h", "ctrl+o")
        assert shows(pilot, "Saved bert-alias-added.")


@pytest.mark.slow
async def test_save_with_wrong_slack_text_focuses_it(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        await new_form(pilot)
        await to(pilot, "action-type")
        await press(pilot, "right")
        await choose(pilot, "endpoint", "team-ml")
        await fill(pilot, slack_message="${alis}", automation_name="n")
        await press(pilot, "ctrl+o")
        assert focused(pilot) == "slack-message"
        assert shows(pilot, 'there is no variable "${alis}"')
        assert shows(pilot, "Did you mean ${alias}?")


@pytest.mark.slow
async def test_save_with_name_taken_meanwhile_keeps_what_was_typed(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await new_form(pilot)
        await fill(pilot, alias_regex="^x")
        await to(pilot, "action-type")
        await press(pilot, "left")
        await fill(pilot, automation_name="mine")
        scene.automate("mine")
        await press(pilot, "ctrl+o")
        assert focused(pilot) == "automation-name"
        assert shows(pilot, "an automation named mine exists already")
        assert value(pilot, "alias-regex") == "^x"
        await press(pilot, "end", *"-2", "ctrl+o")
        assert shows(pilot, "Saved mine-2.")
    assert automation(scene, "mine-2").definition.filter.words == "alias ~ ^x"


@pytest.mark.slow
async def test_endpoint_made_within_the_form_is_chosen(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        await new_form(pilot)
        await choose(pilot, "endpoint", "validator")
        await choose(pilot, "endpoint", "+ new webhook …")
        assert isinstance(pilot.app.screen, EndpointDialog)
        await press(pilot, "escape")
        assert chosen(pilot, "endpoint") == "validator"
        await choose(pilot, "endpoint", "+ new webhook …")
        await write(pilot, "gate")
        await press(pilot, "tab")
        await write(pilot, "http://gate.internal/in")
        await press(pilot, "ctrl+o")
        assert chosen(pilot, "endpoint") == "gate"
        assert focused(pilot) == "endpoint"
        assert shows(pilot, "POST to gate.")
        await press(pilot, "ctrl+o")
    action = automation(scene, "models-alias-added").definition.action
    assert action == WebhookAction(endpoint="gate")


@pytest.mark.slow
async def test_endpoint_choice_shows_disabled_and_follows_the_kind(scene: Scene) -> None:
    scene.tower.endpoints.disable("ci-deploy", EndpointKind.WEBHOOK)
    async with open_app(scene) as pilot:
        await new_form(pilot)
        await to(pilot, "endpoint")
        await press(pilot, "enter")
        assert "disabled" in line_with(pilot, "ci-deploy")
        await press(pilot, "enter")
        assert shows(pilot, "disabled", "what fires for it is skipped")
        await to(pilot, "action-type")
        await press(pilot, "right")
        assert chosen(pilot, "endpoint") == ""
        await choose(pilot, "endpoint", "team-ml")
        assert shows(pilot, "post to Slack by")


def offered(editor: TemplateEditor) -> list[str | None]:
    """Return the variables in the open list."""
    listed = editor.completions
    return [option.id for option in listed.options] if listed.display else []


@pytest.mark.slow
async def test_editor_completes_variables_by_tab(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await new_form(pilot)
        await choose(pilot, "endpoint", "ci-deploy")
        await to(pilot, "payload-json")
        await write(pilot, '{"a": "${al')
        assert offered(editor(pilot)) == ["alias"]
        await press(pilot, "tab")
        await write(pilot, '", "m": "${metadata.f')
        assert offered(editor(pilot))[0] == "artifact_metadata.f1"
        await press(pilot, "enter")
        assert offered(editor(pilot)) == []
        await write(pilot, '", "k": "${CI_K')
        await press(pilot, "tab")
        await write(pilot, '"}')
        wanted = '{"a": "${alias}", "m": "${artifact_metadata.f1}", "k": "${CI_KEY}"}'
        assert editor(pilot).text == wanted
        await press(pilot, "tab")
        assert focused(pilot) == "automation-name"
        assert shows(pilot, '"m": "0.8734"')
        assert shows(pilot, '"k": "••••"')
        # Escape closes the list, and there is none within a word.
        editor(pilot).text = ""
        await to(pilot, "payload-json")
        await write(pilot, '"${al')
        await press(pilot, "escape")
        assert offered(editor(pilot)) == []
        assert focused(pilot) == "payload-json"
        await press(pilot, "tab")
        assert focused(pilot) == "automation-name"
        await to(pilot, "payload-json", "shift+tab")
        await write(pilot, 'ias}"')
        await press(pilot, *["left"] * 5)
        await write(pilot, "x")
        assert offered(editor(pilot)) == []
        # A message has no secrets.
        await to(pilot, "action-type")
        await press(pilot, "right")
        await to(pilot, "slack-message")
        await write(pilot, "moved ${arti")
        await press(pilot, "tab")
        assert editor(pilot, "slack-message").text == "moved ${artifact_collection_name}"
        await write(pilot, " ${CI_")
        assert offered(editor(pilot, "slack-message")) == []


async def test_enter_and_arrows_move_through_the_fields(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await new_form(pilot)
        for key, wanted in (
            ("down", "event-type"),
            ("down", "alias-regex"),
            ("enter", "filter-json"),
            ("up", "alias-regex"),
            ("shift+tab", "event-type"),
            ("up", "whole"),
        ):
            await pilot.press(key)
            assert focused(pilot) == wanted


async def test_preview_scrolls_to_its_end_on_a_small_screen(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        await new_form(pilot)
        assert not shows(pilot, '"previous_version_index"')
        for _ in range(8):
            await press(pilot, "f3")
        assert shows(pilot, '"previous_version_index"')
        for _ in range(8):
            await press(pilot, "f4")
        assert shows(pilot, "What it will do")


@pytest.mark.slow
async def test_form_ids_are_styled_by_no_other_screen(scene: Scene) -> None:
    """Ids are the screens' own, but every sheet is in force on every screen."""
    bare = re.compile(r"^#([\w-]+)", re.MULTILINE)
    async with open_app(scene) as pilot:
        for mode in ("1", "2"):
            form = await new_form(pilot, mode)
            mine = {one.id for one in form.query("Fields, Fields *") if one.id}
            for sheet in style_sheets():
                if sheet.stem != "form":
                    assert not mine & set(bare.findall(sheet.read_text())), sheet.name
            await press(pilot, "escape")


@pytest.mark.slow
async def test_backtest_repeats_for_filters_but_not_for_names(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def noted(self: Automations, definition: Definition, *rest: Any, **more: Any) -> Backtest:
        read.append(definition.filter.words)
        return backtest(self, definition, *rest, **more)

    backtest = Automations.backtest
    monkeypatch.setattr(Automations, "backtest", noted)
    async with open_app(scene) as pilot:
        await new_form(pilot)
        await fill(pilot, alias_regex="^prod$")
        before = len(read)
        assert before
        await fill(pilot, automation_name="named", about_text="described")
        assert len(read) == before
        await to(pilot, "alias-regex", "shift+tab")
        await write(pilot, "x")
        assert len(read) > before

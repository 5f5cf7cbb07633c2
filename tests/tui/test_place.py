"""The registry and project screens."""

import pytest
from textual.widgets import Button

from core.builders import make_endpoint
from firetower.core.automations import Mode
from firetower.core.endpoints import EndpointDetail, EndpointKind
from firetower.core.references import ContainerKind
from firetower.store.status import DatabaseStatus
from firetower.tui.app import FiretowerApp
from firetower.tui.container_view import read_container
from firetower.tui.screens.container import ContainerScreen
from firetower.tui.widgets.automations import AutomationList, stopped_cell
from firetower.tui.widgets.bar import status_text
from firetower.tui.widgets.table import Table
from tui.scene import MODELS, NOW, VISION, Scene
from tui.screens import SMALL, WIDE, line_with, open_app, press, screen_text, settled, shows, until

pytestmark = pytest.mark.anyio


async def test_app_opens_on_the_busiest_registry(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        assert "✗ no worker   1 queued" in screen_text(pilot)[0]
        assert shows(pilot, "Registries › models", "2 collections · 5 versions")
        assert shows(pilot, "deploy-on-prod", "alias added", "✓ on", "4")
        assert shows(pilot, "tell-compliance", "◌ off")
        assert shows(pilot, "canary-f1", "▸ shadow")
        # The cursor shows what it passes over.
        await press(pilot, "k")
        assert shows(pilot, "Registries › datasets", "1 collection · 1 version")
        await press(pilot, "j", "j")
        assert shows(pilot, "Registries › prompts", "0 collections")
        scene.tower.create_registry("zebra")
        await until(pilot, lambda: shows(pilot, " zebra "))


async def test_first_reading_has_automations_of_the_busiest_registry(scene: Scene) -> None:
    view = read_container(scene.tower, ContainerKind.REGISTRY, None, "automations", 2)
    assert view.open is not None
    assert view.open.reference == MODELS
    assert len(view.automations.automations) == 2


async def test_every_mode_has_the_status_in_what_room_there_is(scene: Scene) -> None:
    scene.beat()
    async with open_app(scene, SMALL) as pilot:
        assert "✓ worker   1 queued" in screen_text(pilot)[0]
        assert "firetower " not in screen_text(pilot)[0]
        assert "/srv/firetower/tower.db" not in screen_text(pilot)[0]
        await pilot.resize_terminal(120, 40)
        await settled(pilot)
        assert "/…/tower.db" in screen_text(pilot)[0]
        for key in ("1", "2", "3", "1"):
            await press(pilot, key)
            assert "✓ worker   1 queued   event now" in screen_text(pilot)[0]


async def test_a_move_that_is_heard_of_late_is_not_followed(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, ContainerScreen)
        assert screen.containers.table.has_focus
        screen.post_message(Table.Moved(screen.containers.table, "datasets"))
        await settled(pilot)
        assert shows(pilot, "Registries › models")


async def test_one_opened_before_the_list_is_read_stays_open(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read_nothing(_: ContainerScreen) -> None:
        pass

    async with open_app(scene) as pilot:
        app = pilot.app
        assert isinstance(app, FiretowerApp)
        with monkeypatch.context() as patch:
            patch.setattr(ContainerScreen, "_read", read_nothing)
            await app.show_mode("project")
            screen = app.screen
            assert isinstance(screen, ContainerScreen)
            await until(pilot, lambda: screen.containers.table.has_focus)
            screen.open_container(VISION)
        read = read_container(scene.tower, ContainerKind.PROJECT, VISION, "automations", None)
        screen._show(read)
        await settled(pilot)
        assert screen.open == VISION
        assert screen.containers.table.key == VISION


@pytest.mark.slow
async def test_mouse_opens_places_tabs_and_modes(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        row = next(i for i, line in enumerate(screen_text(pilot)) if line.startswith(" datasets"))
        await pilot.click(offset=(3, row))
        await settled(pilot)
        assert shows(pilot, "Registries › datasets")
        await pilot.click(offset=(3, row + 1))
        await settled(pilot)
        await pilot.click("#tab-collections")
        await settled(pilot)
        assert shows(pilot, "resnet", "model", "4")
        await pilot.click("#tab-history")
        await settled(pilot)
        assert shows(pilot, "canary-f1", "shadow")
        for column, said in ((25, "Projects › acme/vision"), (35, "canary-f1")):
            await pilot.click(offset=(column, 0))
            await until(pilot, lambda said=said: shows(pilot, said))  # type: ignore[misc]


async def test_keys_switch_tabs_and_fold_the_feed(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        assert shows(pilot, "prod-us")
        await press(pilot, "f")
        assert not shows(pilot, "prod-us")
        await press(pilot, "f")
        assert shows(pilot, "prod-us")
        await press(pilot, "enter", "left")
        assert shows(pilot, "resnet", "model", "4", "served vision")
        await press(pilot, "l", "l")
        assert shows(pilot, "✗  validate-resnet", "  models/resnet:v2", "│")
        await press(pilot, "right_square_bracket")
        assert shows(pilot, "bert", "model")


async def test_a_narrow_screen_shows_the_list_then_the_place(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        assert shows(pilot, "models", "5")
        assert not shows(pilot, "Registry ›")
        await press(pilot, "enter")
        assert shows(pilot, "Registries › models")
        assert not shows(pilot, "datasets")
        assert shows(pilot, "deploy-on-prod", "✓ on")
        await press(pilot, "escape")
        assert shows(pilot, "datasets")


async def test_space_turns_an_automation_off_and_on(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "enter", "j")
        await press(pilot, "space")
        assert shows(pilot, "deploy-on-prod is disabled.")
        await until(pilot, lambda: "◌ off" in line_with(pilot, "deploy-on-prod", "alias added ~"))
        assert _mode(scene, "deploy-on-prod") is Mode.DISABLED
        await press(pilot, "space")
        assert _mode(scene, "deploy-on-prod") is Mode.ENABLED
        assert shows(pilot, "deploy-on-prod is enabled, for events from now on.")
        scene.tower.automations.delete("deploy-on-prod")
        await press(pilot, "space")
        assert shows(pilot, "there is no automation deploy-on-prod")


async def test_s_puts_an_automation_in_shadow_and_back(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "enter", "j", "s")
        assert _mode(scene, "deploy-on-prod") is Mode.SHADOW
        await until(
            pilot, lambda: "▸ shadow" in line_with(pilot, "deploy-on-prod", "alias added ~")
        )
        await press(pilot, "s")
        assert shows(pilot, "Enable deploy-on-prod?")
        await press(pilot, "enter")
        assert _mode(scene, "deploy-on-prod") is Mode.SHADOW
        await press(pilot, "s", "right", "enter")
        assert _mode(scene, "deploy-on-prod") is Mode.ENABLED
        # Before it acts, what its shadow would have sent is shown.
        pilot.app.screen.query_one(AutomationList).table.move_to("canary-f1")
        await press(pilot, "s")
        assert shows(pilot, "Enable canary-f1?")
        assert shows(pilot, "would have sent")
        assert shows(pilot, "models/")


async def test_deleting_asks_offers_to_disable_and_is_undone(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "enter", "j", "d")
        assert shows(pilot, "Delete deploy-on-prod?")
        assert shows(pilot, "It fired 4 times in the last 24 h.")
        assert isinstance(pilot.app.focused, Button)
        assert str(pilot.app.focused.label) == "Cancel"
        await press(pilot, "enter")
        assert _mode(scene, "deploy-on-prod") is Mode.ENABLED
        await press(pilot, "d", "escape")
        assert _mode(scene, "deploy-on-prod") is Mode.ENABLED
        await press(pilot, "d", "right", "enter")
        assert _mode(scene, "deploy-on-prod") is Mode.DISABLED
        await press(pilot, "space", "d", "right", "right", "enter")
        assert _mode(scene, "deploy-on-prod") is None
        assert shows(pilot, "Deleted deploy-on-prod. u undoes.")
        await until(pilot, lambda: not shows(pilot, "deploy-on-prod", "alias added ~"))
        await press(pilot, "u")
        assert _mode(scene, "deploy-on-prod") is Mode.ENABLED
        await until(pilot, lambda: shows(pilot, "deploy-on-prod", "alias added ~"))
        pilot.app.screen.query_one(AutomationList).table.move_to("deploy-on-prod")
        await press(pilot, "space", "d")
        assert shows(pilot, "Delete deploy-on-prod?")
        assert not shows(pilot, "Disable instead")


def _mode(scene: Scene, name: str) -> Mode | None:
    found = {one.name: one.mode for one in scene.tower.automations.list(MODELS)}
    return found.get(name)


async def test_the_last_of_many_automations_is_in_sight(scene: Scene) -> None:
    for number in range(50):
        scene.automate(f"zz-{number:02d}")
    async with open_app(scene, SMALL) as pilot:
        await press(pilot, "enter")
        await until(pilot, lambda: shows(pilot, "deploy-on-prod", "✓ on"))
        await press(pilot, "G")
        await until(pilot, lambda: shows(pilot, "zz-49", "✓ on"))


async def test_an_automation_whose_endpoint_is_disabled_shows_it(scene: Scene) -> None:
    action = scene.tower.automations.get("deploy-on-prod").definition.action
    assert action.endpoint is not None
    async with open_app(scene) as pilot:
        await press(pilot, "enter")
        assert "✓ on" in line_with(pilot, "deploy-on-prod", "alias added ~")
        scene.tower.endpoints.disable(action.endpoint, EndpointKind.WEBHOOK)
        await until(
            pilot, lambda: "! off 2 " in line_with(pilot, "deploy-on-prod", "alias added ~")
        )


@pytest.mark.slow
async def test_an_automation_whose_endpoint_keeps_failing_shows_it(scene: Scene) -> None:
    async with open_app(scene) as pilot:
        await press(pilot, "enter")
        scene.open_circuit("ci-deploy")
        await until(
            pilot,
            lambda: "! open 2 " in line_with(pilot, "deploy-on-prod", "alias added"),
        )
        assert "▸ shadow" in line_with(pilot, "canary-f1")
        scene.tower.add_alias("models/resnet:v0", "prod-asia")
        scene.turn()
        await until(
            pilot,
            lambda: "! open 3 " in line_with(pilot, "deploy-on-prod", "alias added"),
        )
        pilot.app.screen.query_one(AutomationList).table.move_to("deploy-on-prod")
        await press(pilot, "enter")
        await until(pilot, lambda: shows(pilot, "circuit open: 503, "))
        assert shows(pilot, "(3 queued)")


async def test_a_wide_terminal_tells_what_waits_from_what_was_missed(scene: Scene) -> None:
    scene.open_circuit("ci-deploy")
    with scene.store.changing() as change:
        change.connection.exec_driver_sql(
            "UPDATE executions SET status = 'failed', next_attempt_at = NULL, "
            "finished_at = (SELECT opened_at FROM circuits) "
            "WHERE id = (SELECT max(id) FROM executions WHERE status = 'pending')"
        )
    async with open_app(scene, (200, 50)) as pilot:
        await press(pilot, "enter")
        await until(pilot, lambda: shows(pilot, "deploy-on-prod", "circuit open 2"))
        line = "ci-deploy: 1 queued, 1 missed"
        assert shows(pilot, "deploy-on-prod", line)
        assert "queued" not in line_with(pilot, "canary-f1")


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (0, "! disabled"),
        (1, "! disabled 1"),
        (9_999, "! disabled 9,999"),
        (12_345, "! disabled 12k"),
    ],
)
def test_a_state_tells_how_much_in_few_cells(total: int, expected: str) -> None:
    endpoint = make_endpoint(disabled=True)
    assert stopped_cell(EndpointDetail(endpoint, (), 0, total)).text == expected


async def test_no_key_acts_on_a_pane_that_is_hidden(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        modes = [one.mode for one in scene.tower.automations.list(MODELS)]
        await press(pilot, "h", "space", "d", "h", "space", "s")
        assert isinstance(pilot.app.screen, ContainerScreen)
        assert pilot.app.screen.containers.table.has_focus
        assert [one.mode for one in scene.tower.automations.list(MODELS)] == modes
        await press(pilot, "l")
        assert shows(pilot, "Automations 5")
        assert pilot.app.screen.automations.table.has_focus
        # What has the focus stays in sight when the window becomes narrow.
        await press(pilot, "q")
        await pilot.resize_terminal(*WIDE)
        await settled(pilot)
        await pilot.click("#automations Table", offset=(4, 3))
        await pilot.resize_terminal(*SMALL)
        await settled(pilot)
        focused = pilot.app.screen.focused
        assert focused is not None
        assert focused.region.area


@pytest.mark.slow
async def test_the_feed_takes_the_rows_that_the_list_leaves_free(scene: Scene) -> None:
    async with open_app(scene, (100, 50)) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, ContainerScreen)
        await until(pilot, lambda: screen.dock.size.height > 30)
        await pilot.resize_terminal(*SMALL)
        await press(pilot, "enter")
        await until(pilot, lambda: screen.dock.size.height == 24 - 4 - 5 - 5 - 1)
        lines = screen_text(pilot)
        assert any("validate-resnet" in line for line in lines)


@pytest.mark.slow
async def test_what_has_the_focus_is_on_the_screen(scene: Scene) -> None:
    async with open_app(scene, SMALL) as pilot:
        for mode in "12345":
            await press(pilot, mode)
            for key in ("enter", "l", "l", "h", "h", "tab", "escape", "j", "h", "l", "shift+tab"):
                await press(pilot, key)
                focused = pilot.app.screen.focused
                assert focused is None or focused.region.area, (mode, key, focused)
            while len(pilot.app.screen_stack) > 1:
                await press(pilot, "escape")


@pytest.mark.parametrize("worker", ["no worker", "no worker: its log says so at some length"])
def test_status_says_read_only_first_and_fits_80_columns(worker: str) -> None:
    status = DatabaseStatus((), 3, None, 0, NOW, 0, None)
    for read_only, said in ((True, "read-only"), (False, "✗ no worker")):
        text = status_text("/srv/tower.db", status, worker, NOW, 80, read_only=read_only)
        assert said in text.plain
        assert text.cell_length <= 24

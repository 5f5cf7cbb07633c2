"""How the form looks, as SVG. After a change on purpose: pytest --snapshot-update."""

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any

import pytest
from textual.pilot import Pilot

from tui.form.driving import choose, fill, new_form, to
from tui.scene import Scene
from tui.screens import SMALL, WIDE, app_of, press, settled

Fill = Callable[[Pilot[None]], Awaitable[None]]
Compare = Callable[..., bool]


@pytest.fixture
def alike(snap_compare: Any, scene: Scene) -> Compare:
    """Compare the form, filled in, with its picture; no line has the focus: its cursor blinks."""
    with closing(sqlite3.connect(scene.path)) as database, database:
        # The ids of versions are random, and bodies show them.
        numbered = "'firetower-artifact://_id/' || printf('%032d', id)"
        database.execute(f"UPDATE versions SET artifact_id = {numbered}")

    def compare(size: tuple[int, int], fill_in: Fill) -> bool:
        async def go(pilot: Pilot[None]) -> None:
            await settled(pilot)
            await fill_in(pilot)

        same: bool = snap_compare(app_of(scene), run_before=go, terminal_size=size)
        return same

    return compare


async def empty(pilot: Pilot[None]) -> None:
    await new_form(pilot)


async def filled(pilot: Pilot[None]) -> None:
    await new_form(pilot)
    await fill(pilot, alias_regex="^prod")
    await choose(pilot, "endpoint", "ci-deploy")
    await fill(
        pilot,
        payload_json='{"ref": "${artifact_version_string}",\n "f1": ${artifact_metadata.f1}}',
        automation_name="roll-out",
        cooldown_span="10m",
    )
    await to(pilot, "endpoint", "shift+tab")


async def wrong(pilot: Pilot[None]) -> None:
    await new_form(pilot)
    await press(pilot, "right")
    await fill(pilot, alias_regex="(?=prod)", payload_json='"${alis}"', cooldown_span="soon")
    await press(pilot, "ctrl+o")


async def slack(pilot: Pilot[None]) -> None:
    await new_form(pilot)
    await to(pilot, "action-type")
    await press(pilot, "right")
    await choose(pilot, "endpoint", "team-ml")
    await fill(pilot, slack_title="${alias} moved", slack_message="of ${artifact_version_string}")
    await choose(pilot, "slack-severity", "WARN")


async def project(pilot: Pilot[None]) -> None:
    await new_form(pilot, "2")
    await press(pilot, "right")
    await fill(pilot, pattern="/^res/")
    await choose(pilot, "type", "model")


@pytest.mark.parametrize(
    ("fill_in", "size"),
    [
        pytest.param(filled, SMALL, id="filled-80x24"),
        pytest.param(filled, WIDE, id="filled-120x40"),
        pytest.param(empty, WIDE, id="empty"),
        pytest.param(wrong, SMALL, id="wrong", marks=pytest.mark.slow),
        pytest.param(slack, WIDE, id="slack", marks=pytest.mark.slow),
        pytest.param(project, SMALL, id="project", marks=pytest.mark.slow),
    ],
)
def test_form(alike: Compare, size: tuple[int, int], fill_in: Fill) -> None:
    assert alike(size, fill_in)

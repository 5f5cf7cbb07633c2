"""What is imported before the first paint."""

import subprocess
import sys

import pytest

SQL = ("sqlalchemy", "sqlmodel", "alembic", "httpx", "aiohttp")
MODELS = ("pydantic", "re2", "firetower.tui.screens.container")
LATER = ("firetower.tui.form.screen", "firetower.tui.screens.endpoint")


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("firetower.cli, firetower.tui.app", (*SQL, *MODELS, *LATER)),
        ("firetower.tui.screens.container", (*SQL, *LATER)),
        ("firetower.tui.first_view, firetower.tui.container_view", (*SQL, "textual")),
        ("firetower.cli.demo, firetower.demo.session", (*SQL, *MODELS)),
        ("firetower.demo.history", ("httpx", "aiohttp", "alembic", "textual")),
    ],
)
def test_a_screen_needs_little_to_be_drawn(module: str, heavy: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"

"""What is imported before the first paint."""

import subprocess
import sys


def test_the_screen_needs_no_sql_to_be_drawn() -> None:
    heavy = "('sqlalchemy', 'sqlmodel', 'alembic', 'httpx', 'aiohttp')"
    code = f"import sys, firetower.tui.run; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"

"""What a small command imports: most of its time is spent on that."""

import subprocess
import sys

import pytest

from cli.shell import Shell

HEAVY = (
    *("alembic", "httpx", "aiohttp", "textual", "re2", "cryptography", "rich.console"),
    *("psycopg", "sqlalchemy.dialects.postgresql"),
    *("firetower.automation_api", "firetower.core.automations", "firetower.store.schema"),
)
REFERENCE = "acme/vision/resnet:v0"


@pytest.mark.parametrize(
    "command",
    [
        ("log", "acme/vision/resnet", "model.pt", "--type", "model"),
        ("log", "acme/vision/new", "payload.json", "--type", "model", "--alias", "best"),
        ("link", REFERENCE, "models/resnet"),
        ("alias", "add", REFERENCE, "candidate"),
        ("tag", "add", REFERENCE, "eu"),
        ("registry", "list"),
        ("project", "show", "acme/vision"),
        ("show", REFERENCE),
        ("run", "start", "acme/vision"),
    ],
    ids=" ".join,
)
def test_a_command_of_the_catalog_imports_little(shell: Shell, command: tuple[str, ...]) -> None:
    assert _run(shell, command, f"[name for name in {HEAVY} if name in sys.modules]") == "[]"


def test_a_list_builds_no_validator_that_it_does_not_need(shell: Shell) -> None:
    built = "firetower.core.filters.Filter.__pydantic_complete__"
    assert _run(shell, ("secret", "list"), built) == "False"


def _run(shell: Shell, command: tuple[str, ...], expression: str) -> str:
    """Run a command, and return what an expression then is in its process."""
    program = (
        "import sys\n"
        "from firetower.cli import main\n"
        f"try:\n    main({[*command]})\n"
        "except SystemExit as leaving:\n    assert not leaving.code\n"
        "import firetower\n"
        f"print({expression})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=shell.folder,
        env=shell.environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout.splitlines()[-1]

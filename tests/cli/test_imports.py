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
    program = (
        "import sys\n"
        "from firetower.cli import main\n"
        f"try:\n    main({[*command]})\n"
        "except SystemExit as leaving:\n    assert not leaving.code\n"
        f"print([name for name in {HEAVY} if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=shell.folder,
        env=shell.environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"

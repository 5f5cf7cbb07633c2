"""What a small command imports: most of its time is spent on that."""

import signal
import subprocess
import sys
from collections.abc import Sequence

from cli.shell import SCRIPT, Shell

HEAVY = (
    *("alembic", "httpx", "aiohttp", "textual", "re2", "cryptography", "rich.console"),
    *("psycopg", "sqlalchemy.dialects.postgresql"),
    *("firetower.automation_api", "firetower.core.automations", "firetower.store.schema"),
)
REFERENCE = "acme/vision/resnet:v0"


COMMANDS = (
    ("log", "acme/vision/resnet", "model.pt", "--type", "model"),
    ("log", "acme/vision/new", "payload.json", "--type", "model", "--alias", "best"),
    ("link", REFERENCE, "models/resnet"),
    ("alias", "add", REFERENCE, "candidate"),
    ("tag", "add", REFERENCE, "eu"),
    ("registry", "list"),
    ("project", "show", "acme/vision"),
    ("show", REFERENCE),
    ("run", "start", "acme/vision"),
)


def test_a_command_of_the_catalog_imports_little(shell: Shell) -> None:
    heavy = f"[name for name in {HEAVY} if name in sys.modules]"
    assert _run(shell, COMMANDS, heavy) == ["[]"] * len(COMMANDS)


def test_a_list_imports_no_tables_of_runs_and_workers(shell: Shell) -> None:
    lists = [(kind, "list") for kind in ("automation", "webhook", "secret")]
    of_runs = "[name for name in sys.modules if name[16:] in {'run_schema', 'worker_schema'}]"
    assert _run(shell, [*lists, ("feed",), ("events",)], of_runs) == ["[]"] * 5

    automations = "[name for name in sys.modules if name == 'firetower.automation_api']"
    assert _run(shell, [("secret", "list")], automations) == ["[]"]


def test_a_list_builds_no_validator_that_it_does_not_need(shell: Shell) -> None:
    built = "firetower.core.filters.Filter.__pydantic_complete__"
    assert _run(shell, [("secret", "list")], built) == ["False"]


def _run(shell: Shell, commands: Sequence[tuple[str, ...]], expression: str) -> list[str]:
    """Run commands one after another; return what an expression then is in their process."""
    program = (
        "import sys\n"
        "from firetower.cli import main\n"
        f"for command in {[[*one] for one in commands]}:\n"
        "    try:\n        main(command)\n"
        "    except SystemExit as leaving:\n        assert not leaving.code, command\n"
        "    import firetower\n"
        f"    print('==', {expression})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=shell.folder,
        env=shell.environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    found = (line.partition("== ") for line in done.stdout.splitlines())
    return [said for before, mark, said in found if mark and not before]


def test_ctrl_c_while_it_imports_prints_no_traceback(shell: Shell) -> None:
    program = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
    (shell.folder / "click.py").write_text(program)
    environment = {**shell.environment, "PYTHONPATH": str(shell.folder)}
    done = subprocess.run([SCRIPT, "feed"], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")

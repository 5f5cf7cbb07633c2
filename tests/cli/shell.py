"""A folder with a database, in which the installed script runs in its own process."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import forked
from terminal import Shown, on_terminal

SCRIPT = Path(sys.executable).with_name("firetower")


@dataclass(frozen=True)
class Shell:
    """A folder with a database, in which commands run."""

    folder: Path

    @property
    def database(self) -> Path:
        return self.folder / "tower.db"

    @property
    def environment(self) -> dict[str, str]:
        left_out = ("FIRETOWER", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
        chosen = {"FIRETOWER_DATABASE_URL": str(self.database), "FIRETOWER_USER": "alice"}
        return inherited | chosen

    def see(self, *arguments: str, typed: str = "", columns: int = 100) -> Shown:
        """Run a command on a terminal."""
        return on_terminal(arguments, self.environment, self.folder, typed=typed, columns=columns)

    def run(
        self, *arguments: str, stdin: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return forked.run(arguments, self.environment | environment, self.folder, stdin)

    def ok(self, *arguments: str, stdin: str = "") -> str:
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def objects(self, *arguments: str) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.ok(*arguments, "--json").splitlines()]


def automation(*options: str, name: str = "new") -> tuple[str, ...]:
    """Return the arguments that create an automation on the prepared registry."""
    where = () if "--project" in options else ("--registry", "models")
    event = () if "--event" in options else ("--event", "ADD_ARTIFACT_ALIAS")
    acts = () if "--webhook" in options or "--slack" in options else ("--no-op",)
    return ("automation", "create", name, *where, *event, *acts, *options)


def lines_of(count: int, *, bad: int | None = None) -> str:
    """Return versions to log, one a line; the one of number `bad` lacks its type."""
    new = {"collection": "acme/vision/bulk", "type": "model", "tags": ["many"]}
    lines = [json.dumps({**new, "references": [f"s3://bucket/{n}"]}) for n in range(1, count + 1)]
    if bad is not None:
        lines[bad - 1] = '{"collection": "acme/vision/bulk"}'
    return "\n".join(lines) + "\n"

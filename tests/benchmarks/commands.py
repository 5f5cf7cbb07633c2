"""Whole commands, beside a Python that imports SQLModel and ends."""

import os
import resource
import subprocess
import sys
from pathlib import Path

from benchmarks.table import Row

ROUNDS = 15
SCRIPT = str(Path(sys.executable).with_name("firetower"))
LOG = "log acme/vision/resnet model.pt --type model"
BEFORE = (
    LOG,
    "secret set token",
    "webhook create ci http://127.0.0.1:9/ --access-token token",
    "automation create note --project acme/vision --event ADD_ARTIFACT_ALIAS --no-op",
    "alias add acme/vision/resnet:v0 first",
    "worker --once",
)
"""What the others have something to print of."""
COMMANDS = {
    "log": LOG,
    "alias add": "alias add acme/vision/resnet:v0 staging",
    "show": "show acme/vision/resnet:v0",
    "registry list": "registry list",
    "feed": "feed",
    "events": "events",
    "execution show": "execution show 1",
    "explain": "explain 2",
    "automation list": "automation list",
    "webhook list": "webhook list",
    "secret list": "secret list",
}
MOST = 1.25


def measure(folder: Path) -> list[Row]:
    """Measure processor time, which what else the machine does changes least; best of each."""
    (folder / "model.pt").write_text("weights")
    for line in BEFORE:
        _cpu([SCRIPT, *line.split()], folder)
    programs = {name: [SCRIPT, *line.split()] for name, line in COMMANDS.items()}
    programs[""] = [sys.executable, "-c", "import sqlmodel"]
    rounds = [
        {name: _cpu(command, folder) for name, command in programs.items()} for _ in range(ROUNDS)
    ]
    least = {name: min(one[name] for one in rounds) for name in programs}
    return [_row(f"firetower {name}", least[name], least[""]) for name in COMMANDS]


def _cpu(command: list[str], folder: Path) -> float:
    """Return the processor time of a program, in seconds."""
    environment = os.environ | {
        "FIRETOWER_DATABASE_URL": str(folder / "tower.db"),
        "FIRETOWER_SECRET_KEY_FILE": str(folder / "key"),
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        command, cwd=folder, env=environment, input=b"value", capture_output=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _row(name: str, ours: float, reference: float) -> Row:
    ratio = ours / reference
    aim = f"ratio ≤ {MOST}"
    return Row(f"{name}, CPU", f"{ours:.2f} s", f"{reference:.2f} s", ratio, aim, ratio <= MOST)

"""Whole commands, beside a Python that imports SQLModel and ends."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import firetower
from benchmarks.table import Row

ROUNDS = 7
SCRIPT = str(Path(sys.executable).with_name("firetower"))
COMMANDS = {
    "firetower log": ("log", "acme/vision/resnet", "model.pt", "--type", "model"),
    "firetower registry list": ("registry", "list"),
    "firetower alias add": ("alias", "add", "acme/vision/resnet:v0", "staging"),
}
MOST = 1.25


def measure(folder: Path) -> list[Row]:
    """Measure processor time, which what else the machine does changes least; best of each."""
    (folder / "model.pt").write_text("weights")
    with firetower.connect(str(folder / "tower.db")) as tower:
        tower.create_registry("models")
        tower.log("acme/vision/resnet", [folder / "model.pt"], type="model")
    programs = {name: [SCRIPT, *arguments] for name, arguments in COMMANDS.items()}
    programs[""] = [sys.executable, "-c", "import sqlmodel"]
    rounds = [
        {name: _cpu(command, folder) for name, command in programs.items()} for _ in range(ROUNDS)
    ]
    least = {name: min(one[name] for one in rounds) for name in programs}
    return [_row(name, least[name], least[""]) for name in COMMANDS]


def _cpu(command: list[str], folder: Path) -> float:
    """Return the processor time of a program, in seconds."""
    environment = os.environ | {"FIRETOWER_DATABASE_URL": str(folder / "tower.db")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _row(name: str, ours: float, reference: float) -> Row:
    ratio = ours / reference
    aim = f"ratio ≤ {MOST}"
    return Row(f"{name}, CPU", f"{ours:.2f} s", f"{reference:.2f} s", ratio, aim, ratio <= MOST)

"""The README stays short, and what it and the guides name is there."""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from receiver import closed_port
from waiting import TIMEOUT

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_readme_has_under_150_lines() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) < 150


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_links_and_pictures_exist(page: Path) -> None:
    links = re.findall(r"\[[^\]]*\]\((?!https?:)([^)#]+)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).is_file()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", page.read_text("utf-8"))) <= targets


def test_readme_links_every_guide() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    guides = [page.name for page in PAGES if page.parent == ROOT / "docs"]
    assert [name for name in guides if f"(docs/{name})" not in readme] == []


def blocks(language: str, after: str) -> list[str]:
    """Return the code blocks of the README's section."""
    readme = (ROOT / "README.md").read_text("utf-8")
    section = readme.partition(f"## {after}\n")[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


@pytest.mark.slow
def test_readme_lines_fire_as_it_says_in_their_order(tmp_path: Path) -> None:
    receiver, create, log = blocks("sh", "Five minutes to your own webhook")
    [python] = blocks("python", "Five minutes to your own webhook")
    commands = Path(sys.executable).parent
    given = {"PATH": f"{commands}:{os.environ['PATH']}", "HOME": str(tmp_path)}

    def shell(script: str, output: str) -> subprocess.Popen[bytes]:
        script = script.replace("/tmp/tower.db", str(tmp_path / "tower.db"))
        script = script.replace("8800", str(port))
        with (tmp_path / output).open("wb") as file:
            return subprocess.Popen(
                ["bash", "-c", script],
                cwd=tmp_path,
                env={**os.environ, **given},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    waits = "until [ $(wc -l < received) = 2 ]; do sleep .1; done; kill $!; wait $!"
    script = f"{create}\n{log}\npython - <<'END'\n{python}END\n{waits}"
    with closed_port() as port:
        jobs = [shell(receiver, "received"), shell(script, "said")]
        try:
            assert jobs[1].wait(TIMEOUT) == 0
        finally:
            for job in jobs:
                with suppress(ProcessLookupError):
                    os.killpg(job.pid, signal.SIGKILL)
                job.wait()
    received = (tmp_path / "received").read_text("utf-8").splitlines()
    readme = (ROOT / "README.md").read_text("utf-8")
    assert received == re.findall(r"receiver prints `(.*?)`", readme)
    assert (tmp_path / "said").read_text("utf-8").count("deploy-on-prod  alias added") == 2

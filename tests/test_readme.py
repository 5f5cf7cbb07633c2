"""The README stays short, and what it and the guides name is there."""

import re
from pathlib import Path

import pytest

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

"""One filled database for the tests that only look."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import firetower
from demo.data import NOW, filled
from firetower.tower import Tower


@pytest.fixture(scope="session")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("FIRETOWER_SECRET_KEY", raising=False)
        return filled(tmp_path_factory.mktemp("past") / "tower.db", now=NOW)


@pytest.fixture
def tower(past: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tower]:
    monkeypatch.delenv("FIRETOWER_SECRET_KEY", raising=False)
    with firetower.connect(str(past)) as opened:
        yield opened

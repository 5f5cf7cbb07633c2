"""Secrets at rest, and the files they lie in."""

import errno
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from firetower.core.endpoints import EndpointKind, EndpointSettings
from firetower.core.errors import Conflict, SecretKeyError
from firetower.store.store import Store
from firetower.tower import Tower

VALUE = "correct-horse-battery-staple"


def hook(tower: Tower) -> None:
    tower.secrets.set("SIGN", VALUE)
    tower.endpoints.create(
        EndpointSettings(
            name="ci",
            kind=EndpointKind.WEBHOOK,
            url="http://ci.test/",
            signing_secret="SIGN",
        )
    )


def test_a_secret_is_opened_for_its_endpoint_only(store: Store) -> None:
    tower = Tower(store)
    hook(tower)
    tower.secrets.set("OTHER", "unrelated")
    endpoint = tower.endpoints.get("ci", EndpointKind.WEBHOOK).endpoint
    assert tower.endpoints.open_secrets(endpoint).values == {"SIGN": VALUE}


def test_a_replaced_secret_signs_for_a_day_more(store: Store) -> None:
    tower, now = Tower(store), datetime(2026, 1, 31, tzinfo=UTC)
    store.clock = lambda: now
    hook(tower)
    assert tower.secrets.set("SIGN", "the next one") is False
    endpoint = tower.endpoints.get("ci", EndpointKind.WEBHOOK).endpoint
    assert tower.endpoints.open_secrets(endpoint).previous == {"SIGN": VALUE}
    store.clock = lambda: now + timedelta(hours=25)
    assert tower.endpoints.open_secrets(endpoint).previous == {}


def test_new_secrets_are_saved_with_their_endpoint_or_not_at_all(store: Store) -> None:
    tower = Tower(store)
    hook(tower)
    settings = EndpointSettings(
        name="ci", kind=EndpointKind.SLACK, url_secret="URL", signing_secret="SIGN"
    )
    with pytest.raises(Conflict, match="endpoint named ci exists already"):
        tower.endpoints.create(settings, {"URL": "http://slack.test/"})
    assert [secret.name for secret in tower.secrets.list()] == ["SIGN"]
    other = settings.model_copy(update={"name": "team"})
    with pytest.raises(Conflict, match="secret named SIGN exists already"):
        tower.endpoints.create(other, {"URL": "http://slack.test/", "SIGN": "replaced"})
    made = tower.endpoints.create(other, {"URL": "http://slack.test/"})
    opened = tower.endpoints.open_secrets(made)
    assert opened.values == {"URL": "http://slack.test/", "SIGN": VALUE}
    assert [detail.endpoint.name for detail in tower.endpoints.details()] == ["ci", "team"]


def test_a_secret_in_use_is_not_deleted(store: Store) -> None:
    tower = Tower(store)
    hook(tower)
    with pytest.raises(Conflict, match="used by ci"):
        tower.secrets.delete("SIGN")
    tower.endpoints.delete("ci", EndpointKind.WEBHOOK)
    tower.secrets.delete("SIGN")
    assert tower.secrets.list() == []


def test_the_wrong_key_and_a_missing_one_are_told_apart(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    tower = Tower(store)
    hook(tower)
    monkeypatch.setenv("FIRETOWER_SECRET_KEY", "A" * 43 + "=")
    with pytest.raises(SecretKeyError, match="is not this database's"):
        tower.secrets.set("SIGN", "x")
    monkeypatch.delenv("FIRETOWER_SECRET_KEY")
    store.database.location.key_file.unlink()
    with pytest.raises(SecretKeyError, match="is missing"):
        tower.secrets.set("SIGN", "x")


def test_key_that_is_a_pipe_is_told_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "tower.key")
    said = "cannot be read: it is no file"
    with (
        Tower(Store.open(str(tmp_path / "tower.db"))) as tower,
        pytest.raises(SecretKeyError, match=said),
    ):
        tower.secrets.set("SIGN", VALUE)


def test_a_key_that_the_disk_has_no_room_for_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Tower(Store.open(str(tmp_path / "tower.db"))) as tower:
        with monkeypatch.context() as full:
            full.setattr("firetower.store.keys.os.fsync", refuse)
            with pytest.raises(SecretKeyError, match="No space left"):
                tower.secrets.set("SIGN", VALUE)
        assert not (tmp_path / "tower.key").exists()
        hook(tower)


def test_files_are_for_their_owner_and_hold_no_secret(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "deep" / "tower.db"))
    hook(Tower(store))
    for file in (tmp_path / "deep").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
        assert VALUE.encode() not in file.read_bytes()
    store.close()

"""A new key for the secrets: whatever happens meanwhile, all of them can be read."""

import os
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from firetower.core.endpoints import EndpointKind, EndpointSettings
from firetower.core.errors import SecretKeyError
from firetower.store import keys, secrets
from firetower.store.store import Store
from firetower.tower import Tower

VALUE, BEFORE = "correct-horse-battery-staple", "the-value-it-replaced"


@pytest.fixture
def tower(store: Store) -> Tower:
    tower = Tower(store)
    tower.secrets.set("SIGN", BEFORE)
    tower.secrets.set("SIGN", VALUE)
    tower.endpoints.create(
        EndpointSettings(
            name="ci", kind=EndpointKind.WEBHOOK, url="http://ci.test/", signing_secret="SIGN"
        )
    )
    return tower


def key_file(store: Store) -> Path:
    return store.database.location.key_file


def readable(tower: Tower) -> bool:
    endpoint = tower.endpoints.get("ci", EndpointKind.WEBHOOK).endpoint
    opened = tower.endpoints.open_secrets(endpoint)
    return (opened.values, opened.previous) == ({"SIGN": VALUE}, {"SIGN": BEFORE})


def test_the_old_key_opens_nothing_afterwards(store: Store, tower: Tower) -> None:
    old = key_file(store).read_text()
    mask = os.umask(0)
    try:
        assert tower.secrets.rotate() == 1
    finally:
        os.umask(mask)
    assert stat.S_IMODE(key_file(store).stat().st_mode) == 0o600
    new = key_file(store).read_text()
    assert len(new) == len(old)
    assert new != old
    assert readable(tower)
    key_file(store).write_text(old)
    with pytest.raises(SecretKeyError, match="is not this database's"):
        readable(tower)


def test_link_to_the_key_stays(store: Store, tower: Tower, tmp_path: Path) -> None:
    link, real = key_file(store), tmp_path / "vault" / "real.key"
    real.parent.mkdir()
    link.rename(real)
    link.symlink_to(real)
    old = real.read_text()
    assert tower.secrets.rotate() == 1
    assert link.readlink() == real
    assert real.read_text() != old
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert [one.name for one in real.parent.iterdir()] == ["real.key"]
    assert readable(tower)


class Killed(BaseException):
    """As if the process had ended there."""


@pytest.mark.parametrize(
    ("where", "name"),
    [
        (keys, "_write"),
        (os, "fsync"),
        (secrets, "reencrypt"),
        (secrets, "bump_endpoints_version"),
        (keys, "keep_newest_key"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_anywhere_it_leaves_all_readable_and_runs_again(
    store: Store,
    tower: Tower,
    monkeypatch: pytest.MonkeyPatch,
    where: object,
    name: str,
    *,
    after: bool,
) -> None:
    real = getattr(where, name)

    def die(*given: object) -> None:
        if after:
            real(*given)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(where, name, die)
        with pytest.raises(Killed):
            tower.secrets.rotate()
    assert readable(tower)
    assert tower.secrets.rotate() == 1
    assert readable(tower)
    assert "," not in key_file(store).read_text()


@pytest.mark.parametrize("name", ["_replace_key", "keep_newest_key"])
def test_a_second_rotation_is_refused_until_the_first_ends(
    store: Store, tower: Tower, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    real, called = getattr(keys, name), list[object]()

    def look(*given: object) -> None:
        if not called:
            called.append(given)
            said = f"by another process: {os.getpid()}"
            again = keys.rotating(store.database.location)
            with pytest.raises(SecretKeyError, match=said) as told, again:
                pass
            assert f"kill -9 {os.getpid()}" in told.value.hint
        real(*given)

    monkeypatch.setattr(keys, name, look)
    assert tower.secrets.rotate() == 1
    assert called
    assert tower.secrets.rotate() == 1
    assert readable(tower)


def test_a_key_of_the_environment_is_rotated_to_its_first(
    store: Store, tower: Tower, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = key_file(store).read_text(), Fernet.generate_key().decode()
    key_file(store).unlink()
    monkeypatch.setenv("FIRETOWER_SECRET_KEY", old)
    with pytest.raises(SecretKeyError, match="this command cannot change"):
        tower.secrets.rotate()
    monkeypatch.setenv("FIRETOWER_SECRET_KEY", f"{new}, {old}")
    assert tower.secrets.rotate() == 1
    monkeypatch.setenv("FIRETOWER_SECRET_KEY", new)
    assert readable(tower)
    assert not key_file(store).exists()


def test_without_secrets_there_is_nothing_to_do(store: Store) -> None:
    assert Tower(store).secrets.rotate() == 0
    assert not key_file(store).exists()

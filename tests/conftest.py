"""What all tests share: short and long forms, and databases of each kind."""

import gc
import os
import random
import shutil
import signal
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import compress
from operator import not_
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

from firetower.delivery import client
from firetower.delivery.environment import CERTIFICATES
from firetower.store.store import Store
from postgres import SharedDatabase, shared_server

for profile, examples in (("short", 25), ("long", 1_000)):
    settings.register_profile(
        profile,
        deadline=None,  # how fast a loaded machine is proves nothing
        max_examples=examples,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        print_blob=True,
    )

SEED_VARIABLE = "FIRETOWER_FAULT_SEED"
_USUAL_SEED = 20_260
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_OF_THE_USER = {
    *_PROXIES,
    *map(str.lower, _PROXIES),
    *CERTIFICATES,
    *("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TMUX", "STY", "VTE_VERSION"),
    *("SSLKEYLOGFILE", "PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSERVICE"),
    *("PGOPTIONS", "PGSSLMODE", "PGCONNECT_TIMEOUT", "XDG_CONFIG_HOME", "XDG_STATE_HOME"),
}
"""Variables that change what programs do, and so what tests see."""
_MEMORY = "/dev/shm"
"""Where databases of tests are: on a disk each commit takes milliseconds, in which all wait."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long",
        action="store_true",
        help="Run what takes long: tests marked slow, properties and faults in their long form.",
    )
    parser.addoption(
        "--seed", type=int, help=f"When faults strike; {SEED_VARIABLE} sets it too. Printed first."
    )


def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed here, before the processes that share the tests out copy the options."""
    settings.load_profile("long" if config.option.long else "short")
    if _is_roomy(_MEMORY):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", _MEMORY)
    if config.option.seed is None:
        given = os.environ.get(SEED_VARIABLE)
        drawn = random.randrange(1_000_000) if config.option.long else _USUAL_SEED
        config.option.seed = drawn if given is None else int(given)
    # Or tests would change the database that the user works with, and call this machine by a proxy.
    for name in [one for one in os.environ if one.startswith("FIRETOWER_")] + [*_OF_THE_USER]:
        os.environ.pop(name, None)
    _take_all_signals()


def _take_all_signals() -> None:
    """Let programs that tests start end on each signal, as they would not under `nohup`."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}:  # Python's own
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def _is_roomy(folder: str) -> bool:
    """Return whether a file system is there, has room for the tests, and runs programs."""
    if not os.access(folder, os.W_OK):
        return False
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize > 2**30 and not found.f_flag & os.ST_NOEXEC


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a long text by its beginning: a test's name is printed, and is in the environment."""
    if isinstance(val, str | bytes) and len(val) > 200:
        return f"{val[:40]!a} of {len(val):,}"
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the quick tests, or with --long those that differ from the quick ones.

    A test named on the command line runs either way.
    """
    if any("::" in argument for argument in config.args):
        return
    kept = [_runs(item, long=config.option.long) for item in items]
    config.hook.pytest_deselected(items=list(compress(items, map(not_, kept))))
    items[:] = compress(items, kept)


def _runs(item: pytest.Item, *, long: bool) -> bool:
    slow = item.get_closest_marker("slow") is not None
    if not long:
        return not slow
    fixtures = item.fixturenames if isinstance(item, pytest.Function) else ()
    return slow or "rounds" in fixtures or is_hypothesis_test(getattr(item, "obj", None))


def pytest_collection_finish() -> None:
    """Look for garbage less often, and not in what was imported: a sixth of the time of the app."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_report_header(config: pytest.Config) -> str | None:
    return f"faults: --seed {config.option.seed}" if config.option.long else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the faults struck, in sum."""
    total: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                total.update({k: v for k, v in report.user_properties if isinstance(v, int)})
    if total:
        counts = ", ".join(f"{count:,} {what}" for what, count in sorted(total.items()))
        terminalreporter.write_line(f"faults: {counts}")


@pytest.fixture(autouse=True)
def _environment_is_left_as_it_was() -> Iterator[None]:
    """Find the test that would change what the next one in this process sees."""
    before = _variables()
    yield
    after = _variables()
    for name in before.keys() | after.keys():
        if name in before:
            os.environ[name] = before[name]
        else:
            os.environ.pop(name, None)
    assert after == before


def _variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}


@pytest.fixture(scope="session", autouse=True)
def _usual_certificates_read_once() -> Iterator[None]:
    """Read the system's CA certificates once: for each client that takes 50 ms."""
    contexts: dict[tuple[str | None, ...], ssl.SSLContext] = {}

    def open_tls(ca_file: str | None = None) -> ssl.SSLContext:
        if ca_file is not None:
            return original(ca_file)
        key = tuple(map(os.environ.get, CERTIFICATES))
        return contexts.get(key) or contexts.setdefault(key, original())

    original = client._open_tls
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "_open_tls", open_tls)
        yield


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new SQLite database, to be copied."""
    path = tmp_path_factory.mktemp("template") / "tower.db"
    Store.open(str(path)).close()
    return path


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Any]:
    """The server of this run."""
    with shared_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_database(postgresql: Any, worker_id: str) -> Iterator[SharedDatabase]:
    """The one that the tests of this pytest-xdist worker share."""
    with closing(SharedDatabase(postgresql, f"tower_{worker_id}")) as database:
        yield database


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """A new database of each kind."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("FIRETOWER_SECRET_KEY", raising=False)
    if request.param == "sqlite":
        return str(shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "tower.db"))
    database: SharedDatabase = request.getfixturevalue("postgresql_database")
    database.empty()
    return database.url


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = Store.open(database_url, author="ada")
    yield opened
    opened.close()

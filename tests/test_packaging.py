"""The wheel: built from the source archive, installed in a fresh venv, run from elsewhere."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from firetower._version import __version__

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


def _run(*command: str | Path, cwd: Path, **environment: str) -> str:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "FIRETOWER", "VIRTUAL_ENV"))
    }
    done = subprocess.run(
        command,
        cwd=cwd,
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, by way of the source archive."""
    folder = tmp_path_factory.mktemp("dist")
    isolation = ["--no-isolation"] if find_spec("hatchling") else []
    _run(sys.executable, "-m", "build", *isolation, "--outdir", folder, ROOT, cwd=folder)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh venv with the wheel, that sees the dependencies of the one the tests run in."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    _run(
        *(sys.executable, "-m", "pip", "--python", python, "install", "--quiet"),
        *("--no-deps", "--no-index", wheel),
        cwd=folder,
    )
    own = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    # A path in a .pth file brings the packages there, and not what their own .pth files add.
    (own / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin"


def test_the_wheel_holds_the_package_and_the_styles_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        [metadata] = [name for name in names if name.endswith(".dist-info/METADATA")]
        about = archive.read(metadata).decode()
    assert f"Version: {__version__}\n" in about
    assert "# Firetower" in about
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"firetower", f"firetower-{__version__}.dist-info"}
    source = ROOT / "src" / "firetower"
    for path in source.rglob("*.py"):
        assert f"firetower/{path.relative_to(source)}" in names
    assert "firetower/py.typed" in names
    for path in (ROOT / "styles").iterdir():
        assert f"firetower/styles/{path.name}" in names


def test_the_installed_command_works_from_anywhere(installed: Path, tmp_path: Path) -> None:
    root = Path("/")
    place = {"FIRETOWER_DATABASE_URL": str(tmp_path / "tower.db")}
    assert _run(installed / "firetower", "--version", cwd=root) == f"firetower {__version__}\n"
    _run(installed / "firetower", "registry", "create", "models", cwd=root, **place)
    listed = _run(installed / "firetower", "registry", "list", "--json", cwd=root, **place)
    assert '"registry":"models"' in listed
    where = "import firetower, pathlib; print(pathlib.Path(firetower.__file__).parent)"
    package = Path(_run(installed / "python", "-c", where, cwd=root).strip())
    assert package.is_relative_to(installed.parent), "the checkout hid the wheel"
    assert (package / "styles").is_dir()

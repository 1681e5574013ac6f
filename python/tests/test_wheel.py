"""The wheel of this platform: its bytes, what is in it, and that it works where it is installed."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT

import noo_filter

TARGET = {"Linux": "linux", "Darwin": "darwin", "Windows": "windows"}[platform.system()]
TARGET += "/arm64" if platform.machine().lower() in ("arm64", "aarch64") else "/amd64"


def _build(program: Path, folder: Path) -> Path:
    """Build the wheel of this platform around program into a folder that does not exist yet."""
    place = folder / "bin" / TARGET / program.name
    place.parent.mkdir(parents=True)
    shutil.copy(program, place)
    script = ROOT / "python/wheels.py"
    command = [sys.executable, script, folder / "bin", folder / "dist", TARGET]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    (wheel,) = (folder / "dist").iterdir()
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return _build(Path(os.environ["NOO_PROGRAM"]), tmp_path_factory.mktemp("wheel"))


def test_the_same_bytes(wheel, tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("PYTHONHASHSEED", "5")
    old = os.umask(0o077)
    try:
        again = _build(Path(os.environ["NOO_PROGRAM"]), tmp_path / "again")
    finally:
        os.umask(old)
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()


def test_what_is_in_it(wheel):
    assert re.fullmatch(r"noo_filter-[0-9.]+-py3-none-[a-z0-9_.]+\.whl", wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        files = {info.filename: info for info in archive.infolist()}
        (info,) = (name for name in files if name.endswith(".dist-info/WHEEL"))
        assert b"Root-Is-Purelib: false" in archive.read(info)
        assert b"Tag: py3-none-any" not in archive.read(info)
        program = Path(os.environ["NOO_PROGRAM"])
        bundled = files[f"noo_filter/bin/{program.name}"]
        assert archive.read(bundled) == program.read_bytes()
        if os.name != "nt":
            assert bundled.external_attr >> 16 & 0o777 == 0o755
        assert b"github.com/apache/arrow-go" in archive.read("noo_filter/bin/LICENSES.txt")
    assert "noo_filter/py.typed" in files
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in files)
    assert not any("test" in name for name in files)


def test_installed(wheel, people, tmp_path):
    """pip installs it into a new environment, and there it needs nothing but pyarrow."""
    venv.create(tmp_path / "venv", with_pip=True)
    folder = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    python = folder / ("python.exe" if os.name == "nt" else "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel]
    subprocess.run(pip, check=True, cwd=tmp_path)
    # pyarrow comes from the environment of the tests: nothing is downloaded.
    packages = subprocess.check_output(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    ).strip()
    Path(packages, "tests.pth").write_text(sysconfig.get_path("purelib"))
    environment = {k: v for k, v in os.environ.items() if k not in ("NOO_PROGRAM", "PYTHONPATH")}
    environment["PATH"] = str(tmp_path)
    script = (
        "import noo_filter, pyarrow, sys\n"
        "print(noo_filter.__file__)\n"
        "table = pyarrow.table({'nhs_number': sys.argv[1:]})\n"
        "print(noo_filter.filter(table)[1].written)\n"
    )
    command = [python, "-c", script, *people.all]
    done = subprocess.run(
        command, check=True, cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    place, written = done.stdout.split()
    assert place.startswith(str(tmp_path))
    assert int(written) == len(people.here)
    run = [python, "-m", "noo_filter", "version"]
    said = subprocess.run(run, check=True, env=environment, capture_output=True, text=True).stdout
    assert said.startswith("noo ")


def test_nothing_else_is_built(tmp_path):
    """A source package, or a wheel without noo, would not work."""
    for kind in ("sdist", "wheel"):
        done = subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", tmp_path],
            cwd=ROOT / "python",
            capture_output=True,
            text=True,
        )
        assert done.returncode != 0
        assert "use make wheels" in done.stdout + done.stderr


def test_the_version():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(\d[^\]]*)\]", changelog, re.MULTILINE)
    assert newest is not None
    assert newest[1] == noo_filter.__version__


def test_the_licence():
    assert (ROOT / "python/LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()

"""People made up from a seed, a snapshot of those who opted out, and the program noo."""

from __future__ import annotations

import importlib.util
import os
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _drawn() -> ModuleType:
    """The module that draws Arrow columns of every type, for these tests and for make interop."""
    path = ROOT / "formats/arrow/testdata/interop/interop.py"
    spec = importlib.util.spec_from_file_location("interop", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


drawn = _drawn()
sys.modules["drawn"] = drawn


@dataclass(frozen=True)
class People:
    """NHS numbers that are never issued, and those of them that opted out."""

    all: list[str]
    gone: frozenset[str]
    folder: Path

    @property
    def here(self) -> list[str]:
        return [number for number in self.all if number not in self.gone]

    def verdict(self, value: object) -> str:
        """The verdict on a value, read as docs/formats.md says, but not by noo's parser."""
        text = "" if value is None else str(value).strip().strip("'")
        if text.endswith(".0"):
            text = text[:-2]
        if text.upper() in ("", "NULL", "NA", "NAN", "NONE", "-"):
            return "missing"
        digits = text.replace("-", " ").replace(" ", "") if len(text) == 12 else text
        if not (len(digits) == 10 and digits.isascii() and digits.isdigit()):
            return "invalid"
        total = sum(int(d) * w for d, w in zip(digits, range(10, 1, -1), strict=False))
        if (11 - total % 11) % 11 != int(digits[9]) or len(set(digits)) == 1:
            return "invalid"
        return "opted_out" if digits in self.gone else "kept"

    def snapshot(self, name: str, *flags: str) -> Path:
        """Build another snapshot of the same list."""
        run(
            self.folder,
            "snapshot",
            "build",
            "list.txt",
            "-o",
            name,
            "--key",
            "publisher.key",
            *flags,
        )
        return self.folder / name


def run(folder: Path, *arguments: str) -> None:
    command = [os.environ["NOO_PROGRAM"], *arguments]
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="session", autouse=True)
def _program(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Have the package run the noo of NOO_PROGRAM, or the one of this checkout."""
    program = os.environ.get("NOO_PROGRAM")
    for name in [name for name in os.environ if name.startswith("NOO_")]:
        del os.environ[name]
    if not program:
        program = str(
            tmp_path_factory.mktemp("program") / ("noo.exe" if os.name == "nt" else "noo")
        )
        environment = {**os.environ, "CGO_ENABLED": "0"}
        subprocess.run(
            ["go", "build", "-o", program, "./cmd/noo"], check=True, cwd=ROOT, env=environment
        )
    os.environ["NOO_PROGRAM"] = os.path.abspath(program)
    os.environ["NOO_STATE_DIR"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory, _program: None) -> People:
    """The people, with a trusted snapshot in the environment."""
    folder = tmp_path_factory.mktemp("publisher")
    r = random.Random(11)
    numbers = list(dict.fromkeys(drawn.number(r) for _ in range(200)))
    gone = frozenset(r.sample(numbers, 40))
    (folder / "list.txt").write_text("".join(number + "\n" for number in sorted(gone)))
    run(folder, "key", "generate", "--name", "publisher", "--no-password")
    made = People(numbers, gone, folder)
    os.environ["NOO_SNAPSHOT"] = str(made.snapshot("optouts.noo"))
    os.environ["NOO_TRUSTED_KEYS"] = str(folder / "publisher.pub")
    return made


@pytest.fixture(autouse=True)
def _nothing_left(people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """After each test no process runs, and no temporary file is left."""
    from noo_filter import _program

    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield
    assert not _program._running
    assert list(folder.iterdir()) == []

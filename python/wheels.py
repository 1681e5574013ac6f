"""Builds the wheels of noo-filter, each with the static program for its platform.

Usage: wheels.py BIN DIST [GOOS/GOARCH...], from the root of the checkout, in a virtual environment
with hatchling. BIN is what make cross writes: BIN/GOOS/GOARCH/noo. The same commit gives the same
bytes: hatchling sorts the files, and SOURCE_DATE_EPOCH is the time of the commit.

The version is __version__ of the package. If the commit has a tag, it must say the same.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# The program is static: the oldest glibc and musl that installers know of will do. Go 1.26 needs
# macOS 12.
PLATFORMS = {
    "linux/amd64": "manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64",
    "linux/arm64": "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
    "windows/amd64": "win_amd64",
    "windows/arm64": "win_arm64",
    "darwin/amd64": "macosx_12_0_x86_64",
    "darwin/arm64": "macosx_12_0_arm64",
}

HERE = Path(__file__).resolve().parent


def output(*command: str, **environment: str) -> str:
    """Return what a command prints."""
    done = subprocess.run(
        command,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=HERE.parent,
        env={**os.environ, **environment},
    )
    return done.stdout.strip()


def licenses(target: str) -> str:
    """Return the licences of all modules in the program for a target, and that of Go.

    Raises SystemExit if a module has none.
    """
    goos, goarch = target.split("/")
    form = "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}"
    listed = output(
        "go", "list", "-deps", "-f", form, "./cmd/noo", GOOS=goos, GOARCH=goarch, CGO_ENABLED="0"
    )
    modules = {tuple(line.split("\t")) for line in listed.splitlines() if line}
    version = output("go", "env", "GOVERSION")
    modules.add(("Go", version, output("go", "env", "GOROOT")))
    texts = ["noo contains these modules. Their licences follow.\n"]
    for name, number, folder in sorted(modules):
        files = sorted(
            file
            for file in Path(folder).iterdir()
            if re.match(r"(LICEN[CS]E|COPYING|NOTICE)", file.name, re.IGNORECASE)
        )
        if not files:
            sys.exit(f"{name} has no licence in {folder}")
        for file in files:
            text = file.read_text(encoding="utf-8").strip()
            texts.append(f"{'=' * 80}\n{name} {number}: {file.name}\n{'=' * 80}\n\n{text}\n")
    return "\n".join(texts)


def check_version() -> None:
    """End the program if the commit has a tag for another version."""
    text = (HERE / "src/noo_filter/__init__.py").read_text(encoding="utf-8")
    version = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    tags = [tag for tag in output("git", "tag", "--points-at", "HEAD").split() if tag[0] == "v"]
    if version is None or (tags and f"v{version[1]}" not in tags):
        sys.exit("__version__ of noo_filter is not the tag of this commit")


def main() -> None:
    """Build what the command line says."""
    programs, dist = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    check_version()
    epoch = output("git", "log", "-1", "--format=%ct")
    for target in sys.argv[3:] or PLATFORMS:
        name = "noo.exe" if target.startswith("windows/") else "noo"
        with tempfile.TemporaryDirectory() as folder:
            texts = Path(folder) / "licenses.txt"
            texts.write_text(licenses(target), encoding="utf-8")
            environment = {
                "SOURCE_DATE_EPOCH": epoch,
                "NOO_WHEEL_PROGRAM": str(programs / target / name),
                "NOO_WHEEL_PLATFORM": PLATFORMS[target],
                "NOO_WHEEL_LICENSES": str(texts),
            }
            subprocess.run(
                [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(dist)],
                check=True,
                cwd=HERE,
                env={**os.environ, **environment},
            )


if __name__ == "__main__":
    main()

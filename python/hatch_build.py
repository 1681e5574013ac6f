"""Puts the program noo into a wheel: see wheels.py, which calls hatchling for each platform."""

from __future__ import annotations

import os
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ProgramHook(BuildHookInterface):
    """Makes wheels for one platform, and refuses those that would have no noo."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":  # For work on the package: noo comes from NOO_PROGRAM or PATH.
            return
        program = os.environ.get("NOO_WHEEL_PROGRAM")
        if self.target_name != "wheel" or not program:
            raise RuntimeError("a package without the program noo would not work: use make wheels")
        name = "noo.exe" if program.endswith(".exe") else "noo"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{os.environ['NOO_WHEEL_PLATFORM']}"
        build_data["force_include"] = {
            program: f"noo_filter/bin/{name}",
            os.environ["NOO_WHEEL_LICENSES"]: "noo_filter/bin/LICENSES.txt",
        }

"""The program noo that does the work: where it is, and its end."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from .errors import NooError, ProgramError, of_exit_code

_NAME = "noo.exe" if sys.platform == "win32" else "noo"


def path() -> str:
    """Return the path of noo: NOO_PROGRAM, else that in this package, else the one in PATH.

    Raises ProgramError if there is none.
    """
    named = os.environ.get("NOO_PROGRAM")
    if named:
        return named
    within = Path(__file__).parent / "bin" / _NAME
    if within.is_file():
        return str(within)
    found = shutil.which(_NAME)
    if found:
        return found
    raise ProgramError("noo is not installed: install a wheel of noo-filter, or set NOO_PROGRAM")


def failure(exit_code: int, errors: str) -> NooError:
    """Return the error of a noo that did not end with 0, from what it wrote to standard error.

    noo prints its error last, in one line that starts with "noo: ".
    """
    if exit_code < 0:
        return ProgramError(f"noo was killed by signal {-exit_code}; use none of its results")
    lines = [line for line in errors.splitlines() if line.strip()]
    message = lines[-1].removeprefix("noo: ") if lines else f"noo ended with exit code {exit_code}"
    return of_exit_code(exit_code, message)

"""Errors of noo, one class for each exit code, so that a program can tell them apart.

The exit codes are those of docs/exit-codes.md. The text of an error is the line that noo printed.
It never holds an NHS number or a value of the data.
"""

from __future__ import annotations

__all__ = [
    "DisclosureError",
    "InputError",
    "Interrupted",
    "NooError",
    "ProgramError",
    "SnapshotError",
    "UsageError",
    "of_exit_code",
]


class NooError(Exception):
    """noo did not end well. There is no result: use none of the records.

    exit_code is the exit code of noo, or None if noo did not run or was killed.
    """

    exit_code: int | None = None

    def __init__(self, message: str, exit_code: int | None = None) -> None:
        super().__init__(message)
        if exit_code is not None:
            self.exit_code = exit_code

    def __reduce__(self) -> tuple[type[NooError], tuple[str, int | None]]:
        # Spark and multiprocessing send errors between processes.
        return type(self), (str(self), self.exit_code)


class DisclosureError(NooError):
    """A record met a policy "fail" (exit code 1)."""

    exit_code = 1


class UsageError(NooError):
    """Wrong use: settings, or columns that are unclear or hold no NHS numbers (exit code 2)."""

    exit_code = 2


class SnapshotError(NooError):
    """noo refused a snapshot: signature, trust, age, an older sequence or damage (exit code 3)."""

    exit_code = 3


class InputError(NooError):
    """noo refused the data: malformed, unsupported or empty (exit code 4)."""

    exit_code = 4


class ProgramError(NooError):
    """Reading or writing failed, or noo could not be run or was killed (exit code 5, or none)."""


class Interrupted(NooError):
    """noo was interrupted (exit code 130)."""

    exit_code = 130


_BY_EXIT_CODE: dict[int, type[NooError]] = {
    kind.exit_code: kind
    for kind in (DisclosureError, UsageError, SnapshotError, InputError, Interrupted)
    if kind.exit_code is not None
}


def of_exit_code(exit_code: int, message: str) -> NooError:
    """Return the error of a noo that ended with exit_code, which is not 0, and printed message."""
    return _BY_EXIT_CODE.get(exit_code, ProgramError)(message, exit_code)

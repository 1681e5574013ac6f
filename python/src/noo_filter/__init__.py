"""Removes the records of patients who have opted out, with noo."""

from .errors import (
    DisclosureError,
    InputError,
    Interrupted,
    NooError,
    ProgramError,
    SnapshotError,
    UsageError,
)

__version__ = "0.1.0"

__all__ = [
    "DisclosureError",
    "InputError",
    "Interrupted",
    "NooError",
    "ProgramError",
    "SnapshotError",
    "UsageError",
]

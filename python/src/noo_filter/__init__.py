"""Removes the records of patients who have opted out, with noo.

    clean, report = noo_filter.filter(table, column="nhs_number", snapshot="optouts.noo")

filter is for whole tables, verdicts for columns of NHS numbers. noo_filter.duckdb and
noo_filter.spark are for these engines. An error means that there is no result: see
noo_filter.errors.
"""

from ._filter import filter
from ._report import Report
from ._verdicts import verdicts
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
    "Report",
    "SnapshotError",
    "UsageError",
    "filter",
    "verdicts",
]

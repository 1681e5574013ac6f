"""What a run did, in numbers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from .errors import ProgramError


@dataclass(frozen=True)
class Report:
    """What a run did. The numbers count records.

    read is the sum of the verdicts: kept, opted_out, missing, invalid and unchecked. written counts
    the records of the result: those kept, and those that a policy keeps. disguised counts the
    invalid ones that show the number of somebody who opted out; no policy keeps them. columns are
    those with the NHS numbers.

    raw is the report of noo as docs/guarantees.md describes it, with the snapshot and the policy.
    It holds no NHS number and no value.
    """

    read: int
    kept: int
    opted_out: int
    missing: int
    invalid: int
    unchecked: int
    written: int
    disguised: int
    columns: tuple[str, ...]
    raw: dict[str, Any] = field(repr=False)

    @classmethod
    def from_json(cls, text: str) -> Report:
        """Return the report that noo wrote as text. Raises ProgramError if it is another one."""
        try:
            raw = json.loads(text)
            totals = raw["totals"]
            counts = {name: int(totals[name]) for name in _COUNTS}
            columns = tuple(raw["files"][0]["columns"])
            disguised = int(totals.get("disguised", 0))
        except (ValueError, LookupError, TypeError):
            counts = {}
        if not counts:
            raise ProgramError("noo wrote a report of another form; is it another version?")
        return cls(**counts, disguised=disguised, columns=columns, raw=raw)


_COUNTS = ("read", "kept", "opted_out", "missing", "invalid", "unchecked", "written")

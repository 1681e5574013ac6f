"""What all calls take: the snapshot, whom to trust, and the policies. One name for each flag of noo."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import ClassVar

Path = str | os.PathLike[str]


def as_list(paths: Path | Iterable[Path] | None) -> list[str]:
    """Return one path, or several, as a list of texts."""
    if paths is None:
        return []
    if isinstance(paths, (str, os.PathLike)):
        return [os.fspath(paths)]
    return [os.fspath(path) for path in paths]


@dataclass(frozen=True)
class Settings:
    """The settings of one run. None leaves a setting to noo: its environment, or its default.

    A Settings can be pickled, so an engine can send it to its workers. It holds paths, and never a
    snapshot or a key.
    """

    snapshot: Path | Iterable[Path] | None = None
    trusted_keys: Path | Iterable[Path] | None = None
    identity: Path | Iterable[Path] | None = None
    max_age: str | None = None
    min_sequence: int | None = None
    missing: str | None = None
    invalid: str | None = None
    unchecked: str | None = None

    _FLAGS: ClassVar[dict[str, str]] = {"trusted_keys": "trusted-key"}

    def arguments(self) -> list[str]:
        """Return the flags of noo that say the same."""
        flags = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None:
                continue
            flag = "--" + self._FLAGS.get(field.name, field.name.replace("_", "-"))
            values = [str(value)] if isinstance(value, int) else as_list(value)
            for each in values:
                flags += [flag, each]
        return flags

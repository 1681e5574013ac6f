"""What the calls take: snapshots, keys, columns and policies, each under the name of its flag."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import ClassVar, TypedDict

from .errors import UsageError

Path = str | os.PathLike[str]


def as_list(paths: Path | Iterable[Path] | None) -> list[str]:
    """Return one path, or several, as a list of texts."""
    if paths is None:
        return []
    if isinstance(paths, (str, os.PathLike)):
        return [os.fspath(paths)]
    return [os.fspath(path) for path in paths]


class VerdictArguments(TypedDict, total=False):
    """The keywords of verdicts, which has no other columns to look at.

    snapshot: the file, or files, that say who has opted out; else NOO_SNAPSHOT.
    trusted_keys: the public keys of publishers that you trust; else NOO_TRUSTED_KEYS.
    identity: files of age identities or SSH private keys that decrypt the snapshot.
    max_age: refuse an older snapshot, such as "7d".
    min_sequence: refuse a snapshot with a lower sequence.
    missing, invalid, unchecked: what becomes of such records, "withhold", "keep" or "fail".
    """

    snapshot: Path | Iterable[Path] | None
    trusted_keys: Path | Iterable[Path] | None
    identity: Path | Iterable[Path] | None
    max_age: str | None
    min_sequence: int | None
    missing: str | None
    invalid: str | None
    unchecked: str | None


class FilterArguments(VerdictArguments, total=False):
    """The keywords of filter: those of verdicts, and these.

    column: the name, or names, of the columns with NHS numbers; else their names decide.
    allow_column: columns that may hold NHS numbers though records are not filtered by them.
    force_column: use the columns even if their first values are not NHS numbers.
    missing_value: texts that mean that there is no NHS number.
    pseudonym, pseudonym_key: the method and the file of the key of docs/pseudonyms.md.
    allow_no_match: do not stop if no pseudonym is of anybody who opted out.
    read_back: "independent" has the result read again by code that did not write it.
    max_page: refuse a larger buffer, such as "1GiB"; bounds the memory that noo uses.
    """

    column: str | Iterable[str] | None
    allow_column: str | Iterable[str] | None
    force_column: bool | None
    missing_value: str | Iterable[str] | None
    pseudonym: str | None
    pseudonym_key: Path | None
    allow_no_match: bool | None
    read_back: str | None
    max_page: str | None


@dataclass(frozen=True)
class Settings:
    """The settings of one run. None leaves a setting to noo: its environment, or its default.

    A Settings can be pickled, so an engine can send it to its workers. It holds paths, and never a
    snapshot or a key.

    Raises UsageError if a list is empty: it might be the list of snapshots that somebody forgot to
    fill, and the environment would take its place.
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

    def __post_init__(self) -> None:
        # A generator could be read only once, and not be pickled.
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None or isinstance(value, (str, int)):
                continue
            try:
                texts = tuple(as_list(value))
            except TypeError:
                raise UsageError(f"{field.name}: want a text, or a list of texts") from None
            if not texts:
                raise UsageError(f"{field.name}: the list is empty; name one, or leave it out")
            if not all(isinstance(text, str) for text in texts):
                raise UsageError(f"{field.name}: want texts, and not bytes")
            object.__setattr__(self, field.name, texts)

    def arguments(self) -> list[str]:
        """Return the flags of noo that say the same."""
        flags = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None:
                continue
            flag = "--" + self._FLAGS.get(field.name, field.name.replace("_", "-"))
            if isinstance(value, bool):
                values = [str(value).lower()]
            else:
                values = [str(value)] if isinstance(value, int) else as_list(value)
            # In one argument, a value that starts with a hyphen is no flag.
            flags += [f"{flag}={each}" for each in values]
        return flags


@dataclass(frozen=True)
class FilterSettings(Settings):
    """The settings of one run over a whole table. See FilterArguments."""

    column: str | Iterable[str] | None = None
    allow_column: str | Iterable[str] | None = None
    force_column: bool | None = None
    missing_value: str | Iterable[str] | None = None
    pseudonym: str | None = None
    pseudonym_key: Path | None = None
    allow_no_match: bool | None = None
    read_back: str | None = None
    max_page: str | None = None


# The flags of noo filter that are no setting here. Their variables are taken out of the environment
# of noo: they are meant for runs over files. NOO_WITHHELD would write patients' records to a file,
# and NOO_COMPRESS or NOO_LOG_FORMAT change what this package reads.
NOT_FOR_TABLES = frozenset(
    f"NOO_{name}"
    for name in (
        "COMPRESS DELIMITER DIALECT ESCAPE FOOTER FOOTER_LINES FORCE HEADER HEADER_LINES LINK LOCK "
        "LOCK_WAIT LOG_FORMAT METRICS NO_HEADER OUTPUT QUIET QUOTE RAGGED RECORD_END "
        "REPEATED_HEADER REPORT RESUME UNLINKED WITHHELD"
    ).split()
)

# Settings of noo that choose columns, where the caller has chosen them already.
OF_COLUMNS = frozenset({"NOO_COLUMN", "NOO_ALLOW_COLUMN"})

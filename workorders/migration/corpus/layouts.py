"""A folder of migrations as the tool that it was written for reads it: which files, in which order.

Only the way up is read. Where a tool sends a file in one transaction is its own rule, and is
part of what the file means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from workorders.migration.errors import Unreadable


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One step of a history."""

    #: Its path in the folder.
    name: str
    #: What the tool sends to go up.
    text: str
    #: Whether the tool sends it as one transaction.
    is_in_one_transaction: bool


@dataclass(frozen=True, kw_only=True)
class History:
    """A folder, read."""

    #: The tool's name, or `plain`.
    layout: str
    migrations: tuple[Migration, ...]


@dataclass(frozen=True, kw_only=True)
class _File:
    path: Path
    name: str
    text: str


@dataclass(frozen=True, kw_only=True)
class _Layout:
    name: str
    #: Whether a file is one of this tool's.
    holds: Callable[[_File], bool]
    order: Callable[[_File], tuple[object, ...]]
    up: Callable[[str], str] = lambda text: text
    #: Whether the tool sends this file as one transaction.
    is_in_one_transaction: Callable[[_File], bool] = lambda _: True


def read(folder: Path, pattern: str | None = None) -> History:
    """The folder's migrations in the order of their tool; with a pattern, only of the files that match.

    Raises Unreadable where there is none, or where a file is not UTF-8.
    """
    files = [_file(path, folder) for path in sorted(folder.rglob(pattern or "*.sql")) if path.is_file()]
    for layout in _LAYOUTS:
        chosen = sorted((file for file in files if layout.holds(file)), key=layout.order)
        if chosen:
            return History(layout=layout.name, migrations=tuple(_migration(layout, file) for file in chosen))
    raise Unreadable(
        f"There are no migrations in {folder}.",
        "Give the folder whose files are named *.sql, or a --pattern.",
    )


def _migration(layout: _Layout, file: _File) -> Migration:
    return Migration(
        name=file.name,
        text=layout.up(file.text),
        is_in_one_transaction=layout.is_in_one_transaction(file),
    )


def _file(path: Path, folder: Path) -> _File:
    name = path.relative_to(folder).as_posix()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"{name} is not UTF-8.", "Save it as UTF-8.") from error
    return _File(path=path, name=name, text=text)


def _by_path(file: _File) -> tuple[object, ...]:
    return (file.name,)


def _by_number(file: _File) -> tuple[object, ...]:
    number = _NUMBER.match(file.path.name)
    return (int(number[1]) if number else 0, file.name)


def _by_diesel_version(file: _File) -> tuple[object, ...]:
    """What stands before the first underscore, dashes left out."""
    return (file.path.parent.name.partition("_")[0].replace("-", ""), file.name)


def _by_version(file: _File) -> tuple[object, ...]:
    version = _FLYWAY.match(file.path.name)
    parts = re.split(r"[._]", version[1]) if version else ()
    return (tuple(int(part) for part in parts), file.name)


def _section(begin: re.Pattern[str], end: re.Pattern[str]) -> Callable[[str], str]:
    """What stands between two markers; the lines before stay as empty ones, so that numbers hold."""

    def up(text: str) -> str:
        lines = text.split("\n")
        first = next((place for place, line in enumerate(lines) if begin.match(line)), 0)
        last = next((place for place, line in enumerate(lines) if end.match(line)), len(lines))
        return "\n".join([*("" for _ in lines[:first]), *lines[first : max(first, last)]])

    return up


def _says(pattern: re.Pattern[str]) -> Callable[[_File], bool]:
    return lambda file: pattern.search(file.text) is not None


def _without(pattern: re.Pattern[str]) -> Callable[[_File], bool]:
    return lambda file: pattern.search(file.text) is None


def _runs_in_transaction(file: _File) -> bool:
    """Diesel's `metadata.toml` beside the script may say that it does not."""
    about = file.path.with_name("metadata.toml")
    return not about.is_file() or re.search(r"run_in_transaction\s*=\s*false", about.read_text()) is None


_NUMBER = re.compile(r"(\d+)_")
_FLYWAY = re.compile(r"V(\d+(?:[._]\d+)*)__.*\.sql$")
_GOOSE_UP = re.compile(r"\s*--\s*\+goose\s+up\b", re.IGNORECASE)
_GOOSE_DOWN = re.compile(r"\s*--\s*\+goose\s+down\b", re.IGNORECASE)
_GOOSE_ALONE = re.compile(r"^\s*--\s*\+goose\s+no\s+transaction\b", re.IGNORECASE | re.MULTILINE)
_DBMATE_UP = re.compile(r"\s*--\s*migrate:up\b", re.IGNORECASE)
_DBMATE_DOWN = re.compile(r"\s*--\s*migrate:down\b", re.IGNORECASE)
_DBMATE_ALONE = re.compile(r"^\s*--\s*migrate:up\b.*\btransaction:\s*false", re.IGNORECASE | re.MULTILINE)
_SQLX_ALONE = re.compile(r"\A\s*--\s*no-transaction\b")

_ANY_LINE = re.MULTILINE | re.IGNORECASE


def _named(*names: str) -> Callable[[_File], bool]:
    return lambda file: "/" in file.name and file.path.name in names


def _is_numbered_up(file: _File) -> bool:
    return file.path.name.endswith(".up.sql") and _NUMBER.match(file.path.name) is not None


def _is_numbered(file: _File) -> bool:
    return not file.path.name.endswith(".down.sql") and _NUMBER.match(file.path.name) is not None


#: The first that finds a file of its own is the folder's.
_LAYOUTS: Sequence[_Layout] = (
    _Layout(
        name="prisma",
        holds=_named("migration.sql"),
        order=_by_path,
        is_in_one_transaction=lambda _: False,
    ),
    _Layout(
        name="diesel",
        holds=_named("up.sql"),
        order=_by_diesel_version,
        is_in_one_transaction=_runs_in_transaction,
    ),
    _Layout(name="flyway", holds=lambda file: bool(_FLYWAY.match(file.path.name)), order=_by_version),
    _Layout(
        name="goose",
        holds=_says(re.compile(r"^" + _GOOSE_UP.pattern, _ANY_LINE)),
        order=_by_number,
        up=_section(_GOOSE_UP, _GOOSE_DOWN),
        is_in_one_transaction=_without(_GOOSE_ALONE),
    ),
    _Layout(
        name="dbmate",
        holds=_says(re.compile(r"^" + _DBMATE_UP.pattern, _ANY_LINE)),
        order=_by_number,
        up=_section(_DBMATE_UP, _DBMATE_DOWN),
        is_in_one_transaction=_without(_DBMATE_ALONE),
    ),
    # sqlx names reversible ones alike, and sends them in one transaction too.
    _Layout(name="golang-migrate", holds=_is_numbered_up, order=_by_number),
    _Layout(name="sqlx", holds=_is_numbered, order=_by_number, is_in_one_transaction=_without(_SQLX_ALONE)),
    _Layout(
        name="plain",
        holds=lambda file: not file.path.name.endswith(".down.sql"),
        order=_by_path,
        is_in_one_transaction=lambda _: False,
    ),
)

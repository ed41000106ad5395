"""The schema of ours: numbered files, applied forwards, each once.

The queue's tables come from procrastinate: its whole schema the first time, then those of its
upgrade files that are not yet in the ledger. Its version is kept beside each file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files

import psycopg
from procrastinate.schema import SchemaManager

from bot.errors import Broken, Refused
from bot.store.ours import Ours, row, rows, run
from bot.store.queries import queries

#: Any number, as long as it stays: "lockkeep" in ASCII.
_LOCK = 0x6C6F636B6B656570


@dataclass(frozen=True, kw_only=True)
class SchemaFile:
    """One file of a schema."""

    source: str
    name: str
    text: str

    @property
    def sha256(self) -> str:
        """Of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrate(dsn: str) -> tuple[str, ...]:
    """Applies what is missing, in one transaction; gives the names of the files applied.

    Waits while another process does the same. Raises `Broken` where an applied file of ours
    has been changed since.
    """
    with psycopg.connect(dsn, application_name="lockkeeper migrate") as connection:
        ours = Ours(connection)
        query = queries("schema")
        run(ours, query["lock_schema"], key=_LOCK)
        run(ours, query["make_ledger"])
        missing = _missing(ours)
        for file in missing:
            # No parameters: the file may hold many statements and percent signs.
            if not _is_covered_by_baseline(file, missing):
                ours.execute(file.text.encode())
            of = "lockkeeper" if file.source == "lockkeeper" else "procrastinate"
            run(
                ours, query["insert_file"],
                source=file.source, name=file.name, sha256=file.sha256, version=version(of),
            )  # fmt: skip
        return tuple(file.name for file in missing)


def pending(dsn: str) -> tuple[str, ...]:
    """The names of the files that `migrate` would apply."""
    with psycopg.connect(dsn, application_name="lockkeeper") as connection:
        return tuple(file.name for file in _missing(Ours(connection)))


def check(dsn: str) -> None:
    """Raises `Refused` where files are to be applied."""
    if missing := pending(dsn):
        raise Refused.because(
            f"Lockkeeper's own database lacks {len(missing)} schema files, the first of them {missing[0]}.",
            "Run: lockkeeper migrate",
        )


_BASELINE = "schema.sql"


def _is_covered_by_baseline(file: SchemaFile, missing: Iterable[SchemaFile]) -> bool:
    """Whether this is an upgrade that the whole schema, applied in this same run, already holds."""
    return file.source == "procrastinate" and file.name != _BASELINE and any(
        each.source == "procrastinate" and each.name == _BASELINE for each in missing
    )  # fmt: skip


def _missing(ours: Ours) -> list[SchemaFile]:
    found = row(ours, queries("schema")["has_ledger"])
    applied: dict[tuple[str, str], str] = {}
    if found is not None and found["found"]:
        applied = {
            (each["source"], each["name"]): each["sha256"]
            for each in rows(ours, queries("schema")["applied_files"])
        }
    missing = []
    for file in (*_procrastinate(), *_lockkeeper()):
        sha256 = applied.get((file.source, file.name))
        if sha256 is None:
            missing.append(file)
        elif sha256 != file.sha256 and file.source == "lockkeeper":
            raise Broken(f"The schema file {file.name} was changed after it had been applied.")
    return missing


def _procrastinate() -> list[SchemaFile]:
    folder = files("procrastinate.sql") / "migrations"
    upgrades = sorted(each.name for each in folder.iterdir() if each.name.endswith(".sql"))
    return [
        SchemaFile(source="procrastinate", name=_BASELINE, text=SchemaManager.get_schema()),
        *(
            SchemaFile(source="procrastinate", name=name, text=(folder / name).read_text(encoding="utf-8"))
            for name in upgrades
        ),
    ]


def _lockkeeper() -> list[SchemaFile]:
    folder = files("bot.store") / "migrations"
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".sql"))
    return [
        SchemaFile(source="lockkeeper", name=name, text=(folder / name).read_text(encoding="utf-8"))
        for name in names
    ]

"""Names: how they are quoted, how Postgres would choose them, how ours are made.

The choice of names for unnamed indexes and constraints follows `makeObjectName` and
`ChooseIndexName` in Postgres's own source (`src/backend/commands/indexcmds.c`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

#: A name's longest form in bytes; the server cuts what is longer (NAMEDATALEN - 1).
NAME_BYTES = 63

#: The schema in a target that holds the journal, the lease, the quarantine and the images.
OUR_SCHEMA = "lockkeeper"

#: Before the name of a trigger of ours that has to fire before the user's, which is by name.
FIRST = "!"

#: Before the name of a trigger of ours that has to see what the user's have made of the row.
LAST = "~"

#: Every name of ours outside OUR_SCHEMA begins with this.
OUR_PREFIX = "lockkeeper_"


@dataclass(frozen=True, kw_only=True, order=True)
class RelationName:
    """A schema-qualified name of a table, index, view or sequence, unquoted."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def sql(self) -> str:
        """Both parts quoted, for use in a statement."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def written(self) -> str:
        """Both parts as the server writes them in a default or a type: quoted where needed."""
        return ".".join(
            name if name.isidentifier() and name.islower() and name.isascii() else quoted(name)
            for name in (self.schema, self.name)
        )


def quoted(name: str) -> str:
    """An identifier in double quotes, whatever it holds. NUL cannot occur in one."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string as an SQL literal that reads the same under any `standard_conforming_strings`."""
    body = text.replace("'", "''")
    return f" E'{body.replace(chr(92), chr(92) * 2)}'" if "\\" in body else f"'{body}'"


def clipped(name: str, limit_bytes: int = NAME_BYTES) -> str:
    """The longest prefix that fits, never cutting a character in two."""
    return name.encode()[:limit_bytes].decode(errors="ignore")


def ours(kind: str, run: str, *parts: str) -> str:
    """A name for something that we create in a target, the same for the same run and parts.

    Holds a digest of run and parts, so that two runs and two hostile names never meet,
    and as much of the last part as fits in 63 bytes, so that a person can recognise it.
    """
    digest = hashlib.sha256("\0".join((kind, run, *parts)).encode()).hexdigest()[:10]
    return clipped(f"{OUR_PREFIX}{kind}_{digest}" + (f"_{parts[-1]}" if parts else ""))


def is_ours(name: str) -> bool:
    """Whether a name outside our schema was made by `ours`, FIRST or LAST before it or not."""
    return name.removeprefix(FIRST).removeprefix(LAST).startswith(OUR_PREFIX)


def made_up(first: str, second: str | None, label: str) -> str:
    """`first_second_label`, the longer of the first two cut until it fits in 63 bytes."""
    room = NAME_BYTES - len(label.encode()) - 1 - (1 if second is not None else 0)
    first_bytes = len(first.encode())
    second_bytes = len(second.encode()) if second is not None else 0
    while first_bytes + second_bytes > room:
        if first_bytes > second_bytes:
            first_bytes -= 1
        else:
            second_bytes -= 1
    parts = [clipped(first, first_bytes)]
    if second is not None:
        parts.append(clipped(second, second_bytes))
    return "_".join([*parts, label])


def chosen(first: str, second: str | None, label: str, taken: Collection[str]) -> str:
    """The first of `made_up`'s names, numbered from 1 on, that is not taken."""
    name, number = made_up(first, second, label), 0
    while name in taken:
        number += 1
        name = made_up(first, second, f"{label}{number}")
    return name


def index_columns_part(columns: Sequence[str]) -> str:
    """The middle of an unnamed index's name: its columns joined, up to 63 bytes.

    An expression is written `expr`; a name that occurs again is numbered, as the
    server does in `ChooseIndexColumnNames`.
    """
    seen: list[str] = []
    for column in columns:
        name, number = column, 0
        while name in seen:
            number += 1
            suffix = str(number)
            name = clipped(column, NAME_BYTES - len(suffix)) + suffix
        seen.append(name)
    joined = ""
    for name in seen:
        joined = f"{joined}_{name}" if joined else name
        if len(joined.encode()) >= NAME_BYTES:
            break
    return clipped(joined)

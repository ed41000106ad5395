"""What a rehearsal saw, as hashes: enough to tell whether another one saw the same, and no row of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from workorders.migration.rehearsal.rows import TableRows
from workorders.migration.rehearsal.state import Loose, State
from workorders.migration.rehearsal.writes import Sent


@dataclass(frozen=True, kw_only=True)
class Checksum:
    """A table's rows, without the columns that are a matter of chance."""

    rows: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A copy at one moment."""

    #: The fingerprint's hash.
    schema: str
    #: By the table's name.
    rows: Mapping[str, Checksum]


@dataclass(frozen=True, kw_only=True)
class Record:
    """A rehearsal's moments, by name, and the writes that it sent."""

    moments: Mapping[str, Moment] = field(default_factory=dict)
    writes: int = 0
    #: Those that succeeded on the plain SQL's copy.
    succeeded: int = 0

    @classmethod
    def of(cls, states: Mapping[str, State], loose: Loose, sent: Collection[Sent]) -> Record:
        """The hashes of what was seen."""
        return cls(
            moments={
                name: Moment(
                    schema=state.schema.hash,
                    rows={
                        str(table): _checksum(rows, {c for c in rows.columns if (table, c) in loose})
                        for table, rows in sorted(state.rows.items())
                    },
                )
                for name, state in states.items()
            },
            writes=len(sent),
            succeeded=sum(not each.sqlstate for each in sent),
        )


def _checksum(table: TableRows, loose: Collection[str]) -> Checksum:
    strict = [place for place, column in enumerate(table.columns) if column not in loose]
    rows = sorted(json.dumps([row[place] for place in strict]) for row in table.rows)
    return Checksum(rows=len(rows), sha256=hashlib.sha256("\n".join(rows).encode()).hexdigest())

"""The page of hazards: each record, and what lint prints of its bad example."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot.render import findings
from bot.render.findings import File
from workorders.migration.hazards import HAZARDS
from workorders.migration.hazards.hazard import Hazard
from workorders.migration.hazards.linting import Linted, lint

_HEAD = """# Hazards

What a migration may do to those who use the database, and the way out of it. `lockkeeper lint FILE...` names
them, each with its line, before anybody runs the file:

```
lockkeeper lint db/migrations/*.sql
lockkeeper lint 0042.sql --database "$URL"            # what the database shows to be harmless is not said
lockkeeper lint db/migrations/*.sql --format github   # or json, sarif
```

Nothing is said of a table that the file itself creates, nor, with a database, of an empty one, where only
a full one would suffer. Exit status: 0 no hazard, 1 hazards, 2 a file, a comment or the database could not
be read.

A hazard that is accepted is allowed by a comment, with its reason. It is for the one statement that follows,
and the report shows it; one that allows nothing is reported too.

```sql
-- lockkeeper: allow drop-column because nothing has read it since release 12
ALTER TABLE customers DROP COLUMN note;
```

What is listed under *On a server* is no opinion: a test runs both examples on a server with rows, and sees
it for the bad one and not for the good one.
"""


def page(made: str) -> str:
    """All of it; `made` is the line that says that it is made."""
    return "\n".join([made, _HEAD, *_counts(), *(line for hazard in HAZARDS for line in _section(hazard))])


def _section(hazard: Hazard) -> Iterator[str]:
    yield f"## `{hazard.id}`: {hazard.title}"
    yield ""
    yield f"{hazard.condition} {hazard.consequence}"
    yield ""
    if hazard.since:
        yield f"Servers {hazard.since} and later."
        yield ""
    yield "```sql"
    yield "-- bad"
    yield hazard.bad
    yield "```"
    yield ""
    if hazard.needs_database:
        yield "Found only with `--database`, or where the script itself shows it."
    else:
        found = tuple(each for each in lint(hazard.bad).findings if each.hazard is hazard)
        file = File(path="bad.sql", linted=Linted(findings=found))
        yield "```"
        yield from tuple(findings.text((file,)))[:-1]
        yield "```"
    yield ""
    yield "On a server:"
    yield ""
    yield from (f"- {claim}" for claim in hazard.effect.words)
    yield ""
    yield f"Way out: {hazard.way_out}"
    yield ""
    yield "```sql"
    yield "-- good"
    yield hazard.good
    yield "```"
    yield ""


_RUN = """Run on 28 November 2026 over the migrations of three projects, each file by itself and without a
database: `up.sql` of rust-lang/crates.io and LemmyNet/lemmy, `migration.sql` of
triggerdotdev/trigger.dev. All files could be read. What it says with a database of whole histories,
and how much of that a server confirms, stands in [A whole history as a measure](corpus.md)."""

#: What lint found on 28 November 2026, each file by itself and without a database.
_CORPORA = ("crates.io", "lemmy", "trigger.dev")
_FILES = (285, 342, 820)
_FOUND: Mapping[str, tuple[int, int, int]] = {
    "add-column-volatile-default": (0, 2, 0),
    "add-stored-column": (1, 0, 0),
    "add-required-column": (3, 1, 134),
    "add-column-with-check": (2, 0, 0),
    "add-unique-column": (0, 6, 0),
    "add-column-default-references": (0, 2, 0),
    "set-not-null": (18, 56, 16),
    "add-check": (1, 9, 0),
    "add-foreign-key": (30, 33, 116),
    "add-key": (12, 45, 0),
    "foreign-key-without-index": (10, 106, 304),
    "create-index": (52, 405, 94),
    "drop-index": (18, 129, 38),
    "reindex": (0, 11, 0),
    "index-if-not-exists": (5, 0, 56),
    "alter-type": (6, 25, 17),
    "rename-enum-label": (0, 3, 0),
    "drop-column": (20, 117, 173),
    "drop-table": (8, 59, 97),
    "drop-cascade": (1, 83, 27),
    "rename-column": (4, 198, 3),
    "rename-table": (1, 15, 0),
    "write-all-rows": (2, 20, 10),
    "write-under-lock": (0, 0, 1),
    "two-tables-in-one-transaction": (0, 0, 2),
    "disable-trigger": (0, 13, 0),
    "no-lock-timeout": (143, 211, 558),
}


def _counts() -> Iterator[str]:
    yield "## What it says of other people's migrations"
    yield ""
    yield _RUN
    yield ""
    yield f"| hazard | {' | '.join(_CORPORA)} |"
    yield f"|---|{'---|' * len(_CORPORA)}"
    yield f"| *files* | {' | '.join(map(str, _FILES))} |"
    for hazard in HAZARDS:
        if hazard.id in _FOUND:
            yield f"| `{hazard.id}` | {' | '.join(map(str, _FOUND[hazard.id]))} |"
    yield ""

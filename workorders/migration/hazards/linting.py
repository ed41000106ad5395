"""A script held against every hazard, on a catalog where there is one. Changes nothing, asks nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.errors import Unreadable
from workorders.migration.hazards import BY_ID, HAZARDS
from workorders.migration.hazards.allowances import Allowance, read
from workorders.migration.hazards.hanging import Hanging
from workorders.migration.hazards.hazard import Hazard
from workorders.migration.hazards.past import Past
from workorders.migration.hazards.scene import Scene
from workorders.migration.names import RelationName
from workorders.migration.sql import blocks, tree
from workorders.migration.sql.tree import RawStatement


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A hazard met at a line."""

    hazard: Hazard
    #: 1-based line of the statement.
    line: int
    sentence: str
    way_out: str
    #: As in `Seen`.
    tables: tuple[str, ...] = ()
    name: str = ""
    #: Why it is allowed; "" where it is not.
    allowed_because: str = ""


@dataclass(frozen=True, kw_only=True)
class Linted:
    """What there is to say of one script."""

    #: In the order of the script. Those that are allowed too.
    findings: tuple[Finding, ...] = ()
    #: Allowances that allowed nothing.
    unused: tuple[Allowance, ...] = ()
    #: What could not be read: the script, or a comment to us.
    problems: tuple[Unreadable, ...] = ()

    @property
    def hazards(self) -> tuple[Finding, ...]:
        """The findings that nobody has allowed and that are no mere notes."""
        return tuple(each for each in self.findings if not each.allowed_because and not each.hazard.is_note)


def lint(
    text: str,
    catalog: Catalog | None = None,
    empty: Collection[RelationName] = (),
    hanging: Mapping[str, tuple[Hanging, ...]] | None = None,
) -> Linted:
    """Every hazard of a script, statement by statement.

    `empty` are tables known to hold no row; `hanging` is what `hanging.hanging` gives for this script.
    What the grammar does not accept is a problem, and then nothing else is said.
    """
    try:
        statements = tree.statements(text)
    except Unreadable as error:
        return Linted(problems=(_in_words(error, text),))
    allowances = read(text, BY_ID)
    findings = tuple(_findings(statements, catalog, frozenset(empty), hanging))
    used: set[Allowance] = set()
    settled = []
    for number, finding in findings:
        begins_after = statements[number - 1].offset if number else -1
        match = next(
            (
                each
                for each in allowances.allowed
                if each.hazard == finding.hazard.id and begins_after < each.offset < statements[number].offset
            ),
            None,
        )
        if match is not None:
            used.add(match)
            finding = replace(finding, allowed_because=match.reason)
        settled.append(finding)
    return Linted(
        findings=tuple(settled),
        unused=tuple(each for each in allowances.allowed if each not in used),
        problems=allowances.problems,
    )


def _findings(
    statements: tuple[RawStatement, ...],
    catalog: Catalog | None,
    empty: frozenset[RelationName],
    hanging: Mapping[str, tuple[Hanging, ...]] | None,
) -> Iterator[tuple[int, Finding]]:
    """Each finding with the number of its statement."""
    past = Past()
    noted: set[str] = set()
    unfolded = [(number, raw) for number, each in enumerate(statements) for raw in _unfolded(each)]
    for place, (number, raw) in enumerate(unfolded):
        following = tuple(later for _, later in unfolded[place + 1 :])
        scene = Scene(raw=raw, past=past, following=following, catalog=catalog, empty=empty, hanging=hanging)
        for hazard in HAZARDS:
            if hazard.id in noted or (catalog is not None and catalog.major < hazard.since):
                continue
            for seen in hazard.judge(scene):
                noted |= {hazard.id} if hazard.is_note else set()
                yield (
                    number,
                    Finding(
                        hazard=hazard,
                        line=raw.line,
                        sentence=seen.sentence,
                        way_out=seen.way_out or hazard.way_out,
                        tables=seen.tables,
                        name=seen.name,
                    ),
                )
        past.take(raw)


def _unfolded(raw: RawStatement) -> tuple[RawStatement, ...]:
    """A DO block's own statements, on its line; any other statement as it is."""
    if raw.kind != "DoStmt":
        return (raw,)
    return blocks.read(raw).statements


def _in_words(error: Unreadable, text: str) -> Unreadable:
    """A backslash command of psql's is called what it is."""
    lines = text.splitlines()
    line = lines[error.line - 1].strip() if 0 < error.line <= len(lines) else ""
    if not line.startswith("\\"):
        return error
    return Unreadable(
        f"{line.split()[0]} is a command of psql's, not SQL.",
        "Take it out, or lint the file that it leads to.",
        line=error.line,
        column=error.column,
    )


def relations(text: str) -> frozenset[tuple[str, str]]:
    """Schema ("" where not given) and name of everything that a script names in a FROM or as a target."""
    try:
        statements = tree.statements(text)
    except Unreadable:
        return frozenset()
    found = {
        (each.node.get("schemaname", ""), each.node["relname"])
        for raw in statements
        for each in tree.walk({raw.kind: raw.node})
        if each.kind == "RangeVar"
    }
    found |= {
        (raw.node["relation"].get("schemaname", ""), raw.node["relation"]["relname"])
        for raw in statements
        if isinstance(raw.node.get("relation"), dict) and "relname" in raw.node["relation"]
    }
    return frozenset(found)

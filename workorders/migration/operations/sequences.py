"""Where a sequence stands: kept before something changes it, and never lowered on the way back."""

from __future__ import annotations

from workorders.migration.names import OUR_SCHEMA, RelationName, literal, ours


def kept(sequence: RelationName, run: str, part: str) -> RelationName:
    """The table of ours that remembers where it stood."""
    return RelationName(schema=OUR_SCHEMA, name=ours("sequence", run, part, str(sequence)))


def keeping(sequence: RelationName, into: RelationName) -> str:
    """The statement that remembers it."""
    return f"CREATE TABLE {into.sql} AS SELECT last_value, is_called FROM {sequence.sql}"


def raising(sequence: RelationName, source: RelationName) -> str:
    """The statement that puts it where it stood, unless that would give out a number twice."""
    return (
        f"SELECT pg_catalog.setval({literal(sequence.sql)}::regclass, k.last_value, k.is_called)"
        f" FROM {source.sql} k, {sequence.sql} s, pg_catalog.pg_sequence q"
        f" WHERE q.seqrelid = {literal(sequence.sql)}::regclass"
        " AND ((k.last_value - s.last_value) * sign(q.seqincrement) > 0"
        " OR k.last_value = s.last_value AND k.is_called)"
    )

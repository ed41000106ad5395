"""What hangs on a table beside its columns, constraints and indexes, as values."""

from __future__ import annotations

from dataclasses import dataclass

from workorders.migration.names import RelationName, literal


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """A user's trigger (`tgisinternal` false)."""

    name: str
    definition: str
    #: O origin, D disabled, R replica, A always (`tgenabled`).
    enabled: str = "O"
    is_row: bool = True
    #: Schema-qualified, quoted where needed.
    function: str = ""
    #: A partition's copy of its parent's trigger.
    is_inherited: bool = False


@dataclass(frozen=True, kw_only=True)
class Dependant:
    """Something that needs a table or one of its columns and would be in a DROP's way."""

    #: view, materialized view, rule, policy, trigger, function, generated column, foreign key ...
    kind: str
    #: As `pg_describe_object` puts it.
    description: str
    #: The column that it needs; None for the whole table.
    column: str | None = None
    #: The relation that it is (a view) or is part of (a policy, a foreign key), where there is one.
    relation: RelationName | None = None
    #: It is part of the same table: in the way of DROP COLUMN, never of DROP TABLE.
    is_own: bool = False


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """An extended statistics object (CREATE STATISTICS)."""

    name: RelationName
    definition: str
    columns: tuple[str, ...] = ()
    #: How much of it is gathered (`stxstattarget`); None for as much as of its columns.
    target: int | None = None
    comment: str | None = None

    def said_of(self, name: RelationName) -> tuple[str, ...]:
        """The statements that say the same of one of another name."""
        target = f"ALTER STATISTICS {name.sql} SET STATISTICS {self.target}"
        comment = f"COMMENT ON STATISTICS {name.sql} IS {literal(self.comment or '')}"
        return (*((target,) if self.target is not None else ()), *((comment,) if self.comment else ()))

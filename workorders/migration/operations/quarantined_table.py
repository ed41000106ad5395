"""A table in our schema: under which names it and its parts stand there, and how it moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workorders.migration.catalog.snapshot import Column, Table
from workorders.migration.names import OUR_SCHEMA, RelationName, ours, quoted


@dataclass(frozen=True, kw_only=True)
class QuarantinedTable:
    """A table that moves to our schema, with the names that its parts have there.

    Indexes and owned sequences move along with it; each gets a name of its own before, for two
    tables of two schemas may have indexes of the same name. Extended statistics do not move by
    themselves.
    """

    #: As it was.
    table: Table
    run: str
    #: Tells it from a table of the same name that the script drops elsewhere.
    part: str

    @property
    def name(self) -> RelationName:
        """Where it stands in our schema."""
        return RelationName(schema=OUR_SCHEMA, name=self._hidden("table", self.table.name))

    @property
    def hiding(self) -> tuple[str, ...]:
        """Moves it away."""
        name = self.table.name
        alter = f"ALTER TABLE {name.sql}"
        sql = [f"{self._only} ALTER COLUMN {quoted(column.name)} DROP DEFAULT" for column in self._counted]
        if self.table.forces_row_security:
            # Its rows are counted before it comes back, by a session that owns it.
            sql.append(f"{alter} NO FORCE ROW LEVEL SECURITY")
        for kind, part in self._parts():
            sql.append(f"ALTER {kind} {part.sql} RENAME TO {quoted(self._hidden(kind, part))}")
        for each in self.table.statistics:
            there = RelationName(schema=each.name.schema, name=self._hidden("STATISTICS", each.name))
            sql.append(f"ALTER STATISTICS {each.name.sql} RENAME TO {quoted(there.name)}")
            sql.append(f"ALTER STATISTICS {there.sql} SET SCHEMA {quoted(OUR_SCHEMA)}")
        there = RelationName(schema=name.schema, name=self.name.name)
        sql.append(f"{alter} RENAME TO {quoted(there.name)}")
        sql.append(f"ALTER TABLE {there.sql} SET SCHEMA {quoted(OUR_SCHEMA)}")
        return tuple(sql)

    @property
    def bringing_back(self) -> tuple[str, ...]:
        """Moves it back, the last thing first."""
        name = self.table.name
        here = RelationName(schema=name.schema, name=self.name.name)
        sql = [
            f"ALTER TABLE {self.name.sql} SET SCHEMA {quoted(name.schema)}",
            f"ALTER TABLE {here.sql} RENAME TO {quoted(name.name)}",
        ]
        for each in self.table.statistics:
            hidden = self._hidden("STATISTICS", each.name)
            there = RelationName(schema=OUR_SCHEMA, name=hidden)
            back = RelationName(schema=each.name.schema, name=hidden)
            sql.append(f"ALTER STATISTICS {there.sql} SET SCHEMA {quoted(each.name.schema)}")
            sql.append(f"ALTER STATISTICS {back.sql} RENAME TO {quoted(each.name.name)}")
        for kind, part in self._parts():
            hidden_part = RelationName(schema=part.schema, name=self._hidden(kind, part))
            sql.append(f"ALTER {kind} {hidden_part.sql} RENAME TO {quoted(part.name)}")
        return tuple(sql)

    @property
    def counting_again(self) -> tuple[str, ...]:
        """Gives columns their defaults, once all is back that they count with."""
        return tuple(
            f"{self._only} ALTER COLUMN {quoted(column.name)} SET DEFAULT {column.default}"
            for column in self._counted
        )

    @property
    def forcing(self) -> tuple[str, ...]:
        """Holds its owner to its policies again, once its rows need not be looked at any more."""
        force = f"ALTER TABLE {self.table.name.sql} FORCE ROW LEVEL SECURITY"
        return (force,) if self.table.forces_row_security else ()

    def _parts(self) -> Iterator[tuple[str, RelationName]]:
        for index in self.table.index_names:
            yield "INDEX", RelationName(schema=self.table.name.schema, name=index)
        for column in self.table.columns:
            for sequence in column.owned_sequences:
                yield "SEQUENCE", sequence

    @property
    def _counted(self) -> tuple[Column, ...]:
        """Columns that count with a sequence of somebody else's, which may be dropped, too."""
        return tuple(
            column
            for column in self.table.columns
            if column.default is not None and "nextval(" in column.default and not column.owned_sequences
        )

    @property
    def _only(self) -> str:
        """ALTER TABLE that leaves the defaults of what inherits from it as they are."""
        return f"ALTER TABLE {self.table.own_rows}"

    def _hidden(self, kind: str, part: RelationName) -> str:
        return ours(kind.lower(), self.run, self.part, part.schema, part.name)

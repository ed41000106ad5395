"""ANALYZE, VACUUM and REINDEX

What changes no row and no definition, so that there is nothing to undo. ANALYZE and VACUUM take SHARE
UPDATE EXCLUSIVE, which stops no reader or writer: they are run table by table. Plain REINDEX stops
writers of the table while every index is built: the online form is CONCURRENTLY, index by index.
VACUUM FULL is refused, for it writes the table anew while nobody may read it.
Source: https://www.postgresql.org/docs/18/sql-reindex.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName, made_up
from workorders.migration.operations import family
from workorders.migration.operations.operation import Check, Place
from workorders.migration.steps import Action, Step

#: ANALYZE and VACUUM of a table are of what inherits from it, too.
_REACHES_HEIRS_SINCE = 18


@dataclass(frozen=True, kw_only=True)
class Maintain:
    """One table's statistics or dead rows, or one of its indexes built anew."""

    name: ClassVar[str] = "maintenance"
    place: Place
    table: RelationName
    #: The statement, about this table alone; "" where an index is built anew.
    sql: str = ""
    #: VACUUM is in no transaction.
    is_transactional: bool = True
    #: The index that is built anew.
    index: RelationName | None = None

    def hazard(self) -> str:
        """Writers of the table, for REINDEX."""
        if self.index is None:
            return f"nobody waits: {self.table} is read, and neither reads nor writes of it are stopped"
        return f"writes of {self.table} wait while its indexes are built under SHARE"

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """Nothing is undone."""
        locks: tuple[Lock, ...] = (Lock(relation=self.table, mode=LockMode.SHARE_UPDATE_EXCLUSIVE),)
        if self.index is None and catalog.major >= _REACHES_HEIRS_SINCE:
            heirs = (heir.name for heir in family.heirs(catalog, self.table))
            locks += tuple(Lock(relation=name, mode=LockMode.SHARE_UPDATE_EXCLUSIVE) for name in heirs)
        if self.index is not None:
            half = RelationName(schema=self.index.schema, name=made_up(self.index.name, None, "ccnew"))
            action = Action(
                title=f"build index {self.index} anew",
                sql=(f"REINDEX INDEX CONCURRENTLY {self.index.sql}",),
                locks=locks,
                scans=(self.table,),
                is_transactional=False,
                done=questions.negated(questions.relation_exists(half)),
                sweep=(f"DROP INDEX CONCURRENTLY IF EXISTS {half.sql}",),
            )
        else:
            action = Action(
                title=f"{self.sql.split()[0].lower()} {self.table}",
                sql=(self.sql,),
                locks=locks,
                is_transactional=self.is_transactional,
                done="SELECT false" if self.is_transactional else "SELECT true",
            )
        return (Step(statement=self.place.statement, operation=self.name, action=action),)

    def after(self, catalog: Catalog) -> Catalog:
        """Nothing of it is the catalog's."""
        return catalog

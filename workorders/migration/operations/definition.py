"""CREATE, ALTER and DROP of views, functions, triggers, policies, types and more; GRANT, COMMENT

Objects without rows. Plain form: a catalog change, under ACCESS EXCLUSIVE on the view, or on the
table of the trigger, policy or rule (SHARE ROW EXCLUSIVE for a new trigger), so it is the online
form too, under lock retry. The inverse restores what `pg_dump` says of the object as it was:
definition, owner, privileges and comment, and the same for all that cannot be without it. Where
CREATE OR REPLACE can give the former definition back, that is used, since nothing is dropped then.
Publications are changed under SHARE UPDATE EXCLUSIVE on the tables that they name, which stops no
reader or writer; their subscribers are on other servers, where no rollback comes, and the plan says so.
Source: https://www.postgresql.org/docs/18/sql-commands.html.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName
from workorders.migration.operations.operation import Check, Place
from workorders.migration.other_names import OtherName
from workorders.migration.sql.renamed import RenamedType
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class ChangeDefinition:
    """A statement that changes only objects without rows, with what undoes it."""

    name: ClassVar[str] = "definition"
    place: Place
    #: The object's schema and name; of a trigger or policy, its table's.
    table: RelationName
    #: What is done, e.g. `replace view public.v`.
    title: str
    #: As it stands in the script: it means what it means under the role's own search path.
    sql: str
    locks: tuple[Lock, ...] = ()
    undo_title: str
    undo: tuple[str, ...]
    undo_locks: tuple[Lock, ...] = ()
    #: What of the application's fails from then on, and why; "" for nothing that is known.
    stops: str = ""
    #: What the way back cannot bring back, in words; "" where it brings back everything.
    loses: str = ""
    #: Materialised views that are made again, filled, on the way back.
    fills_again: tuple[RelationName, ...] = ()
    #: The way back waits until what the script has renamed before has its former name; then this question
    #: tells whether it has been gone.
    undone_later: str = ""
    #: The type that has another name then.
    renames: RenamedType | None = None
    #: What has another name from then on.
    other_names: tuple[OtherName, ...] = ()
    #: The catalog once it has run.
    becomes: Catalog

    def hazard(self) -> str:
        """Whoever uses the relation, for a moment."""
        then = f"; {self.stops}" if self.stops else ""
        if not self.locks:
            return f"nobody waits: {self.title} locks no table{then}"
        names = ", ".join(dict.fromkeys(str(lock.relation) for lock in self.locks))
        if all(lock.mode is LockMode.SHARE_UPDATE_EXCLUSIVE for lock in self.locks):
            return f"no reader or writer of {names} waits: {self.title} is a catalog change{then}"
        return f"whoever uses {names} waits for a catalog change, and for whom it waits for{then}"

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """As it is written, with its way back."""
        undo = Action(title=self.undo_title, sql=self.undo, locks=self.undo_locks)
        if self.undone_later:
            undo = replace(undo, done=self.undone_later)
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(title=self.title, sql=(self.sql,), locks=self.locks),
                undo=(undo,) if self.undo else (),
                loses=self.loses,
                other_names=self.other_names,
            ),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """As it was found when the statement was read."""
        return self.becomes

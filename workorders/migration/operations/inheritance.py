"""Tables that inherit from others (INHERITS): what they get and lose with these, and what is in the way.

An heir has each column, CHECK and (18 and later) NOT NULL of its parents, by name, marked with how
many parents give it and whether it is the heir's own as well. What only parents give goes with
the last of them. Keys, triggers, policies and privileges are not inherited.
Source: https://www.postgresql.org/docs/18/ddl-inherit.html, and the server's tablecmds.c.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from workorders.migration.catalog.snapshot import Catalog, Column, Constraint, Table
from workorders.migration.names import RelationName, is_ours, quoted
from workorders.migration.operations.operation import Place, refused

#: From here on NOT NULL is a constraint that knows who gives it.
_COUNTED_SINCE = 18

_BY_HAND = "Run the statement by hand."


def inherits(constraint: Constraint) -> bool:
    """Whether heirs have it, too."""
    return constraint.kind == "c" and not constraint.is_no_inherit


def inherited(column: Column) -> Column:
    """A parent's column as its heir gets it."""
    return replace(
        column,
        is_inherited=True,
        is_local=False,
        is_not_null_local=False,
        identity="",
        owned_sequences=(),
        comment=None,
        statistics_target=None,
        options=(),
        grants=(),
    )


def followed(catalog: Catalog, was: Table, now: Table, heirs: Iterable[Table]) -> Catalog:
    """The catalog in which heirs, each after its parents, have got and lost what a table has."""
    for heir in heirs:
        table = catalog.tables[heir.name]
        parents = [catalog.tables[name] for name in table.parents if name in catalog.tables]
        catalog = catalog.with_table(
            replace(
                table,
                columns=tuple(_columns(catalog, table, parents, was, now)),
                constraints=tuple(_constraints(table, parents, now)),
            )
        )
    return catalog


def _columns(
    catalog: Catalog, table: Table, parents: list[Table], was: Table, now: Table
) -> Iterable[Column]:
    names = {column.name for column in table.columns}
    has_left = any(is_ours(name.name) for name in table.parents)
    for column in table.columns:
        is_inherited = any(parent.column(column.name) for parent in parents)
        is_inherited = is_inherited or (has_left and column.is_inherited)
        if column.is_inherited and not (is_inherited or column.is_local):
            continue
        old, new = was.column(column.name), now.column(column.name)
        changed = column if old is None or new is None else _as(catalog, column, old, new, parents)
        yield replace(changed, is_inherited=is_inherited)
    for parent in parents:
        for column in parent.columns:
            if column.name not in names:
                names.add(column.name)
                yield inherited(column)


def _as(catalog: Catalog, column: Column, old: Column, new: Column, parents: list[Table]) -> Column:
    demanding = [parent for parent in parents if (c := parent.column(column.name)) and c.not_null]
    if new.not_null and not column.not_null:
        column = replace(column, not_null=True, not_null_name=new.not_null_name, is_not_null_local=False)
    elif old.not_null and not new.not_null:
        stays = column.is_not_null_local or demanding
        if catalog.major < _COUNTED_SINCE or not stays:
            column = replace(column, not_null=False, not_null_name=None)
    if old.is_not_null_validated != new.is_not_null_validated:
        column = replace(column, is_not_null_validated=new.is_not_null_validated)
    if old.type != new.type or old.collation != new.collation:
        column = replace(
            column, type=new.type, collation=new.collation, storage="", compression="", is_domain=False
        )
    return column


def _constraints(table: Table, parents: list[Table], now: Table) -> Iterable[Constraint]:
    given = {each.name: each for parent in parents for each in parent.constraints if inherits(each)}
    if any(is_ours(name.name) for name in table.parents):
        given = {**{each.name: each for each in table.constraints if each.is_inherited}, **given}
    for constraint in table.constraints:
        found = given.pop(constraint.name, None) if constraint.kind == "c" else None
        if constraint.is_inherited and constraint.kind == "c" and not (found or constraint.is_local):
            continue
        valid = now.constraint(constraint.name)
        is_validated = constraint.is_validated or bool(found and valid and valid.is_validated)
        yield replace(constraint, is_inherited=found is not None, is_validated=is_validated)
    for each in given.values():
        yield replace(each, is_inherited=True, is_local=False, comment=None)


def must_be_new(table: Table, heirs: Iterable[Table], column: str, place: Place) -> None:
    """Raises Refused where an heir has a column of the name: it would become the parent's, too."""
    for heir in heirs:
        if heir.column(column) is not None:
            raise refused(
                place,
                f"{heir.name} inherits from {table.name} and has a column {column} of its own, which would be"
                " taken for the new one: on the way back the two could not be told apart.",
                "Choose another name, or add the column by hand.",
            )


def must_go_along(
    catalog: Catalog, table: Table, heirs: Iterable[Table], column: Column, place: Place
) -> None:
    """Raises Refused where DROP COLUMN would leave an heir its column: renaming takes that along."""
    tree = {table.name, *(heir.name for heir in heirs)}
    for heir in heirs:
        own = heir.column(column.name)
        if own is None:
            continue
        others = [name for name in _giving(catalog, heir, column.name) if name not in tree]
        if own.is_local or others:
            why = "is its own as well" if own.is_local else f"comes from {others[0]} as well"
            raise refused(
                place,
                f"{heir.name} inherits from {table.name}, but its {column.name} {why}, and the server would"
                " leave it there: put out of sight under another name, the parent's would take it along.",
                _BY_HAND,
            )
        if own.not_null and not column.not_null:
            raise refused(
                place,
                f"{heir.name}.{column.name} is NOT NULL, as {table.name}'s is not: out of sight it would"
                " keep rows out.",
                f"ALTER TABLE {heir.name.sql} ALTER COLUMN {column.name} DROP NOT NULL; first.",
            )


def must_be_given_here(
    catalog: Catalog, table: Table, heirs: Iterable[Table], column: str, place: Place
) -> None:
    """Raises Refused, as the server does, where an heir has the column from somebody else as well."""
    tree = {table.name, *(heir.name for heir in heirs)}
    for heir in heirs:
        others = [name for name in _giving(catalog, heir, column) if name not in tree]
        if heir.column(column) is not None and others:
            raise refused(
                place,
                f"{heir.name} inherits {column} from {others[0]} as well as from {table.name}: the server"
                " changes it for both alone.",
                "Take one of the two out of its parents first (NO INHERIT), or drop the column.",
                sqlstate="42P16",
            )


def must_be_held_here(
    catalog: Catalog, table: Table, heirs: Iterable[Table], constraint: str, place: Place
) -> None:
    """Raises Refused, as the server does, where an heir has the constraint from somebody else as well."""
    tree = {table.name, *(heir.name for heir in heirs)}
    for heir in heirs:
        others = [catalog.tables[name] for name in heir.parents if name in catalog.tables]
        others = [each for each in others if each.name not in tree and each.constraint(constraint)]
        if others:
            raise refused(
                place,
                f"{heir.name} inherits {constraint} from {others[0].name} as well as from {table.name}: the"
                " server renames it in both alone.",
                "Take one of the two out of its parents first (NO INHERIT).",
                sqlstate="42P16",
            )


#: What of an inherited part only the parents may say: of columns, and of constraints.
_OF_COLUMN = {"AT_DropColumn": "dropped", "AT_AlterColumnType": "altered", "RENAME COLUMN": "renamed"}
_OF_CONSTRAINT = {"AT_DropConstraint": "dropped", "RENAME CONSTRAINT": "renamed"}


def must_be_its_own(table: Table, name: str, command: str, place: Place) -> None:
    """Raises Refused, as the server does, for what is for the parents of an heir to say."""
    part: Column | Constraint | None = None
    if command in _OF_COLUMN:
        part = table.column(name)
    elif command in _OF_CONSTRAINT:
        part = table.constraint(name)
    if not table.is_heir or part is None or not part.is_inherited:
        return
    must_have_parents(table, place)
    done = {**_OF_COLUMN, **_OF_CONSTRAINT}[command]
    raise refused(
        place,
        f"{name} of {table.name} is inherited, and {done} in its parents: the server would refuse it here.",
        f"Write it for {', '.join(map(str, table.parents))}.",
        sqlstate="42P16",
    )


def must_be_separable(catalog: Catalog, table: Table, parent: Table, place: Place) -> None:
    """Raises Refused where a server before 18 fails at NO INHERIT: it takes a check for a parent's."""
    own = {each.name for each in table.constraints if each.kind == "c"}
    found = [each.name for each in parent.constraints if each.kind == "c" and each.is_no_inherit]
    mistaken = [name for name in found if name in own]
    if mistaken and catalog.major < _COUNTED_SINCE:
        raise refused(
            place,
            f"{mistaken[0]} of {parent.name} is NO INHERIT, and {table.name} has a check of that name:"
            " servers before 18 fail when the one is to inherit no more from the other.",
            f"ALTER TABLE {table.name.sql} RENAME CONSTRAINT {quoted(mistaken[0])} TO another name first.",
        )


def must_have_parents(table: Table, place: Place) -> None:
    """Raises Refused for a table that has left a parent, while ours stands in for that."""
    if any(is_ours(parent.name) for parent in table.parents):
        raise refused(
            place,
            f"{table.name} has left a parent, but what it had from it stays inherited until the purge, or"
            " the way back could not tell it from its own.",
            "Do this in a migration of its own, once the one with NO INHERIT is purged. DROP TABLE needs no"
            " NO INHERIT before it.",
        )


def _giving(catalog: Catalog, heir: Table, column: str) -> list[RelationName]:
    parents = (catalog.tables[name] for name in heir.parents if name in catalog.tables)
    return [parent.name for parent in parents if parent.column(column) is not None]


def must_lose_alike(
    catalog: Catalog, table: Table, heirs: Iterable[Table], column: Column, place: Place
) -> None:
    """Raises Refused where NOT NULL, given back to the table, would not be what heirs had."""
    tree = {table.name, *(heir.name for heir in heirs)}
    for heir in heirs:
        own = heir.column(column.name)
        if own is None:
            continue
        if catalog.major < _COUNTED_SINCE:
            is_alike = own.not_null
        else:
            others = [catalog.tables[name] for name in heir.parents if name not in tree]
            keeps = own.is_not_null_local or any((c := o.column(column.name)) and c.not_null for o in others)
            is_alike = own.not_null and bool(keeps or own.not_null_name == column.not_null_name)
        if not is_alike:
            raise refused(
                place,
                f"{heir.name} inherits from {table.name}, and its NOT NULL of {column.name} is not as that"
                " one's: the way back would give it another.",
                _BY_HAND,
            )


def must_demand_alone(catalog: Catalog, table: Table, column: Column, place: Place) -> None:
    """Raises Refused, as the server does since 18, where a parent demands a value of the column as well."""
    parents = (catalog.tables[name] for name in table.parents if name in catalog.tables)
    demanding = [each.name for each in parents if (c := each.column(column.name)) and c.not_null]
    if table.is_heir and demanding and catalog.major >= _COUNTED_SINCE:
        raise refused(
            place,
            f"{column.name} of {table.name} is inherited, and NOT NULL in {demanding[0]}: the server would"
            " not let it be NULL here alone.",
            f"Write it for {demanding[0]}.",
            sqlstate="42P16",
        )


def must_be_valid_alike(table: Table, heirs: Iterable[Table], constraint: Constraint, place: Place) -> None:
    """Raises Refused where a constraint is valid in one table and NOT VALID in its heir."""
    for heir in heirs:
        own = heir.constraint(constraint.name)
        if own is not None and own.is_inherited and own.is_validated != constraint.is_validated:
            raise refused(
                place,
                f"{constraint.name} is {'valid' if own.is_validated else 'NOT VALID'} in {heir.name} and not"
                f" so in {table.name}, from which it inherits: the way back would make them alike.",
                f"VALIDATE CONSTRAINT {constraint.name} in both first.",
            )


def must_be_valid(table: Table, place: Place, what: str) -> None:
    """Raises Refused for a NOT VALID constraint of a table with parents or heirs, which rows of it may break.

    While they are brought back it would have to be taken away, and in heirs it may be valid.
    """
    open_ones = [c.name for c in table.constraints if c.kind == "c" and not c.is_validated and c.is_enforced]
    open_ones += [c.not_null_name or c.name for c in table.columns if not c.is_not_null_validated]
    if open_ones and (table.is_heir or table.has_heirs):
        raise refused(
            place,
            f"{open_ones[0]} of {table.name}, a part of an inheritance tree, is NOT VALID: rows that break it"
            f" could not be brought back after {what}.",
            f"ALTER TABLE {table.name.sql} VALIDATE CONSTRAINT {quoted(open_ones[0])}; first.",
        )


def must_not_inherit(table: Table, place: Place, what: str) -> None:
    """Raises Refused for a table that has parents or heirs, where an operation does not model those."""
    if table.is_heir or table.has_heirs:
        raise refused(
            place,
            f"{table.name} is part of an inheritance tree (INHERITS): {what} is not modelled for those yet.",
            "Take the statement out of this script, or run it by hand.",
        )

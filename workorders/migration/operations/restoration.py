"""What DROP ... CASCADE takes of objects without rows, and how it comes back as it was."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from workorders.migration.catalog.archive import Archive, Entry
from workorders.migration.catalog.attached import Dependant
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.errors import Unreadable
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import OUR_SCHEMA, RelationName, literal, quoted
from workorders.migration.operations.operation import Place, refused
from workorders.migration.sql import tree
from workorders.migration.sql.objects import must_be_current, relation_of

#: Kinds that go with their schema, unsaid, and are not dropped by themselves.
SILENT = frozenset({"DEFAULT ACL"})

#: Kinds that are made again from their definition, with nothing lost.
ROWLESS = frozenset(
    {
        *("VIEW", "MATERIALIZED VIEW", "FUNCTION", "PROCEDURE", "AGGREGATE", "TRIGGER", "POLICY", "RULE"),
        *("TYPE", "DOMAIN", "STATISTICS", "DEFAULT", "SCHEMA", "CAST", "OPERATOR"),
        *SILENT,
    }
)

#: Kinds that can be made again later than in the order in which they went.
_PUT_OFF = frozenset({"VIEW", "MATERIALIZED VIEW"})

#: Objects that are named with their relation.
_ON_TABLES = ("TRIGGER", "POLICY", "RULE")

#: Kinds that have no owner of their own.
_OWNERLESS = frozenset({"TRIGGER", "POLICY", "RULE", "DEFAULT", "INDEX", "CAST", "EXTENSION", *SILENT})

#: Kinds whose change stops all readers of the relation that they are, or are part of.
_STOPS_READERS = frozenset({"VIEW", "MATERIALIZED VIEW", "TRIGGER", "POLICY", "RULE", "DEFAULT"})

#: The kind as GRANT writes it, and what PUBLIC may where nobody has said anything.
_GRANTED = {
    "VIEW": ("TABLE", ""),
    "MATERIALIZED VIEW": ("TABLE", ""),
    "TABLE": ("TABLE", ""),
    "SEQUENCE": ("SEQUENCE", ""),
    "FUNCTION": ("FUNCTION", "EXECUTE"),
    "AGGREGATE": ("FUNCTION", "EXECUTE"),
    "PROCEDURE": ("PROCEDURE", "EXECUTE"),
    "TYPE": ("TYPE", "USAGE"),
    "DOMAIN": ("DOMAIN", "USAGE"),
    "SCHEMA": ("SCHEMA", ""),
}

#: What PUBLIC may in the schema `public` of a new database.
_IN_PUBLIC = "USAGE"

PUBLIC = "PUBLIC"

#: The end of a materialised view's definition that leaves it without rows.
_EMPTY = re.compile(r"WITH\s+NO\s+DATA\s*(;|\Z)", re.IGNORECASE)

#: Dumped definitions name everything in full, and a function's body may need what comes later.
PROLOGUE = (
    "SELECT pg_catalog.set_config('search_path', '', true)",
    "SELECT pg_catalog.set_config('check_function_bodies', 'off', true)",
)


@dataclass(frozen=True, kw_only=True)
class Taken:
    """Objects without rows that go together, in the order in which they are made."""

    archive: Archive
    entries: tuple[Entry, ...]
    #: Whoever makes an object owns it at first.
    role: str

    @property
    def dropping(self) -> tuple[str, ...]:
        """Takes them away, the last made first."""
        return tuple(entry.drop.removesuffix(";") for entry in reversed(self.entries) if entry.drop)

    @property
    def restoring(self) -> tuple[str, ...]:
        """Makes them again with owners, privileges and comments; search path and all set before."""
        if not self.entries:
            return ()
        statements = [each for entry in self.entries for each in made(entry, self.archive, self.role)]
        return (*PROLOGUE, *statements)

    @property
    def is_outdated(self) -> bool:
        """Some of their texts hold only once what the script has renamed has its former name."""
        return any(entry.number in self.archive.outdated for entry in self.entries)

    @property
    def filled(self) -> tuple[RelationName, ...]:
        """The materialised views that are made with their rows."""
        return tuple(
            RelationName(schema=entry.schema, name=entry.tag)
            for entry in self.entries
            if entry.kind == "MATERIALIZED VIEW" and not _EMPTY.search(entry.definition)
        )

    @property
    def locks(self) -> tuple[Lock, ...]:
        """What dropping and making them locks of what is there."""
        found = []
        for entry in self.entries:
            relation = relation_of(entry)
            if relation is None:
                continue
            if entry.kind in _STOPS_READERS:
                found.append(Lock(relation=relation, mode=LockMode.ACCESS_EXCLUSIVE))
            elif entry.kind == "STATISTICS":
                found.append(Lock(relation=relation, mode=LockMode.SHARE_UPDATE_EXCLUSIVE))
        return strongest(found)


def taken(archive: Archive, entries: Sequence[Entry], place: Place, role: str) -> Taken:
    """These and all that cannot be without them. Raises Refused, naming it, where rows would go too.

    Of outdated ones, only views may go: they come back once what was renamed has its former name.
    """
    found = archive.needing(entries)
    for entry in found:
        if entry.kind in ROWLESS or _is_of_materialized_view(entry, found):
            continue
        if entry.schema == OUR_SCHEMA:
            raise refused(
                place,
                f"The dropped table {entry.tag} keeps its rows until it is purged, and needs"
                f" {entries[0]} for them.",
                "Drop it in a migration of its own, after this one is purged.",
            )
        raise refused(
            place,
            f"{entry} needs {entries[0]}: it would have to go too, and what it holds could not come back.",
            "Change what needs it first, in statements of their own.",
        )
    _must_be_granted_plainly(archive, found, place)
    if not all(entry.kind in _PUT_OFF and _is_from_before(archive, entry) for entry in found):
        must_be_current(archive, found)
    return Taken(archive=archive, entries=found, role=role)


def _is_from_before(archive: Archive, entry: Entry) -> bool:
    """Whether the script has neither made it nor said anything of it."""
    said = (entry, *archive.attached(entry))
    return not any(each.search_path or each.kind == "ALTER" for each in said)


def locks_of_what_stays(gone: Taken) -> tuple[Lock, ...]:
    """Those on relations that stay when it goes; making a trigger again stops no reader."""
    relations = {relation_of(entry) for entry in gone.entries if "VIEW" in entry.kind}
    kinds = {(relation_of(entry), entry.kind) for entry in gone.entries}
    found = []
    for lock in gone.locks:
        if lock.relation in relations:
            continue
        only = {kind for relation, kind in kinds if relation == lock.relation}
        gentler = only == {"TRIGGER"}
        found.append(replace(lock, mode=LockMode.SHARE_ROW_EXCLUSIVE) if gentler else lock)
    return tuple(found)


def without(catalog: Catalog, gone: Sequence[Entry]) -> Catalog:
    """The catalog without these, and with nothing left that hangs on them."""
    views = {relation_of(entry) for entry in gone if "VIEW" in entry.kind}
    parts = {(relation_of(e), e.kind.lower(), e.tag) for e in gone if e.kind in _ON_TABLES}
    tables = {name: table for name, table in catalog.tables.items() if name not in views}
    for name, table in tables.items():
        own = (tag for on, kind, tag in parts if (on, kind) == (name, "trigger"))
        triggers = {tag.removeprefix(f"{name.name} ") for tag in own}
        changed = replace(
            table,
            triggers=tuple(each for each in table.triggers if each.name not in triggers),
            dependants=tuple(
                each
                for each in table.dependants
                if each.relation not in views and not any(is_described(entry, each) for entry in gone)
            ),
        )
        if changed != table:
            tables[name] = changed
    names = {
        schema: taken_names - _names_of(catalog, views, schema)
        for schema, taken_names in catalog.relation_names.items()
    }
    types, enums = catalog.types, dict(catalog.enums)
    for entry in gone:
        type_name = RelationName(schema=entry.schema, name=entry.tag)
        if entry.kind == "TYPE" and enums.pop(type_name, None) is not None:
            types = types.without(type_name)
    return replace(
        catalog,
        tables=tables,
        relation_names=names,
        types=types,
        enums=enums,
        schemas=catalog.schemas - {entry.tag for entry in gone if entry.kind == "SCHEMA"},
        archive=None if catalog.archive is None else catalog.archive.without(gone),
    )


def is_described(entry: Entry, dependant: Dependant) -> bool:
    """Whether it is this object that needs a table, as the server puts that in words."""
    kind = entry.kind.lower()
    if dependant.kind != kind:
        return False
    if "VIEW" in entry.kind:
        return dependant.relation == relation_of(entry)
    if entry.kind in _ON_TABLES:
        on = relation_of(entry)
        name = "" if on is None else entry.tag.removeprefix(f"{on.name} ")
        return dependant.relation == on and dependant.description.startswith(f"{kind} {name} on ")
    # The server quotes what pg_dump does not.
    return dependant.description.replace('"', "") == str(entry).replace('"', "")


def _names_of(catalog: Catalog, views: set[RelationName | None], schema: str) -> set[str]:
    """What they and their indexes are called in a schema."""
    found = [view for view in views if view is not None and view.schema == schema]
    indexes = {i.name for view in found if view in catalog.tables for i in catalog.tables[view].indexes}
    return {view.name for view in found} | indexes


def _is_of_materialized_view(entry: Entry, others: Iterable[Entry]) -> bool:
    return entry.kind == "INDEX" and any(
        other.kind == "MATERIALIZED VIEW" and other.number in entry.needs for other in others
    )


def _must_be_granted_plainly(archive: Archive, entries: Iterable[Entry], place: Place) -> None:
    for entry in entries:
        for acl in archive.attached(entry, "ACL"):
            if "SET SESSION AUTHORIZATION" in acl.definition:
                raise refused(
                    place,
                    f"Privileges on {entry} were granted by somebody who does not own it: they could not"
                    " be given back in that name.",
                    "Grant them as its owner first.",
                )


def made(entry: Entry, archive: Archive, role: str) -> list[str]:
    """The statements that make an object with all that is said of it; PROLOGUE before them."""
    statements = list(_sent(entry))
    owner = entry.owner or role
    # Under the name that its definition gives it; a renaming comes with what is said of it.
    first = replace(entry, drop=f"DROP {entry.made_as or entry.address}")
    if owner != role and entry.kind not in _OWNERLESS:
        statements.append(f"ALTER {first.address} OWNER TO {quoted(owner)}")
    favoured = favoured_by_default(archive)
    if favoured and entry.kind in _GRANTED:
        # New objects are given something by default that this one did not have.
        statements += without_privileges(first, sorted(favoured | {PUBLIC, owner}), owner)
    for said in archive.attached(entry):
        statements += _sent(said)
    return statements


def without_privileges(entry: Entry, grantees: Sequence[str], owner: str) -> list[str]:
    """Gives each of these what they may by default, and nothing else."""
    kind, everybody = _GRANTED[entry.kind]
    name = f"{kind} {entry.address.removeprefix(entry.kind).strip()}"
    if (entry.kind, entry.tag) == ("SCHEMA", "public"):
        everybody = _IN_PUBLIC
    sql = [f"REVOKE ALL ON {name} FROM {', '.join(map(grantee_sql, grantees))}"]
    if owner in grantees:
        sql.append(f"GRANT ALL ON {name} TO {grantee_sql(owner)}")
    if PUBLIC in grantees and everybody:
        sql.append(f"GRANT {everybody} ON {name} TO PUBLIC")
    return sql


def granted(entry: Entry, archive: Archive, grantees: Sequence[str], owner: str) -> tuple[str, ...]:
    """Gives each of these the privileges that the archive has for them."""
    grants = (sent for acl in archive.attached(entry, "ACL") for sent in _sent(acl))
    return (*PROLOGUE[:1], *without_privileges(entry, grantees, owner), *grants)


def is_granted(entry: Entry) -> bool:
    """Whether it is of a kind that has privileges."""
    return entry.kind in _GRANTED


def grantee_sql(name: str) -> str:
    """A role's name as GRANT takes it."""
    return PUBLIC if name == PUBLIC else quoted(name)


def favoured_by_default(archive: Archive) -> set[str]:
    """The roles that ALTER DEFAULT PRIVILEGES gives something."""
    found: set[str] = set()
    for entry in archive.entries:
        if entry.kind == "DEFAULT ACL":
            for statement in tree.statements(entry.definition):
                found |= set(grantees_of(statement.node.get("action", {}), ""))
    return found


def grantees_of(grant: tree.Node, role: str) -> tuple[str, ...]:
    """The roles that a GRANT or REVOKE names; `role` is who runs it."""
    return tuple(
        role_name(item["RoleSpec"], role) for item in grant.get("grantees", []) if "RoleSpec" in item
    )


def role_name(spec: tree.Node, role: str) -> str:
    """The role that a RoleSpec means; `role` is who runs the statement."""
    match spec.get("roletype"):
        case "ROLESPEC_CSTRING":
            return str(spec["rolename"])
        case "ROLESPEC_PUBLIC":
            return PUBLIC
    return role


def _sent(entry: Entry) -> list[str]:
    """An entry's statements one by one, under the search path that they were written for."""
    try:
        statements = [statement.text for statement in tree.statements(entry.definition)]
    except Unreadable:
        statements = [entry.definition.removesuffix(";")]
    if not entry.search_path:
        return statements
    path = literal(", ".join(map(quoted, entry.search_path)))
    return [f"SELECT pg_catalog.set_config('search_path', {path}, true)", *statements, PROLOGUE[0]]


def strongest(locks: Iterable[Lock]) -> tuple[Lock, ...]:
    """Each relation once, with the strongest lock that is named for it."""
    order = list(LockMode)
    found: dict[str, Lock] = {}
    for lock in locks:
        known = found.get(lock.relation.sql)
        if known is None or order.index(lock.mode) > order.index(known.mode):
            found[lock.relation.sql] = lock
    return tuple(found.values())

"""Types and functions that a script has just made, for its next statements to use."""

from __future__ import annotations

from dataclasses import replace

from workorders.migration.catalog.extension_contents import EXTENSION_CONTENTS, Brought
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.catalog.types import Cast, Types, written_name
from workorders.migration.names import RelationName
from workorders.migration.sql import types
from workorders.migration.sql.reading import Reading
from workorders.migration.sql.tree import Node, strings


def with_type(catalog: Catalog, reading: Reading, name: RelationName) -> Catalog:
    """With the enum, domain, range or composite type that a statement makes."""
    node = reading.node
    match reading.raw.kind:
        case "CreateEnumStmt":
            enums = {**catalog.enums, name: strings(node.get("vals", []))}
            return replace(catalog, enums=enums, types=catalog.types.with_type(name))
        case "CreateDomainStmt":
            return _with_domain(catalog, reading, name)
        case "CreateRangeStmt":
            return replace(catalog, types=catalog.types.with_type(name, "R"))
    return replace(catalog, types=catalog.types.with_type(name, "C"))


def _with_domain(catalog: Catalog, reading: Reading, name: RelationName) -> Catalog:
    base = types.written(reading.node["typeName"], reading.place, catalog)
    rules = [each["Constraint"]["contype"] for each in reading.node.get("constraints", [])]
    under, itself = strings(reading.node["typeName"]["names"])[-1], {name.name}
    forbids_null = "CONSTR_NOTNULL" in rules or under in catalog.not_null_domains
    is_constrained = forbids_null or "CONSTR_CHECK" in rules or under in catalog.constrained_domains
    return replace(
        catalog,
        types=catalog.types.with_domain(name, base),
        constrained_domains=catalog.constrained_domains | (itself if is_constrained else set()),
        not_null_domains=catalog.not_null_domains | (itself if forbids_null else set()),
    )


def with_extension(catalog: Catalog, node: Node) -> Catalog:
    """With the types and functions that a well-known extension brings; of others nothing is known."""
    brought = EXTENSION_CONTENTS.get(node["extname"])
    schema = _option(node, "schema") or next(iter(catalog.search_path), None)
    if brought is None or schema is None:
        return catalog
    new = frozenset(brought.immutable) - catalog.stable_functions - catalog.volatile_functions
    return replace(
        catalog,
        types=_with_types(catalog.types, brought, schema),
        immutable_functions=catalog.immutable_functions | new,
        settled_functions=catalog.settled_functions | new,
    )


def _with_types(known: Types, brought: Brought, schema: str) -> Types:
    if not brought.types:
        return known
    for each in brought.types:
        known = known.with_type(RelationName(schema=schema, name=each), brought.category)
    first = written_name(RelationName(schema=schema, name=brought.types[0]))
    free = {Cast(source=each, target=first) for each in brought.free}
    assigned = free | {Cast(source=each, target=first) for each in brought.assigned}
    cast = {Cast(source=each, target=first) for each in brought.cast}
    back = {Cast(source=first, target=each) for each in brought.cast_to}
    return replace(
        known,
        casts=known.casts | assigned | cast | back,
        assignments=known.assignments | assigned,
        free=known.free | free,
    )


def with_function(catalog: Catalog, node: Node, name: RelationName) -> Catalog:
    """With a function that is as volatile as it says. Overloads count as the most volatile of them."""
    volatility, itself = _option(node, "volatility") or "volatile", {name.name}
    immutable, settled = catalog.immutable_functions, catalog.settled_functions
    stable, volatile = catalog.stable_functions, catalog.volatile_functions
    if volatility == "immutable" and name.name not in stable | volatile:
        return replace(catalog, immutable_functions=immutable | itself, settled_functions=settled | itself)
    return replace(
        catalog,
        immutable_functions=immutable - itself,
        settled_functions=settled - itself,
        stable_functions=stable | itself,
        volatile_functions=volatile | itself if volatility == "volatile" else volatile,
    )


def _option(node: Node, name: str) -> str | None:
    """What an option says as a word; None where it is not given."""
    for item in node.get("options", []):
        if item["DefElem"]["defname"] == name:
            return str(item["DefElem"]["arg"]["String"]["sval"])
    return None

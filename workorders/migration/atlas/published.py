"""What CREATE and ALTER PUBLICATION are expected to lock: tables that they name, or let go."""

from __future__ import annotations

from workorders.migration.atlas.effect import Effect
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.locks import LockMode
from workorders.migration.operations import family
from workorders.migration.sql.tree import Node


def effect(node: Node, catalog: Catalog) -> Effect | None:
    """SHARE UPDATE EXCLUSIVE, on what inherits from them as well, on partitions not; None where unknown."""
    found = []
    for item in node.get("pubobjects", []):
        relation = item["PublicationObjSpec"].get("pubtable", {}).get("relation")
        table = relation and catalog.find(relation.get("schemaname"), relation["relname"])
        if table:
            found += [table, *(family.heirs(catalog, table.name) if relation.get("inh") else ())]
    if node.get("action") == "AP_SetObjects":
        former = [each for each in catalog.tables.values() if node["pubname"] in each.publications]
        if any(each.is_partition for each in former):
            return None  # it may be there by its own name, or by its parent's
        found += former
    return Effect(locks={table.name: LockMode.SHARE_UPDATE_EXCLUSIVE for table in found})

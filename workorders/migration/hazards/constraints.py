"""Hazards of constraints: rows that are read, and indexes that are built, while others wait."""

from __future__ import annotations

from collections.abc import Iterator

from workorders.migration.hazards.hazard import Effect, Hazard, Seen, Then
from workorders.migration.hazards.scene import Command, Scene, Subject, constraints
from workorders.migration.locks import LockMode
from workorders.migration.sql import tree
from workorders.migration.sql.tree import Node

_EXCLUSIVE = LockMode.ACCESS_EXCLUSIVE
_READ = "every row is read under ACCESS EXCLUSIVE: reads and writes wait until it is done"


def _added(scene: Scene, kind: str) -> Iterator[tuple[Command, Node, str]]:
    for command in scene.commands("AddConstraint"):
        constraint = command.definition
        if constraint["contype"] == f"CONSTR_{kind}":
            name = f" {constraint['conname']}" if constraint.get("conname") else ""
            yield command, constraint, name


def _check(scene: Scene) -> Iterator[Seen]:
    for command, constraint, name in _added(scene, "CHECK"):
        if constraint.get("is_enforced", False) and not constraint.get("skip_validation", False):
            yield Seen(
                tables=(command.subject.name,),
                sentence=f"{command.subject}: CHECK{name}: {_READ}{command.subject.if_filled}.",
            )


def _foreign_key(scene: Scene) -> Iterator[Seen]:
    for command, constraint, name in _added(scene, "FOREIGN"):
        if constraint.get("skip_validation", False) or not constraint.get("is_enforced", True):
            continue
        other = constraint["pktable"]["relname"]
        yield Seen(
            tables=(command.subject.name, scene.past.table_before(other)),
            sentence=f"{command.subject}: FOREIGN KEY{name}: every row is looked up in {other} while writes"
            f" to both tables wait (SHARE ROW EXCLUSIVE){command.subject.if_filled}.",
        )
    for table, old, constraint, _ in _foreign_keys(scene):
        if old is not None or table not in scene.past.filled or not constraint.get("fk_attrs"):
            continue
        referenced = scene.old(constraint["pktable"])
        is_checked = constraint.get("is_enforced", True) and not constraint.get("skip_validation", False)
        if referenced is not None and is_checked:
            yield Seen(
                tables=(table, referenced.name),
                sentence=f"{table}: FOREIGN KEY: every row that the script has put into it is looked up in"
                f" {referenced} while writes to that wait (SHARE ROW EXCLUSIVE).",
            )


def _key(scene: Scene) -> Iterator[Seen]:
    for kind, words in (("UNIQUE", "UNIQUE"), ("PRIMARY", "PRIMARY KEY")):
        for command, constraint, name in _added(scene, kind):
            if not constraint.get("indexname"):
                yield Seen(
                    tables=(command.subject.name,),
                    sentence=f"{command.subject}: {words}{name}: its index is built under ACCESS EXCLUSIVE;"
                    f" reads and writes wait until it is done{command.subject.if_filled}.",
                )


def _key_of_nullable(scene: Scene) -> Iterator[Seen]:
    for command, constraint, _ in _added(scene, "PRIMARY"):
        table = command.subject.table
        if not constraint.get("indexname") or table is None:
            continue
        index = next((each for each in table.indexes if each.name == constraint["indexname"]), None)
        columns = [table.column(name) for name in index.key_columns] if index else []
        nullable = [
            each.name
            for each in columns
            if each
            and not each.not_null
            and not scene.past.proves_not_null(command.subject.relname, each.name)
        ]
        if nullable:
            yield Seen(
                tables=(command.subject.name,),
                sentence=f"{command.subject}: PRIMARY KEY over {nullable[0]}, which may be NULL: {_READ}.",
            )


def _exclude(scene: Scene) -> Iterator[Seen]:
    for command, _, name in _added(scene, "EXCLUSION"):
        yield Seen(
            tables=(command.subject.name,),
            sentence=f"{command.subject}: EXCLUDE{name}: its index is built under ACCESS EXCLUSIVE; reads and"
            f" writes wait until it is done{command.subject.if_filled}.",
        )


def _enforced(scene: Scene) -> Iterator[Seen]:
    for command in scene.commands("AlterConstraint"):
        alteration = command.definition
        if alteration.get("alterEnforceability") and alteration.get("is_enforced"):
            yield Seen(
                tables=(command.subject.name,),
                sentence=f"{command.subject}: constraint {alteration['conname']} becomes ENFORCED: every"
                f" row is looked up while reads and writes wait{command.subject.if_filled}.",
            )


def _validated_at_once(scene: Scene) -> Iterator[Seen]:
    for command in scene.commands("ValidateConstraint"):
        if (command.subject.relname, command.column) in scene.past.not_valid:
            yield Seen(
                tables=(command.subject.name,),
                name=command.column,
                sentence=f"{command.subject}: {command.column} is added and validated in one transaction:"
                f" every row is read under the lock of ADD CONSTRAINT{command.subject.if_filled}.",
            )


def _domain(scene: Scene) -> Iterator[Seen]:
    if scene.raw.kind != "AlterDomainStmt" or scene.node["subtype"] not in ("C", "O"):
        return
    name = tree.strings(scene.node["typeName"])[-1]
    constraint = scene.node.get("def", {}).get("Constraint", {})
    if name in scene.past.domains or constraint.get("skip_validation", False):
        return
    what = "SET NOT NULL" if scene.node["subtype"] == "O" else "a new constraint"
    used = "" if scene.catalog else ", if there are any"
    found: list[str] = []
    tables = "every table that has a column of it"
    if scene.catalog is not None:
        found = [
            str(table.name)
            for table in scene.catalog.tables.values()
            if table.kind in ("r", "m")
            and table.name not in scene.empty
            and any(column.is_domain and column.type.split(".")[-1] == name for column in table.columns)
        ]
        if not found:
            return
        tables = ", ".join(found)
    yield Seen(
        tables=tuple(found),
        name=name,
        sentence=f"Domain {name}: {what} reads {tables} while writes to it wait (SHARE){used}.",
    )


def _unindexed(scene: Scene) -> Iterator[Seen]:
    for table, subject, constraint, columns in _foreign_keys(scene):
        # An index that any of the columns leads narrows the search.
        if any((table, each) in scene.past.indexed for each in columns):
            continue
        if _will_be_indexed(scene, table, columns):
            continue
        if subject is not None:
            if subject.table is None and not all(
                scene.is_new_column(subject, each) or _adds(scene, each) for each in columns
            ):
                continue  # nobody can tell
            before = {scene.past.column_before(subject.relname, each) for each in columns}
            if subject.table is not None and any(
                index.is_valid and index.key_columns and index.key_columns[0] in before
                for index in subject.table.indexes
            ):
                continue
        other = constraint["pktable"]["relname"]
        yield Seen(
            tables=(subject.name if subject else table,),
            name=columns[0],
            sentence=f"{table}: the foreign key over {', '.join(columns)} has no index: each DELETE from"
            f" {other}, and each change of its key, reads all of {table}.",
            way_out=f"CREATE INDEX{' CONCURRENTLY' if subject else ''} ON {table} ({', '.join(columns)});",
        )


def _foreign_keys(scene: Scene) -> Iterator[tuple[str, Subject | None, Node, tuple[str, ...]]]:
    """Each foreign key that the statement makes: table, whether it was there before, constraint, columns."""
    node = scene.node
    if scene.raw.kind == "CreateStmt" and node["relation"].get("relpersistence") != "t":
        own = node["relation"]["relname"]
        for element in node.get("tableElts", []):
            if "ColumnDef" in element:
                for constraint in constraints(element["ColumnDef"], "FOREIGN"):
                    yield own, None, constraint, (element["ColumnDef"]["colname"],)
            elif element.get("Constraint", {}).get("contype") == "CONSTR_FOREIGN":
                yield own, None, element["Constraint"], tree.strings(element["Constraint"]["fk_attrs"])
    elif scene.raw.kind == "AlterTableStmt" and node.get("objtype") == "OBJECT_TABLE":
        own, subject = node["relation"]["relname"], scene.old(node["relation"])
        if subject is None and not scene.past.has_made(node["relation"].get("schemaname", ""), own):
            return
        for item in node.get("cmds", []):
            definition = item["AlterTableCmd"].get("def", {})
            if item["AlterTableCmd"]["subtype"] == "AT_AddColumn":
                for constraint in constraints(definition["ColumnDef"], "FOREIGN"):
                    yield own, subject, constraint, (definition["ColumnDef"]["colname"],)
            elif definition.get("Constraint", {}).get("contype") == "CONSTR_FOREIGN":
                columns = tree.strings(definition["Constraint"]["fk_attrs"])
                yield own, subject, definition["Constraint"], columns


def _adds(scene: Scene, column: str) -> bool:
    commands = (item["AlterTableCmd"] for item in scene.node.get("cmds", []))
    return any(
        command["subtype"] == "AT_AddColumn" and command["def"]["ColumnDef"]["colname"] == column
        for command in commands
    )


def _will_be_indexed(scene: Scene, table: str, columns: tuple[str, ...]) -> bool:
    """Whether this statement or a later one makes an index that begins with one of the columns."""
    rest = type(scene.past)()
    for raw in (scene.raw, *scene.following):
        rest.take(raw)
    return any((table, each) in rest.indexed for each in columns)


HAZARDS = (
    Hazard(
        id="add-check",
        title="A CHECK without NOT VALID",
        condition="ADD CONSTRAINT ... CHECK without NOT VALID.",
        consequence="Every row is read under ACCESS EXCLUSIVE.",
        way_out="Add it as NOT VALID, then VALIDATE CONSTRAINT in a transaction of its own, which lets"
        " reads and writes through.",
        bad="ALTER TABLE customers ADD CONSTRAINT points_check CHECK (points >= 0);",
        good="""ALTER TABLE customers ADD CONSTRAINT points_check CHECK (points >= 0) NOT VALID;
ALTER TABLE customers VALIDATE CONSTRAINT points_check;""",
        effect=Effect(locks={"customers": _EXCLUSIVE}, scans=("customers",)),
        judge=_check,
    ),
    Hazard(
        id="add-foreign-key",
        title="A foreign key without NOT VALID",
        condition="ADD CONSTRAINT ... FOREIGN KEY without NOT VALID, on a table that was there, or that the"
        " script has filled from a query.",
        consequence="Every row is looked up in the other table, while writes to both tables wait.",
        way_out="Add it as NOT VALID, then VALIDATE CONSTRAINT in a transaction of its own, which lets writes"
        " through.",
        bad="ALTER TABLE orders ADD CONSTRAINT customer FOREIGN KEY (customer_id) REFERENCES customers (id);",
        good="""ALTER TABLE orders ADD CONSTRAINT customer
  FOREIGN KEY (customer_id) REFERENCES customers (id) NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT customer;""",
        effect=Effect(
            locks={"orders": LockMode.SHARE_ROW_EXCLUSIVE, "customers": LockMode.SHARE_ROW_EXCLUSIVE},
            scans=("orders",),
        ),
        judge=_foreign_key,
    ),
    Hazard(
        id="add-key",
        title="A unique constraint or primary key that builds its index",
        condition="ADD CONSTRAINT ... UNIQUE or PRIMARY KEY without USING INDEX.",
        consequence="The index is built under ACCESS EXCLUSIVE.",
        way_out="CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT ... USING INDEX.",
        bad="ALTER TABLE customers ADD CONSTRAINT customers_email_key UNIQUE (email);",
        good="""CREATE UNIQUE INDEX CONCURRENTLY customers_email_key ON customers (email);
ALTER TABLE customers ADD CONSTRAINT customers_email_key UNIQUE USING INDEX customers_email_key;""",
        effect=Effect(locks={"customers": _EXCLUSIVE}, scans=("customers",)),
        judge=_key,
    ),
    Hazard(
        id="primary-key-of-nullable",
        title="A primary key over a column that may be NULL",
        condition="PRIMARY KEY USING INDEX whose column is not NOT NULL yet. Known from the database.",
        consequence="Every row is read under ACCESS EXCLUSIVE.",
        way_out="Prove NOT NULL first: CHECK (column IS NOT NULL) NOT VALID, VALIDATE, SET NOT NULL.",
        prepare="ALTER TABLE events_2 ALTER id DROP NOT NULL; CREATE UNIQUE INDEX events_2_key ON events_2"
        " (id);",
        bad="ALTER TABLE events_2 ADD PRIMARY KEY USING INDEX events_2_key;",
        good="""ALTER TABLE events_2 ADD CONSTRAINT id_is_there CHECK (id IS NOT NULL) NOT VALID;
ALTER TABLE events_2 VALIDATE CONSTRAINT id_is_there;
ALTER TABLE events_2 ALTER COLUMN id SET NOT NULL;
ALTER TABLE events_2 ADD PRIMARY KEY USING INDEX events_2_key;""",
        effect=Effect(locks={"events_2": _EXCLUSIVE}, scans=("events_2",)),
        judge=_key_of_nullable,
        needs_database=True,
    ),
    Hazard(
        id="add-exclude",
        title="An exclusion constraint",
        condition="ADD CONSTRAINT ... EXCLUDE on a table that is there.",
        consequence="Its index is built under ACCESS EXCLUSIVE; there is no form that does not.",
        way_out="Make a new table with the constraint, fill it in batches, and let the application change"
        " over.",
        bad="ALTER TABLE orders ADD CONSTRAINT seats_once EXCLUDE USING gist (seats WITH &&);",
        good="CREATE TABLE orders_next (LIKE orders INCLUDING ALL, EXCLUDE USING gist (seats WITH &&));",
        effect=Effect(locks={"orders": _EXCLUSIVE}, scans=("orders",)),
        judge=_exclude,
    ),
    Hazard(
        id="enforce-constraint",
        title="A constraint that becomes ENFORCED",
        condition="ALTER CONSTRAINT ... ENFORCED (18 and later).",
        consequence="Every row is looked up while reads and writes wait.",
        way_out="Add the same constraint under another name as NOT VALID, VALIDATE it, and drop the old one.",
        prepare="ALTER TABLE orders ADD CONSTRAINT customer FOREIGN KEY (customer_id) REFERENCES customers"
        " NOT ENFORCED;",
        bad="ALTER TABLE orders ALTER CONSTRAINT customer ENFORCED;",
        good="""ALTER TABLE orders ADD CONSTRAINT customer_enforced
  FOREIGN KEY (customer_id) REFERENCES customers NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT customer_enforced;
ALTER TABLE orders DROP CONSTRAINT customer;""",
        effect=Effect(locks={"orders": _EXCLUSIVE}, scans=("orders",)),
        judge=_enforced,
        since=18,
    ),
    Hazard(
        id="validate-at-once",
        title="NOT VALID and VALIDATE in one transaction",
        condition="BEGIN, ADD CONSTRAINT ... NOT VALID and VALIDATE CONSTRAINT before the COMMIT.",
        consequence="The rows are read while the lock of ADD CONSTRAINT is still held: NOT VALID was for"
        " nothing.",
        way_out="COMMIT between the two.",
        bad="""BEGIN;
ALTER TABLE customers ADD CONSTRAINT points_check CHECK (points >= 0) NOT VALID;
ALTER TABLE customers VALIDATE CONSTRAINT points_check;
COMMIT;""",
        good="""ALTER TABLE customers ADD CONSTRAINT points_check CHECK (points >= 0) NOT VALID;
ALTER TABLE customers VALIDATE CONSTRAINT points_check;""",
        effect=Effect(locks={"customers": _EXCLUSIVE}, scans=("customers",)),
        judge=_validated_at_once,
    ),
    Hazard(
        id="constrain-domain",
        title="A new constraint of a domain",
        condition="ALTER DOMAIN ... ADD CONSTRAINT without NOT VALID, or SET NOT NULL.",
        consequence="Every table with a column of the domain is read, while writes to it wait.",
        way_out="Add it as a CHECK that is NOT VALID, and VALIDATE it in a quiet hour: until 17 that stops"
        " writes too.",
        bad="ALTER DOMAIN amount ADD CONSTRAINT amount_check CHECK (VALUE >= 0);",
        good="ALTER DOMAIN amount ADD CONSTRAINT amount_check CHECK (VALUE >= 0) NOT VALID;",
        effect=Effect(locks={"orders": LockMode.SHARE}, scans=("orders",)),
        judge=_domain,
    ),
    Hazard(
        id="foreign-key-without-index",
        title="A foreign key without an index",
        condition="A foreign key none of whose columns leads an index of its table, as far as the script or"
        " the database shows.",
        consequence="Each DELETE from the referenced table, and each change of its key, reads the whole"
        " table.",
        way_out="Create an index on the referencing columns.",
        bad="ALTER TABLE orders ADD CONSTRAINT customer FOREIGN KEY (customer_id) REFERENCES customers (id)"
        " NOT VALID;",
        good="""CREATE INDEX CONCURRENTLY orders_customer_id_idx ON orders (customer_id);
ALTER TABLE orders ADD CONSTRAINT customer FOREIGN KEY (customer_id) REFERENCES customers (id) NOT VALID;""",
        prepare="INSERT INTO customers (id, name) VALUES (9999, 'without orders');",
        effect=Effect(then=Then(sql="DELETE FROM customers WHERE id = 9999", scans="orders")),
        judge=_unindexed,
        needs_database=True,
    ),
)

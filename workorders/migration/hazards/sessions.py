"""Hazards of what a script does to its session and its transactions, and to triggers."""

from __future__ import annotations

from collections.abc import Iterator

from workorders.migration.hazards.hazard import Effect, Hazard, Seen
from workorders.migration.hazards.past import EXCLUSIVE, is_exclusive
from workorders.migration.hazards.scene import Scene, Subject, dropped, listed
from workorders.migration.locks import LockMode
from workorders.migration.sql.tree import Node

_EXCLUSIVE = LockMode.ACCESS_EXCLUSIVE
_TIMEOUTS = ("lock_timeout", "statement_timeout")


def _exclusively(scene: Scene) -> Iterator[Node]:
    """The relations on which the statement takes ACCESS EXCLUSIVE."""
    node = scene.node
    match scene.raw.kind:
        case "AlterTableStmt" if any(is_exclusive(item["AlterTableCmd"]) for item in node["cmds"]):
            yield node["relation"]
        case "RenameStmt" if "relation" in node and node["renameType"] in ("OBJECT_TABLE", "OBJECT_COLUMN"):
            yield node["relation"]
        case "TruncateStmt":
            yield from listed(node["relations"])
        case "LockStmt" if node["mode"] == EXCLUSIVE and not node.get("nowait"):
            yield from listed(node["relations"])
        case "DropStmt" if node["removeType"] == "OBJECT_TABLE":
            yield from dropped(node)


def _two_tables(scene: Scene) -> Iterator[Seen]:
    held = scene.past.exclusive
    for relation in _exclusively(scene):
        subject = scene.old(relation)
        if subject is None or subject.relname in held or not held:
            continue
        first, since = next(iter(held.items()))
        yield Seen(
            tables=(subject.name, scene.past.table_before(first)),
            sentence=f"{subject}: ACCESS EXCLUSIVE is waited for while the same transaction holds it on"
            f" {first} since line {since.line}: whoever uses {first} waits too, and whoever takes both the"
            " other way round deadlocks.",
        )


def _search_path(scene: Scene) -> Iterator[Seen]:
    node = scene.node
    if scene.raw.kind == "VariableSetStmt" and node.get("kind") == "VAR_SET_VALUE":
        name = str(node.get("name", "")).lower()
        if name in ("search_path", "session_replication_role", "row_security") and not node.get("is_local"):
            yield Seen(
                name=name,
                sentence=f"SET {name} without LOCAL outlives the script: through a pool, the next one to"
                " get this session works under it.",
            )


def _no_timeout(scene: Scene) -> Iterator[Seen]:
    node = scene.node
    if scene.raw.kind == "VariableSetStmt" and node.get("kind") == "VAR_SET_VALUE":
        name = str(node.get("name", "")).lower()
        constant = (node.get("args") or [{}])[0].get("A_Const", {})
        is_zero = constant.get("ival") == {} or constant.get("sval", {}).get("sval") == "0"
        if name == "lock_timeout" and is_zero:
            yield Seen(
                name=name,
                sentence=f"SET {name} = 0: a statement that waits for a lock waits without an end, and"
                " everybody who comes later waits behind it.",
            )


def _triggers(scene: Scene) -> Iterator[Seen]:
    for command in scene.commands("DisableTrig", "DisableTrigAll", "DisableTrigUser", even_empty=True):
        if scene.past.opened is not None and _is_enabled_again(scene, command.subject):
            continue
        which = command.column or "every trigger"
        yield Seen(
            tables=(command.subject.name,),
            name=command.column,
            sentence=f"{command.subject}: {which} is off for everybody, not for this script alone, until it"
            " is enabled again.",
        )


def _is_enabled_again(scene: Scene, subject: Subject) -> bool:
    """Whether that comes before the COMMIT."""
    for raw in scene.following:
        if raw.kind == "TransactionStmt":
            return False
        if raw.kind != "AlterTableStmt" or raw.node["relation"]["relname"] != subject.relname:
            continue
        if any("EnableTrig" in item["AlterTableCmd"]["subtype"] for item in raw.node["cmds"]):
            return True
    return False


def _unbounded(scene: Scene) -> Iterator[Seen]:
    if scene.past.has_lock_timeout:
        return
    for relation in _exclusively(scene):
        subject = scene.old(relation)
        if subject is not None:
            yield Seen(
                tables=(subject.name,),
                sentence=f"No lock_timeout is set before ACCESS EXCLUSIVE on {subject.name} is asked for:"
                " run with psql or a migration tool, it waits behind any open transaction, and everybody"
                " else waits behind it.",
            )
            return


HAZARDS = (
    Hazard(
        id="two-tables-in-one-transaction",
        title="Two tables locked in one transaction",
        condition="BEGIN, and ACCESS EXCLUSIVE on a second table before the COMMIT.",
        consequence="While it waits for the second table, users of the first wait too; those who take both in"
        " the other order deadlock with it.",
        way_out="COMMIT between the two.",
        bad="""BEGIN;
ALTER TABLE customers ADD COLUMN country text;
ALTER TABLE orders ADD COLUMN country text;
COMMIT;""",
        good="""ALTER TABLE customers ADD COLUMN country text;
ALTER TABLE orders ADD COLUMN country text;""",
        effect=Effect(locks={"customers": _EXCLUSIVE, "orders": _EXCLUSIVE}),
        judge=_two_tables,
    ),
    Hazard(
        id="session-setting",
        title="A setting that outlives the script",
        condition="SET of search_path, session_replication_role or row_security without LOCAL.",
        consequence="The session keeps it; through a pool, somebody else works under it next.",
        way_out="SET LOCAL inside a transaction, or names with their schema.",
        bad="SET search_path = attic;",
        good="""BEGIN;
SET LOCAL search_path = attic;
COMMIT;""",
        effect=Effect(leaves="SELECT current_setting('search_path') = 'attic'"),
        judge=_search_path,
    ),
    Hazard(
        id="lock-timeout-off",
        title="lock_timeout switched off",
        condition="SET lock_timeout = 0.",
        consequence="What waits for a lock waits without an end, and everybody who comes later waits behind"
        " it.",
        way_out="SET lock_timeout to what your users can bear, and try again when it is over.",
        prepare="SET lock_timeout = '20ms';",
        bad="""SET lock_timeout = 0;
ALTER TABLE customers ADD COLUMN country text;""",
        good="""SET lock_timeout = '50ms';
ALTER TABLE customers ADD COLUMN country text;""",
        effect=Effect(waits=True),
        judge=_no_timeout,
    ),
    Hazard(
        id="disable-trigger",
        title="A trigger switched off",
        condition="DISABLE TRIGGER that is not enabled again in the same transaction.",
        consequence="It is off for everybody: what it keeps in step or checks is not, whoever writes.",
        way_out="Disable, write and enable in one transaction: others wait meanwhile, and none writes"
        " without it.",
        bad="ALTER TABLE customers DISABLE TRIGGER customers_touched;",
        good="""BEGIN;
ALTER TABLE customers DISABLE TRIGGER customers_touched;
UPDATE customers SET points = 0 WHERE id = 1;
ALTER TABLE customers ENABLE TRIGGER customers_touched;
COMMIT;""",
        effect=Effect(leaves="SELECT tgenabled = 'D' FROM pg_trigger WHERE tgname = 'customers_touched'"),
        judge=_triggers,
    ),
    Hazard(
        id="no-lock-timeout",
        title="No lock_timeout",
        condition="ACCESS EXCLUSIVE on a table that is there, without SET lock_timeout before it. Said once"
        " a file; Lockkeeper's own runs set a timeout for each step.",
        consequence="It waits behind any open transaction, and everybody else waits behind it.",
        way_out="SET lock_timeout before it, and try again when it is over.",
        bad="ALTER TABLE customers ADD COLUMN country text;",
        good="""SET lock_timeout = '50ms';
ALTER TABLE customers ADD COLUMN country text;""",
        effect=Effect(waits=True),
        judge=_unbounded,
        is_note=True,
    ),
)

"""Which statements are never run, and what to say instead. Unknown means refused."""

from __future__ import annotations

import re

from workorders.migration.errors import Problem
from workorders.migration.sql import blocks, renamings, row_changes, upkeep
from workorders.migration.sql.definition_kinds import is_definition
from workorders.migration.sql.never import BY_HAND, GUARD, NEVER
from workorders.migration.sql.session_settings import setting_of
from workorders.migration.sql.tree import RawStatement, strings, walk

#: Statements that have operations; each operation may still refuse a form of it.
KNOWN = frozenset(
    {"AlterTableStmt", "IndexStmt", "CreateStmt", "CreateTableAsStmt", "DropStmt", "UpdateStmt", "DeleteStmt"}
    | {"LockStmt"}
    | row_changes.KINDS
    | upkeep.KINDS
)

#: Functions that reach past the transaction, the session's guards or the database.
_FUNCTIONS = re.compile(
    r"pg_(try_)?advisory_\w+|set_config|pg_(terminate|cancel)_backend|pg_read_\w+|pg_ls_\w+|pg_stat_file"
    r"|pg_reload_conf|pg_rotate_logfile|pg_promote|pg_switch_wal|pg_create_\w+|pg_drop_replication_slot"
    r"|pg_logical_\w+|pg_replication_\w+|pg_export_snapshot|lo_\w+|lo(read|write)|dblink\w*|pg_notify"
    r"|pg_stat_reset\w*|pg_backup_\w+|query_to_xml\w*|cursor_to_xml\w*|pg_sleep\w*"
)


def problem(raw: RawStatement) -> Problem | None:
    """Why a statement is never run here, or None where it may be planned."""
    why = _never(raw) or _function(raw) or _block(raw)
    if (
        why is None
        and raw.kind not in (*KNOWN, "VariableSetStmt")
        and not (is_definition(raw) or renamings.is_modelled(raw))
    ):
        why = Problem(
            line=raw.line,
            reason=f"{_name(raw)} is not modelled yet: no plan and no rollback can be promised for it.",
            next_move="Take it out of this script, or run it by hand.",
        )
    return why


def _never(raw: RawStatement) -> Problem | None:
    if raw.kind == "VariableSetStmt" and setting_of(raw) is None:
        name = str(raw.node.get("name", "ALL")).lower()
        what = "RESET" if raw.node.get("kind", "").startswith("VAR_RESET") else "SET"
        if name in ("role", "session_authorization"):
            return _refuse(raw, f"{what} {name.upper()} changes who the statements run as.", GUARD)
        return _refuse(raw, f"{what} {name} changes what the following statements mean.", GUARD)
    if raw.kind == "CopyStmt":
        if raw.node.get("is_program"):
            return _refuse(raw, "COPY ... PROGRAM runs a program on the server.", BY_HAND)
        return _refuse(
            raw, "COPY reads or writes files, or a client's stream.", "Write the rows as INSERT statements."
        )
    outside = ("OBJECT_EVENT_TRIGGER", "OBJECT_FOREIGN_TABLE")
    if raw.kind == "DropStmt" and raw.node.get("removeType") in outside:
        return _refuse(raw, "Event triggers and foreign tables are not for a migration.", BY_HAND)
    of_server = ("OBJECT_DATABASE", "OBJECT_ROLE", "OBJECT_TABLESPACE")
    if raw.kind == "RenameStmt" and raw.node.get("renameType") in of_server:
        return _refuse(raw, "Databases, roles and tablespaces belong to the whole server.", BY_HAND)
    if raw.kind in NEVER:
        reason, next_move = NEVER[raw.kind]
        return _refuse(raw, reason, next_move)
    return None


def _function(raw: RawStatement) -> Problem | None:
    for found in walk({raw.kind: raw.node}):
        if found.kind == "FuncCall":
            name = strings(found.node.get("funcname", []))[-1]
            if _FUNCTIONS.fullmatch(name):
                return _refuse(raw, f"{name}() reaches past the transaction that protects a step.", GUARD)
    return None


def _block(raw: RawStatement) -> Problem | None:
    """What the text of a DO block says; what it puts together as it runs is noticed while it runs."""
    if raw.kind != "DoStmt":
        return None
    block = blocks.read(raw)
    if block.language != "plpgsql":
        return _refuse(raw, f"DO in {block.language} cannot be read.", "Write the block in plpgsql.")
    for name in block.calls:
        if _FUNCTIONS.fullmatch(name):
            return _refuse(raw, f"{name}() reaches past the transaction that protects a step.", GUARD)
    if block.steers_transactions:
        return _refuse(
            raw, "The block ends the transaction that protects a step.", "Remove its COMMIT and ROLLBACK."
        )
    if block.changes_schema and block.function is None:
        return _refuse(raw, "This block of PL/pgSQL cannot be read.", "Write its statements out.")
    return None


def _refuse(raw: RawStatement, reason: str, next_move: str) -> Problem:
    return Problem(line=raw.line, reason=reason, next_move=next_move)


def _name(raw: RawStatement) -> str:
    """The statement's first words in capitals, e.g. CREATE VIEW, as a person would call it."""
    words = re.findall(r"[A-Za-z]+", raw.text)[:3]
    fillers = {"or", "replace", "unique", "temp", "temporary", "unlogged", "materialized", "recursive"}
    if words and words[0].lower() in ("create", "drop", "alter"):
        rest = [word for word in re.findall(r"[A-Za-z]+", raw.text)[1:6] if word.lower() not in fillers]
        return " ".join([words[0], *rest[:1]]).upper()
    return words[0].upper() if words else raw.kind

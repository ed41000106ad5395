"""A migration's text read into statements, each in a class of its own, or refused."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from workorders.migration.errors import Problem, Refused
from workorders.migration.sql import blocks, refusals, row_changes, tree
from workorders.migration.sql.definition_kinds import is_definition, says_of_objects
from workorders.migration.sql.session_settings import setting_of
from workorders.migration.sql.tree import RawStatement


class StatementClass(Enum):
    """What a statement does, as far as its inverse is concerned."""

    MODELLED = "modelled"  # has an operation with an online form and an inverse
    DEFINITION = "definition"  # changes objects without rows
    DATA = "data"  # changes rows: its inverse is made of row images
    UNROLLED = "unrolled"  # a DO block that is planned as the statements that it comes to
    LEFT_OUT = "left out"  # each step does it itself, as far as it needs it
    REFUSED = "refused"  # never sent to a server


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement that is to be planned."""

    raw: RawStatement
    statement_class: StatementClass

    @property
    def text(self) -> str:
        """As it stands in the script, without the comments before it."""
        return self.raw.text

    @property
    def needs_archive(self) -> bool:
        """Whether its inverse is made of what pg_dump says of objects without rows, or may be."""
        if self.raw.kind == "DoStmt":
            block = blocks.read(self.raw)
            # What an EXECUTE names, and what it does, is not known before it is asked.
            return block.changes_schema and (
                block.is_dynamic
                or any(Statement(raw=e, statement_class=_class_of(e)).needs_archive for e in block.statements)
            )
        is_drop = self.raw.kind == "DropStmt" and self.raw.node.get("removeType") in (
            "OBJECT_TABLE",
            "OBJECT_SEQUENCE",
        )
        is_of_both = says_of_objects(self.raw)
        return is_drop or is_of_both or self.statement_class is StatementClass.DEFINITION

    @property
    def line(self) -> int:
        """1-based line in the script."""
        return self.raw.line


@dataclass(frozen=True, kw_only=True)
class Script:
    """A script that may be planned: every statement of a known class, none refused."""

    #: The file's own text, letter for letter. The oracle sends this.
    text: str
    statements: tuple[Statement, ...]
    #: What was left out, and why; for the report.
    notes: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Hex digest of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def words(self) -> frozenset[str]:
        """Whatever in it may be a name, what stands in string constants included."""
        written = {word.text for word in tree.words(self.text)}
        # A name may be written with escapes that only the parser undoes.
        return frozenset(written.union(*(tree.texts(each.raw.node) for each in self.statements)))


_DATA = {"UpdateStmt", "DeleteStmt", *row_changes.KINDS}
_MODELLED = {"AlterTableStmt", "IndexStmt", "CreateStmt", "DropStmt"}


def read(text: str) -> Script:
    """The script's statements.

    Raises Unreadable for what the grammar does not accept, and Refused, with every problem
    and its line, for statements that are never run here or are not modelled.
    """
    problems: list[Problem] = []
    notes: list[str] = []
    kept: list[Statement] = []
    opened: RawStatement | None = None
    for raw in tree.statements(text):
        if raw.kind == "TransactionStmt":
            opened = _grouped(raw, opened, problems)
            if opened is None:
                problems += _ended(kept, raw)
            continue
        setting = setting_of(raw)
        if setting is not None and setting.is_left_out:
            notes.append(f"line {raw.line}: {raw.text!r} is left out: every step has settings of its own.")
            continue
        problem = None if setting is not None else refusals.problem(raw)
        if problem is not None:
            problems.append(problem)
            continue
        kept.append(Statement(raw=raw, statement_class=_class_of(raw)))
    if opened is not None:
        problems.append(
            Problem(
                line=opened.line,
                reason="BEGIN without its COMMIT.",
                next_move="Remove it, or add COMMIT at the end: each step has its own transaction anyway.",
            )
        )
    if problems:
        raise Refused(*problems)
    return Script(text=text, statements=tuple(kept), notes=tuple(notes))


def statement(raw: RawStatement) -> Statement:
    """One statement that may be planned. Raises Refused for one that is never run here."""
    problem = refusals.problem(raw)
    if problem is not None:
        raise Refused(problem)
    return Statement(raw=raw, statement_class=_class_of(raw))


def _class_of(raw: RawStatement) -> StatementClass:
    if is_definition(raw):
        return StatementClass.DEFINITION
    if raw.kind == "DoStmt" and blocks.read(raw).changes_schema:
        return StatementClass.UNROLLED
    if raw.kind == "LockStmt":
        return StatementClass.LEFT_OUT
    return StatementClass.DATA if raw.kind in _DATA else StatementClass.MODELLED


def _ended(kept: list[Statement], commit: RawStatement) -> Iterator[Problem]:
    """A SET LOCAL holds until COMMIT, and a plan's statements do not know of that."""
    for statement in kept:
        if statement.raw.kind == "VariableSetStmt" and statement.raw.node.get("is_local"):
            yield Problem(
                line=statement.line,
                reason=f"SET LOCAL would end with the COMMIT of line {commit.line}.",
                next_move="Write SET without LOCAL: it ends with the script.",
            )


def _grouped(raw: RawStatement, opened: RawStatement | None, problems: list[Problem]) -> RawStatement | None:
    """The BEGIN that is open after a transaction statement; what cannot be a grouping is a problem."""
    kind = raw.node.get("kind")
    if kind in ("TRANS_STMT_BEGIN", "TRANS_STMT_START") and opened is None:
        return raw
    if kind == "TRANS_STMT_COMMIT" and opened is not None and not raw.node.get("chain"):
        return None
    words = {
        "TRANS_STMT_COMMIT": "COMMIT without a BEGIN would end the transaction that protects a step.",
        "TRANS_STMT_ROLLBACK": "ROLLBACK would undo a step behind Lockkeeper's back.",
        "TRANS_STMT_BEGIN": "BEGIN inside BEGIN.",
        "TRANS_STMT_START": "START TRANSACTION inside BEGIN.",
    }
    problems.append(
        Problem(
            line=raw.line,
            reason=words.get(str(kind), f"{raw.text.split(';')[0].strip()!r} steers transactions."),
            next_move="Remove it: a script is run in transactions that Lockkeeper opens and ends.",
        )
    )
    return opened

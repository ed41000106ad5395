"""Every statement of the grammar ends in one of the classes, on purpose."""

from __future__ import annotations

import pytest
from postgast.pg_query_pb2 import Node

from workorders.migration.sql import tree
from workorders.migration.sql.grammar import EXAMPLES, ending
from workorders.migration.sql.script import StatementClass

#: Parts of statements that are called so, and what only PL/pgSQL has.
_NO_STATEMENTS = {"PLAssignStmt", "RawStmt", "ReplicaIdentityStmt", "ReturnStmt", "SetOperationStmt"}

_ALL = [(kind, sql) for kind, examples in EXAMPLES.items() for sql in examples]


def test_no_statement_of_the_grammar_is_forgotten() -> None:
    fields = (field.message_type for field in Node.DESCRIPTOR.fields if field.message_type)
    kinds = {message.name for message in fields if message.name.endswith("Stmt")}

    assert kinds - _NO_STATEMENTS == set(EXAMPLES)


@pytest.mark.parametrize(("kind", "sql"), _ALL)
def test_each_is_planned_or_refused_for_a_reason_of_its_own(kind: str, sql: str) -> None:
    (raw,) = tree.statements(sql)
    found = ending(sql)

    assert raw.kind == kind
    assert "not modelled yet" not in found.reason
    assert (found.statement_class is StatementClass.REFUSED) is bool(found.reason)

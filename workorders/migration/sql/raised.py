"""The conditions that PL/pgSQL's EXCEPTION and RAISE name, as SQLSTATEs."""

from __future__ import annotations

from psycopg import errors

#: What OTHERS does not catch: query_canceled and assert_failure.
_NOT_OTHERS = ("57014", "P0004")

#: Names of the same condition that psycopg calls otherwise, or has no class for.
_NAMES = {
    "raise_exception": "P0001",
    "no_data_found": "P0002",
    "too_many_rows": "P0003",
    "assert_failure": "P0004",
    "plpgsql_error": "P0000",
    "integrity_constraint_violation": "23000",
    "data_exception": "22000",
    "syntax_error_or_access_rule_violation": "42000",
}


def sqlstate_of(condition: str) -> str | None:
    """The SQLSTATE of a condition's name, or of one that is given as such; None for an unknown one."""
    if condition.lower() in _NAMES:
        return _NAMES[condition.lower()]
    name = "".join(part.capitalize() for part in condition.lower().split("_"))
    found = getattr(errors, name, None)
    state = getattr(found, "sqlstate", None)
    if isinstance(state, str):
        return state
    return (
        condition if len(condition) == 5 and condition.isalnum() and condition.upper() == condition else None
    )


def catches(condition: str, sqlstate: str) -> bool:
    """Whether a handler for this condition gets such an error."""
    if condition.lower() == "others":
        return sqlstate not in _NOT_OTHERS
    caught = sqlstate_of(condition)
    # A class catches all that is in it.
    return caught is not None and (
        caught == sqlstate or (caught.endswith("000") and caught[:2] == sqlstate[:2])
    )

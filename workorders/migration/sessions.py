"""Sessions of ours in a target: how they are named, and what they never inherit."""

from __future__ import annotations

import psycopg

from workorders.migration.connections import Target
from workorders.migration.errors import Blocked

#: Neither a role's nor a database's idle or transaction limits may end a step halfway.
_GUARDS = {
    "row_security": "off",
    "synchronous_commit": "on",
    "idle_in_transaction_session_timeout": "0",
    "statement_timeout": "0",
    "lock_timeout": "0",
    # Each statement has to see what was committed while it waited for its locks.
    "default_transaction_isolation": "read committed",
}
_GUARDS_BY_VERSION = {
    14: {"idle_session_timeout": "0", "client_connection_check_interval": "200ms"},
    17: {"transaction_timeout": "0"},
}


def application_name(run: str) -> str:
    """What `pg_stat_activity` shows of a session that works on a run."""
    return f"lockkeeper {run}"


def connect(dsn: str, run: str = "") -> Target:
    """A session in autocommit mode with our guards set.

    Raises Blocked where the server cannot be reached; the message holds no password.
    """
    name = application_name(run) if run else "lockkeeper"
    try:
        target = psycopg.connect(
            dsn, autocommit=True, application_name=name, connect_timeout=10, prepare_threshold=None
        )
    except psycopg.OperationalError as error:
        reason = str(error).splitlines()[0]
        raise Blocked(
            f"The database cannot be reached: {reason}.", "Check that it is up and the URL is right."
        ) from error
    guard(Target(target))
    return Target(target)


def guard(target: Target) -> None:
    """Sets what our sessions rely on, whatever the role's and the database's settings are."""
    major = target.info.server_version // 10000
    settings = dict(_GUARDS)
    for since, more in _GUARDS_BY_VERSION.items():
        if major >= since:
            settings |= more
    for name, value in settings.items():
        try:
            target.execute("SELECT pg_catalog.set_config(%s, %s, false)", (name, value))
        except psycopg.errors.FeatureNotSupported:
            # client_connection_check_interval needs a platform whose poll() tells of closed sockets.
            continue


def let_go_at_commit(target: Target) -> None:
    """This transaction's commit does not wait for disk or standby while others wait for its locks.

    It is durable once a later commit of the session has waited. Lost in a crash, it is lost as a
    whole, its journal row with it, and is done again.
    """
    target.execute("SELECT pg_catalog.set_config('synchronous_commit', 'off', true)")

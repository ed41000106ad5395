"""The shadow: a throw-away copy of a target's schema, on a server where nothing is at stake.

Made by pg_dump, with the target's roles re-created without login and without superuser, so
that rehearsed SQL, which is a stranger's program, runs as what it would run as.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from workorders.migration import dumping
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.connections import Shadow, Target
from workorders.migration.errors import Blocked
from workorders.migration.names import literal, quoted

#: Settings of the target that mean nothing, or may not be set, on another server.
_LEFT_OUT = frozenset(
    {
        "session_replication_role",
        "default_tablespace",
        "lc_monetary",
        "lc_numeric",
        "lc_time",
        "timezone_abbreviations",
    }
)


class ShadowServer(Protocol):
    """A server on which databases may be made and dropped at will."""

    def dsn(self, database: str = "postgres") -> str:
        """A superuser's URL of one of its databases."""

    def create_database(self, name: str, *, template: str | None = None) -> str:
        """Makes a database; gives the superuser's URL of it."""

    def drop_database(self, name: str) -> None:
        """Drops a database and whoever is connected to it."""


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One clone of the shadow: a database that a rehearsal may spoil."""

    name: str
    #: For the shadow's superuser: fills it and compares it.
    superuser: str
    #: For the role that the migration runs as.
    dsn: str


class ShadowDatabase:
    """The copy of one target's schema, from which clones are made."""

    def __init__(self, server: ShadowServer, catalog: Catalog, owner: str, name: str) -> None:
        self._server = server
        self._catalog = catalog
        self._owner = owner
        self._name = name
        self._clones: list[str] = []
        #: The superuser's URL of the template that every clone is made from.
        self.template = server.dsn(name)

    def clone(self, of: Copy | None = None) -> Copy:
        """A fresh copy of the template, or of another clone as it is. Nobody may be connected to that."""
        name = f"{self._name}_{len(self._clones) + 1}"
        superuser = self._server.create_database(name, template=of.name if of else self._name)
        self._clones.append(name)
        with psycopg.connect(superuser, autocommit=True) as shadow:
            _own(Shadow(shadow), name, self._owner)
        return Copy(name=name, superuser=superuser, dsn=self._as_role(superuser))

    def drop(self) -> None:
        """Drops the clones and the template."""
        for name in (*self._clones, self._name):
            self._server.drop_database(name)

    def _as_role(self, superuser: str) -> str:
        settings = " ".join(
            f"-c {name}={_escaped(value)}"
            for name, value in self._catalog.settings.items()
            if name not in _LEFT_OUT
        )
        return make_conninfo(
            superuser, user=self._catalog.role, password=role_password(superuser), options=settings
        )


@contextmanager
def shadow_of(
    target: Target, dsn: str, catalog: Catalog, server: ShadowServer, binaries: Path
) -> Iterator[ShadowDatabase]:
    """The target's schema on the shadow server, without rows; dropped at the end.

    `dsn` is the target's, for pg_dump. Raises Blocked where the shadow server lacks an
    extension that the target has, or where the schema cannot be dumped or restored.
    """
    name = f"shadow_{uuid.uuid4().hex[:12]}"
    with _claimed(server, name), _made(target, dsn, catalog, server, binaries, name) as database:
        yield database


@contextmanager
def _claimed(server: ShadowServer, name: str) -> Iterator[None]:
    """The name is a living rehearsal's for as long as the block lasts; what dead ones have left is dropped.

    A rehearsal that was killed drops nothing itself, but its session's lock ends with it.
    """
    # An advisory lock is one database's, so all meet in the same one.
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        meeting = Shadow(connection)
        meeting.execute("SELECT pg_catalog.pg_advisory_lock(%s, pg_catalog.hashtext(%s))", (_CLAIMS, name))
        for left in _left_by_the_dead(meeting):
            server.drop_database(left)
        yield


def _left_by_the_dead(meeting: Shadow) -> tuple[str, ...]:
    found = meeting.execute(
        "SELECT datname FROM pg_catalog.pg_database WHERE datname ~ '^shadow_[0-9a-f]{12}(_[0-9]+)?$'"
    ).fetchall()
    left = []
    for (name,) in found:
        claim = (_CLAIMS, "_".join(name.split("_")[:2]))
        row = meeting.execute(
            "SELECT pg_catalog.pg_try_advisory_lock(%s, pg_catalog.hashtext(%s))", claim
        ).fetchone()
        if row is not None and row[0]:
            meeting.execute("SELECT pg_catalog.pg_advisory_unlock(%s, pg_catalog.hashtext(%s))", claim)
            left.append(name)
    return tuple(left)


_CLAIMS = int.from_bytes(b"lkcl", "big")


@contextmanager
def _made(
    target: Target, dsn: str, catalog: Catalog, server: ShadowServer, binaries: Path, name: str
) -> Iterator[ShadowDatabase]:
    dump = _portable(dumping.schema_of(dsn, binaries))
    try:
        try:
            owner = _restored(target, catalog, server, binaries, name, dump)
        except _CannotBeRestored:
            # What an index or a generated column calls may say names without their schema.
            server.drop_database(name)
            dump = _with_search_path(dump, catalog.search_path)
            owner = _restored(target, catalog, server, binaries, name, dump)
    except BaseException:
        server.drop_database(name)
        raise
    database = ShadowDatabase(server, catalog, owner, name)
    try:
        yield database
    finally:
        database.drop()


class _CannotBeRestored(Blocked):
    """The dump does not run."""


def _restored(
    target: Target, catalog: Catalog, server: ShadowServer, binaries: Path, name: str, dump: bytes
) -> str:
    """Makes the database from the dump; gives its owner."""
    superuser = server.create_database(name)
    with psycopg.connect(superuser, autocommit=True) as connection:
        shadow = Shadow(connection)
        _must_have_extensions(target, shadow)
        # An advisory lock is one database's: who makes roles has to meet the others in the same one.
        with psycopg.connect(server.dsn(), autocommit=True) as meeting:
            _make_roles(target, Shadow(meeting), catalog, superuser)
        owner = _owner(target, catalog, superuser)
        _own(shadow, name, owner)
    _restore(superuser, dump, binaries)
    _complete(target, superuser)
    return owner


def _must_have_extensions(target: Target, shadow: Shadow) -> None:
    wanted = target.execute("SELECT extname FROM pg_catalog.pg_extension ORDER BY 1").fetchall()
    there = {row[0] for row in shadow.execute("SELECT name FROM pg_catalog.pg_available_extensions")}
    missing = [name for (name,) in wanted if name not in there]
    if missing:
        raise Blocked(
            f"The shadow server lacks the extension {', '.join(missing)} that the target has.",
            "Set LOCKKEEPER_SHADOW_URL to a superuser's URL of a throw-away server that has it.",
        )


def _make_roles(target: Target, shadow: Shadow, catalog: Catalog, superuser: str) -> None:
    """Every role of the target, harmless; the migrating one may log in."""
    roles = [row[0] for row in target.execute("SELECT rolname FROM pg_catalog.pg_roles ORDER BY 1")]
    with shadow.transaction():
        # Roles are the whole cluster's: two rehearsals must not make the same one at once.
        shadow.execute("SELECT pg_catalog.pg_advisory_xact_lock(%s)", (_ROLES_KEY,))
        there = {row[0] for row in shadow.execute("SELECT rolname FROM pg_catalog.pg_roles")}
        for role in roles:
            if role not in there and not role.startswith("pg_"):
                shadow.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
        own = sql.Identifier(catalog.role)
        if catalog.role == conninfo_to_dict(superuser)["user"]:
            raise Blocked(
                f"The target's role {catalog.role} is also the name of the shadow's superuser.",
                "Set LOCKKEEPER_SHADOW_URL to a server with another superuser.",
            )
        shadow.execute(
            sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(own, sql.Literal(role_password(superuser)))
        )
        for row in target.execute(
            "SELECT g.rolname, m.rolname FROM pg_catalog.pg_auth_members a"
            " JOIN pg_catalog.pg_roles g ON g.oid = a.roleid JOIN pg_catalog.pg_roles m ON m.oid = a.member"
        ):
            shadow.execute(sql.SQL("GRANT {} TO {}").format(*map(sql.Identifier, row)))
        if catalog.role_is_superuser:
            for role in roles:
                if role != catalog.role and not role.startswith("pg_"):
                    shadow.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), own))
        if catalog.role_sets_replication_role:
            shadow.execute(sql.SQL("GRANT SET ON PARAMETER session_replication_role TO {}").format(own))


_ROLES_KEY = int.from_bytes(b"lk roles", "big")


def _owner(target: Target, catalog: Catalog, superuser: str) -> str:
    """Who owns the copies: as in the target, where the migrating role may do what that one may.

    It is the database's owner who may make objects in `public` there.
    """
    row = target.execute(
        "SELECT r.rolname FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles r ON r.oid = d.datdba"
        " WHERE d.datname = pg_catalog.current_database()"
        " AND pg_catalog.pg_has_role(current_user, d.datdba, 'USAGE')"
    ).fetchone()
    if row is None or row[0] == conninfo_to_dict(superuser)["user"]:
        return catalog.role
    return str(row[0])


def _own(shadow: Shadow, name: str, role: str) -> None:
    shadow.execute(
        sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), sql.Identifier(role))
    )


def _restore(superuser: str, dump: bytes, binaries: Path) -> None:
    done = subprocess.run(
        [str(binaries / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "--no-password", "-f", "-"],
        env=dumping.environment(superuser, binaries),
        input=dump,
        capture_output=True,
        timeout=dumping.SECONDS,
        check=False,
    )
    if done.returncode:
        told = dumping.first_line(done.stderr)
        raise _CannotBeRestored(
            f"The target's schema cannot be restored on the shadow server: {told}.",
            "Set LOCKKEEPER_SHADOW_URL to a throw-away server like the target.",
        )


#: pg_dump says nothing of a constraint that is only inherited, and so not what somebody has said of it.
_COMMENTS = """
SELECT pg_catalog.format('COMMENT ON CONSTRAINT %I ON %I.%I IS %L', k.conname, n.nspname, c.relname,
                         d.description)
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_description d ON d.classoid = 'pg_catalog.pg_constraint'::regclass AND d.objoid = k.oid
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid AND NOT c.relispartition
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype = 'c' AND NOT k.conislocal AND n.nspname !~ '^pg_' AND n.nspname <> 'lockkeeper'
"""


def _complete(target: Target, superuser: str) -> None:
    """Tells the shadow what a dump leaves out."""
    statements = [row[0] for row in target.execute(_COMMENTS)]
    with psycopg.connect(superuser, autocommit=True) as shadow:
        for statement in statements:
            shadow.execute(sql.SQL(statement))


def _portable(dump: bytes) -> bytes:
    """The dump as another server takes it: `public` may be there, and one option is its server's own.

    Later minor releases note in each column's options when it came to be (`pg_attver`), pg_dump
    writes that out, and servers without it refuse it.
    """
    dump = dump.replace(b"CREATE SCHEMA public;", b"CREATE SCHEMA IF NOT EXISTS public;")
    dump = _COLUMN_VERSION_ALONE.sub(b"", dump)
    return _COLUMN_VERSION.sub(rb"\1(", dump)


def _with_search_path(dump: bytes, schemas: Sequence[str]) -> bytes:
    """The dump for a session that finds names as the target's does; its own names all have their schema."""
    path = literal(", ".join(map(quoted, schemas))).strip()
    none = b"SELECT pg_catalog.set_config('search_path', '', false);"
    return dump.replace(none, none.replace(b"''", path.encode()), 1)


_SET_OPTION = rb"^(ALTER [A-Z ]*TABLE ONLY [^;\n]+ ALTER COLUMN [^;\n]+ SET )"
_COLUMN_VERSION_ALONE = re.compile(_SET_OPTION + rb"\(pg_attver=[^,)\n]*\);\n", re.MULTILINE)
_COLUMN_VERSION = re.compile(_SET_OPTION + rb"\(pg_attver=[^,)\n]*, ", re.MULTILINE)


def role_password(superuser: str) -> str:
    """The same for all rehearsals on one server: roles are shared, and setting it twice must not race."""
    secret = str(conninfo_to_dict(superuser).get("password", ""))
    return hashlib.sha256(f"rehearsal/{secret}".encode()).hexdigest()


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")

"""The throw-away databases of one corpus: made from each other, owned by a role that is no superuser."""

from __future__ import annotations

import uuid
from typing import Self

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from workorders.migration.rehearsal.shadow import Copy, ShadowServer, role_password

#: Who owns the databases and runs the files.
_ROLE = "corpus_owner"
_ROLES_KEY = int.from_bytes(b"lkcorpus", "big")


class Databases:
    """Makes and drops them; at the end of the `with` block none is left."""

    def __init__(self, server: ShadowServer) -> None:
        self._server = server
        self._prefix = f"corpus_{uuid.uuid4().hex[:8]}"
        self._made = 0
        self._there: set[str] = set()
        # A rehearsal on the same server gives the role this one, too.
        self._password = role_password(server.dsn())

    def __enter__(self) -> Self:
        with psycopg.connect(self._server.dsn(), autocommit=True) as superuser, superuser.transaction():
            # Roles are the whole cluster's: two of us must not make it at once.
            superuser.execute("SELECT pg_catalog.pg_advisory_xact_lock(%s)", (_ROLES_KEY,))
            role = sql.Identifier(_ROLE)
            known = superuser.execute("SELECT FROM pg_catalog.pg_roles WHERE rolname = %s", (_ROLE,))
            if known.fetchone() is None:
                superuser.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
            superuser.execute(
                sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(self._password))
            )
            if superuser.info.server_version >= 150000:
                superuser.execute(
                    sql.SQL("GRANT SET ON PARAMETER session_replication_role TO {}").format(role)
                )
        return self

    def __exit__(self, *_: object) -> None:
        for name in tuple(self._there):
            self._drop(name)

    def make(self, like: Copy | None = None) -> Copy:
        """A database, empty or as another one is now. Nobody may be connected to that."""
        self._made += 1
        name = f"{self._prefix}_{self._made}"
        template = None if like is None else str(conninfo_to_dict(like.superuser)["dbname"])
        superuser = self._server.create_database(name, template=template)
        self._there.add(name)
        with psycopg.connect(self._server.dsn(), autocommit=True) as connection:
            connection.execute(
                sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), sql.Identifier(_ROLE))
            )
        return Copy(
            name=name, superuser=superuser, dsn=make_conninfo(superuser, user=_ROLE, password=self._password)
        )

    def drop(self, copy: Copy) -> None:
        """Drops one, connections and all."""
        self._drop(str(conninfo_to_dict(copy.superuser)["dbname"]))

    def _drop(self, name: str) -> None:
        self._server.drop_database(name)
        self._there.discard(name)

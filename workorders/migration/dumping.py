"""pg_dump: called with the target's own connection, and never waiting long for anybody's lock."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from workorders.migration.catalog import archive
from workorders.migration.catalog.archive import Archive
from workorders.migration.connections import Target
from workorders.migration.errors import Blocked
from workorders.migration.names import OUR_SCHEMA

#: How long a dump or its restoration may take.
SECONDS = 120


def schema_of(dsn: str, binaries: Path) -> bytes:
    """A database's schema as SQL. Takes ACCESS SHARE on every table, for as long as the dump takes."""
    return _dumped(dsn, binaries, "--no-tablespaces")


def archive_of(target: Target, binaries: Path | None) -> Archive:
    """A database's schema as an archive. Takes ACCESS SHARE as `schema_of` does; raises Blocked as it."""
    if binaries is None:
        raise Blocked(
            "The script changes or drops definitions, and there is no pg_dump to keep the former ones.",
            "Install the server's client programs.",
        )
    dsn = make_conninfo(target.info.dsn, password=target.info.password or None)
    return archive.read(_dumped(dsn, binaries, "--format=custom"))


def _dumped(dsn: str, binaries: Path, *more: str) -> bytes:
    arguments = ["--schema-only", "--no-subscriptions", f"--exclude-schema={OUR_SCHEMA}", *more]
    done = subprocess.run(
        [str(binaries / "pg_dump"), *arguments, "--lock-wait-timeout=5s", "--no-password"],
        env=environment(dsn, binaries),
        capture_output=True,
        timeout=SECONDS,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        raise Blocked(
            f"pg_dump could not read the target's schema: {first_line(done.stderr)}.",
            "Run pg_dump --schema-only by hand to see more.",
        )
    return done.stdout


def environment(dsn: str, binaries: Path) -> dict[str, str]:
    """The connection as PG variables, so that no password stands in a process list."""
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
    names |= {"dbname": "PGDATABASE", "options": "PGOPTIONS", "hostaddr": "PGHOSTADDR"}
    names |= {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT"}
    names |= {"sslkey": "PGSSLKEY", "channel_binding": "PGCHANNELBINDING", "passfile": "PGPASSFILE"}
    settings = conninfo_to_dict(dsn)
    chosen = {variable: str(settings[name]) for name, variable in names.items() if settings.get(name)}
    library = {"LD_LIBRARY_PATH": str(binaries.parent / "lib")}
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, **library, **chosen, "PGCONNECT_TIMEOUT": "10"}


def first_line(output: bytes) -> str:
    """The first line that a program complained with, harmless to print."""
    lines = [line for line in output.decode(errors="replace").splitlines() if line.strip()]
    return quote(lines[0], safe=" \"'()[]{}:;,./_-=*%<>") if lines else "it said nothing"

"""The laws on a server of another version: `python -m tests.laws.on_another_server URL`.

URL is a superuser's, of a throw-away server. Each case is planned, applied, rolled back, applied
again and purged, and compared with what the plain SQL leaves there. A case whose SQL that server does not
know is left out. Exit status 1 where a law does not hold.
"""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.laws import runs
from tests.laws.cases import CASES, Case
from tests.laws.test_operations import loose, planned
from workorders.migration.errors import LockkeeperError

_OWNER = "laws_owner"
_PASSWORD = "laws-owner-of-throw-away-databases"


class _Databases:
    """Databases of one owner, who may hold triggers still."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._names = itertools.count(1)
        self._superuser = psycopg.connect(url, autocommit=True)
        self.major = self._superuser.info.server_version // 10000
        # Before 15, only a superuser may set session_replication_role.
        attributes = "SUPERUSER" if self.major < 15 else "NOSUPERUSER"
        with suppress(psycopg.errors.DuplicateObject):
            create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} " + attributes)
            self._superuser.execute(create.format(sql.Identifier(_OWNER), sql.Literal(_PASSWORD)))
        if self.major >= 15:
            grant = sql.SQL("GRANT SET ON PARAMETER session_replication_role TO {}")
            self._superuser.execute(grant.format(sql.Identifier(_OWNER)))

    def made(self, setup: str) -> Callable[[], str]:
        """Makes a database in which the owner has run the script; each call gives the URL of a copy."""
        template = self._database(None)
        with psycopg.connect(self._owned(template), autocommit=True) as owner:
            owner.execute(setup.encode())
        return lambda: self._owned(self._database(template))

    def _database(self, template: str | None) -> str:
        name = f"laws_{next(self._names)}"
        self._superuser.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
        create = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
        identifiers = map(sql.Identifier, (name, _OWNER, template or "template1"))
        self._superuser.execute(create.format(*identifiers))
        return name

    def _owned(self, name: str) -> str:
        return make_conninfo(self._url, dbname=name, user=_OWNER, password=_PASSWORD)


def _faults(case: Case, databases: _Databases) -> Iterator[str]:
    """What does not hold. Raises psycopg.Error where the server does not know the case's SQL."""
    copy = databases.made(case.setup)
    plain, target = copy(), copy()
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(case.sql.encode())
    before = runs.state(target)
    try:
        plan = planned(target, case)
        runs.executed(target, plan)
        runs.rolled_back(target, plan.run)
        former = runs.taken_back(before, plan)
        yield from (f"rolled back: {each}" for each in former.differences(runs.state(target)))
        target = copy()
        plan = planned(target, case)
        runs.executed(target, plan)
        runs.purged(target, plan.run)
    except (LockkeeperError, psycopg.Error) as error:
        yield f"{type(error).__name__}: {error}"
        return
    found = runs.moved(runs.state(plain), plan).differences(runs.state(target), loose(case))
    yield from (f"applied: {each}" for each in found)


def main(url: str) -> int:
    """Prints what became of each case that does not hold, and counts."""
    databases = _Databases(url)
    counts: Counter[str] = Counter()
    for case in CASES:
        try:
            faults = list(_faults(case, databases))
        except psycopg.Error:
            counts["unknown to this server"] += 1
            continue
        counts["faulty" if faults else "hold"] += 1
        for fault in faults:
            print(f"{case.name}: {fault}", flush=True)  # noqa: T201 (a command of the tests')
    print(f"{databases.major}: {dict(counts)}")  # noqa: T201 (a command of the tests')
    return 1 if counts["faulty"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from bot.embedded import SHADOW_SETTINGS, Cluster, Server
from bot.errors import Refused
from bot.shadow import GivenServer
from tests.integration.cli.conftest import Lockkeeper
from tests.integration.cli.schema import SCHEMA
from workorders.migration import sessions
from workorders.migration.application import must_be_no_older, must_fit

MakeDatabase = Callable[..., str]

INDEX = "CREATE INDEX ON visits (customer_id);"


@pytest.fixture
def given(environment: dict[str, str]) -> str:
    """A superuser's URL of a throw-away server."""
    home = Path(environment["LOCKKEEPER_HOME"])
    with Server(Cluster(home=home, name="shadow", settings=SHADOW_SETTINGS)) as server:
        return server.dsn()


def test_given_server_is_rehearsed_on_and_left_as_it_was(
    lockkeeper: Lockkeeper, make_database: MakeDatabase, given: str, tmp_path: Path
) -> None:
    url = make_database(SCHEMA)

    ran = lockkeeper(
        "rehearse",
        "-",
        "--database",
        url,
        script=INDEX,
        LOCKKEEPER_SHADOW_URL=given,
        LOCKKEEPER_HOME=str(tmp_path / "unused"),
    )

    assert ran.status == 0, ran.err
    assert not (tmp_path / "unused").exists()


def test_target_itself_is_no_shadow(make_database: MakeDatabase, superuser_dsn: Callable[[str], str]) -> None:
    url = make_database(SCHEMA)

    # Asked of the guard alone: behind it, a rehearsal would change the roles of a server that is shared.
    with closing(sessions.connect(url)) as target, pytest.raises(Refused, match="target's own server"):
        must_fit(target, GivenServer(superuser_dsn(url)), {"other-major"})


def test_shadow_needs_a_superuser(lockkeeper: Lockkeeper, make_database: MakeDatabase) -> None:
    url = make_database(SCHEMA)

    ran = lockkeeper("rehearse", "-", "--database", url, script=INDEX, LOCKKEEPER_SHADOW_URL=url)

    assert ran.status == 4
    assert "no superuser" in ran.err


def test_shadow_that_does_not_answer_blocks(
    lockkeeper: Lockkeeper, make_database: MakeDatabase, given: str
) -> None:
    nowhere = psycopg.conninfo.make_conninfo(given, port=1, password="geheim")

    ran = lockkeeper(
        "rehearse",
        "-",
        "--database",
        make_database(SCHEMA),
        "--json",
        script=INDEX,
        LOCKKEEPER_SHADOW_URL=nowhere,
    )

    assert (ran.status, ran.object["state"]) == (4, "blocked")
    assert "LOCKKEEPER_SHADOW_URL" in ran.object["problems"][0]["next_move"]
    assert "geheim" not in ran.out + ran.err


def test_older_shadow_proves_nothing_whatever_is_accepted() -> None:
    with pytest.raises(Refused, match="Postgres 18"):
        must_be_no_older(18, 17, {"other-major"})


def test_newer_shadow_has_to_be_accepted() -> None:
    with pytest.raises(Refused, match="--accept other-major"):
        must_be_no_older(16, 18, {"positional"})

    must_be_no_older(16, 18, {"other-major"})
    must_be_no_older(18, 18, ())

"""The flow below the commands, where a test can act between two of its steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.settings import Settings
from bot.shadow import workshop
from tests.integration.cli.conftest import AsRole, Query
from tests.integration.cli.schema import FAILS_ON_THE_TARGET, SCHEMA
from workorders.migration import application
from workorders.migration.application import Application, Proposal, Terms, Workshop
from workorders.migration.errors import Failed, Refused
from workorders.migration.executor import Silence
from workorders.migration.limits import Limits
from workorders.migration.settle import Decision, Undecided

MakeDatabase = Callable[..., str]

TRIGGER = """
CREATE TABLE history (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int, points int);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO history (customer_id, points) VALUES (OLD.id, OLD.points); RETURN NULL; END';
CREATE TRIGGER noted AFTER UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION note();
"""


@pytest.fixture
def place(environment: dict[str, str]) -> Iterator[Workshop]:
    with workshop(Settings(home=Path(environment["LOCKKEEPER_HOME"]))) as found:
        yield found


class At(Silence):
    """Does something as an action begins whose title holds a word."""

    def __init__(self, word: str, act: Callable[[], object]) -> None:
        self._word = word
        self._act = act

    def began(self, title: str, number: int, total: int) -> None:  # noqa: ARG002 (a Protocol's)
        if self._word in title:
            self._act()


def agree(_: Proposal) -> bool:
    return True


def test_what_moved_is_named_and_nothing_was_made(
    place: Workshop, make_database: MakeDatabase, one: Query
) -> None:
    url = make_database(SCHEMA)

    def move(_: Proposal) -> bool:
        one(url, "ALTER TABLE visits ALTER customer_id SET NOT NULL, ADD CHECK (id > 0)")
        return True

    wanted = Application(dsn=url, text="CREATE INDEX ON visits (customer_id)")
    with pytest.raises(Refused, match=r"constraint public\.visits\.visits_id_check is new"):
        wanted.apply(place, move)

    assert one(url, "SELECT to_regnamespace('lockkeeper') IS NULL")


def test_change_elsewhere_voids_nothing(place: Workshop, make_database: MakeDatabase, one: Query) -> None:
    url = make_database(SCHEMA)

    def change_elsewhere(_: Proposal) -> bool:
        one(url, "CREATE TABLE elsewhere (id int)")
        return True

    applied = Application(dsn=url, text="CREATE INDEX ON visits (customer_id)").apply(place, change_elsewhere)

    assert applied.execution is not None
    assert applied.execution.state == "executed"


def test_script_that_was_run_meanwhile_is_refused(
    place: Workshop, make_database: MakeDatabase, one: Query
) -> None:
    url = make_database(SCHEMA)
    wanted = Application(dsn=url, text="UPDATE visits SET customer_id = 1 WHERE id = 2")

    def be_overtaken(_: Proposal) -> bool:
        other = wanted.apply(place, agree).execution
        assert other is not None
        assert other.state == "executed"
        return True

    with pytest.raises(Refused, match="run here meanwhile"):
        wanted.apply(place, be_overtaken)


def test_tables_that_triggers_write_are_found_in_rehearsal_and_restored(
    place: Workshop,
    make_database: MakeDatabase,
    as_role: AsRole,
    one: Query,
) -> None:
    url = as_role(make_database(SCHEMA + TRIGGER), "app_keeper")

    applied = Application(dsn=url, text="UPDATE customers SET points = 0 WHERE id < 4").apply(place, agree)
    assert applied.execution is not None
    noted = one(url, "SELECT count(*) FROM history")
    application.roll_back(url, applied.execution.run, Decision(), Limits())

    assert applied.execution.state == "executed"
    assert noted == 3
    assert one(url, "SELECT count(*) FROM history") == 0
    assert one(url, "SELECT points FROM customers WHERE id = 3") == 3


def test_failed_run_that_needs_a_decision_stays_until_there_is_one(
    place: Workshop, make_database: MakeDatabase, one: Query
) -> None:
    url = make_database(SCHEMA)
    wanted = Application(
        dsn=url,
        text="ALTER TABLE customers DROP COLUMN name;\n" + FAILS_ON_THE_TARGET,
        terms=Terms(accepted=frozenset({"positional"})),
    )
    write = At("capture", lambda: one(url, "INSERT INTO customers (id, points) VALUES (1000, 1)"))

    execution = wanted.apply(place, agree, progress=write).execution

    assert execution is not None
    assert isinstance(execution.stopped_by, Failed)
    assert isinstance(execution.stands_because, Undecided)
    assert execution.state == "failed"
    application.roll_back(url, execution.run, Decision(fill={"name": "'nobody'"}), Limits())
    assert one(url, "SELECT name FROM customers WHERE id = 1000") == "nobody"

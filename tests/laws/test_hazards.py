"""A hazard is what a server confirms: each record's bad example has its effect, its good one has not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.laws.hazard_effects import Observed, Watched
from tests.plugins.bench import MakeTarget
from workorders.migration import sessions
from workorders.migration.catalog import read as catalogs
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.hazards import HAZARDS
from workorders.migration.hazards.examples import SCHEMA
from workorders.migration.hazards.hazard import Effect, Hazard
from workorders.migration.hazards.linting import lint
from workorders.migration.hazards.scene import VOLATILE
from workorders.migration.sql import tree


class Example:
    """A database on which one of a hazard's two examples is run."""

    def __init__(self, dsn: str, hazard: Hazard) -> None:
        self.hazard = hazard
        self.watched = Watched(dsn)
        self._dsn = dsn
        for statement in tree.statements(hazard.prepare):
            self.watched.run(statement.text)

    def catalog(self) -> Catalog:
        target = sessions.connect(self._dsn)
        try:
            return catalogs.read(target)
        finally:
            target.close()

    def shows(self, script: str) -> dict[str, bool]:
        """Each claim of the hazard's, and whether the script makes it true. Runs the script."""
        effect, watched = self.hazard.effect, self.watched
        if effect.waits:
            held_up = watched.held_up(script)
            is_unbounded = watched.counted("SELECT current_setting('lock_timeout')") == "0"
            return {"waits": held_up.has_waited and not held_up.sqlstate and is_unbounded}
        before = watched.counted(effect.loses) if effect.loses else None
        then_before = watched.afterwards(effect.then.sql) if effect.then else None
        rows = watched.rows()
        ran = watched.run(script)
        claims = {}
        if effect.fails_with or effect.locks or effect.rewrites or effect.scans or effect.writes:
            claims["in one transaction"] = any(each.shows(effect, rows) for each in ran)
        if not effect.fails_with:
            assert not ran[-1].sqlstate, f"fails with {ran[-1].sqlstate}"
        if effect.loses:
            assert before
            claims["loses"] = (watched.counted(effect.loses) or 0) < before
        if effect.leaves:
            claims["leaves"] = watched.counted(effect.leaves) is True
        if effect.then and then_before:
            assert not _feels(then_before, effect)
            claims["then"] = _feels(watched.afterwards(effect.then.sql), effect)
        return claims


def _feels(observed: Observed, effect: Effect) -> bool:
    assert effect.then is not None
    if effect.then.fails_with:
        return observed.sqlstate == effect.then.fails_with
    return not observed.sqlstate and effect.then.scans in observed.scans


MakeExample = Callable[[Hazard], Example]


@pytest.fixture
def make_example(make_target: MakeTarget) -> Iterator[MakeExample]:
    made: list[Example] = []

    def make(hazard: Hazard) -> Example:
        made.append(Example(make_target(SCHEMA), hazard))
        return made[-1]

    yield make
    for example in made:
        example.watched.close()


def _ids(script: str, catalog: Catalog | None = None) -> set[str]:
    return {finding.hazard.id for finding in lint(script, catalog).findings}


@pytest.mark.parametrize("hazard", HAZARDS, ids=lambda hazard: hazard.id)
def test_bad_example_alone_is_met_and_does_what_is_claimed(hazard: Hazard, make_example: MakeExample) -> None:
    bad, good = make_example(hazard), make_example(hazard)
    catalog = bad.catalog()

    assert hazard.id in _ids(hazard.bad, catalog)
    assert hazard.id not in _ids(hazard.good, catalog)
    assert (hazard.id in _ids(hazard.bad)) is not hazard.needs_database

    claims = bad.shows(hazard.bad)
    assert claims
    assert all(claims.values()), claims

    harmless = good.shows(hazard.good)
    assert not all(harmless.values()), harmless
    assert not (harmless.get("loses") or harmless.get("then"))


def test_functions_that_are_called_volatile_are(make_example: MakeExample) -> None:
    session = make_example(HAZARDS[0]).watched.session
    known = (
        "SELECT proname::text, provolatile = 'v' FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace"
    )

    is_volatile: dict[str, bool] = dict(session.execute(known))

    there = VOLATILE & is_volatile.keys()
    assert {"random", "gen_random_uuid", "uuidv7", "clock_timestamp", "nextval"} <= there
    assert all(is_volatile[name] for name in there)

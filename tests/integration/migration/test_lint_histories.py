"""What lint says of a history is held against the server: what is true, what is not, what is left out."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.histories.claims import Verdict
from benchmarks.histories.replay import Replay, Replayed
from bot.embedded import Server
from workorders.migration.corpus.layouts import Migration
from workorders.migration.hazards import BY_ID
from workorders.migration.hazards.linting import Finding

_FIRST = """
CREATE EXTENSION citext;
CREATE TABLE p (id int PRIMARY KEY, name text NOT NULL, mail text, "Odd note" text);
CREATE TABLE c (id int PRIMARY KEY, p_id int REFERENCES p, other_id int, state text);
CREATE INDEX c_p_id ON c (p_id);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER g BEFORE UPDATE ON c FOR EACH ROW EXECUTE FUNCTION f();
CREATE FUNCTION h() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER h BEFORE UPDATE ON p FOR EACH ROW EXECUTE FUNCTION h();
CREATE SCHEMA bare;
CREATE SCHEMA full_one CREATE TABLE x (id int);
CREATE TYPE used AS ENUM ('a');
CREATE TYPE unused AS ENUM ('a');
ALTER TABLE c ADD kind used, ADD n int, ADD UNIQUE (n);
CREATE VIEW v AS SELECT id, mail FROM p;
CREATE TABLE k (id int CONSTRAINT k_id UNIQUE);
CREATE TABLE l (k_id int REFERENCES k (id));
CREATE INDEX ON l (k_id);
CREATE TABLE n (id int PRIMARY KEY);
CREATE TABLE m (id int, of int REFERENCES n);
CREATE INDEX ON m (of);
CREATE VIEW s AS SELECT id FROM p;
"""
_TRUE = """
CREATE INDEX p_mail ON p (mail);
ALTER TABLE c ADD FOREIGN KEY (other_id) REFERENCES p;
ALTER TABLE p ADD token uuid DEFAULT gen_random_uuid();
ALTER TABLE p RENAME COLUMN "Odd note" TO note;
ALTER TABLE p DROP COLUMN mail CASCADE;
DROP FUNCTION h CASCADE;
DROP TYPE used CASCADE;
DROP SCHEMA full_one CASCADE;
ALTER TABLE k DROP CONSTRAINT k_id CASCADE;
ALTER TABLE c DISABLE TRIGGER g;
UPDATE c SET state = 'x';
ALTER TABLE c ENABLE TRIGGER g;
TRUNCATE c;
BEGIN;
ALTER TABLE p ADD needed int NOT NULL;
COMMIT;
SET search_path = public;
"""


_CONFIRMED = Verdict.CONFIRMED


#: None of it reads or writes a row, and nothing hangs on what is dropped.
_FREE = """ALTER TABLE p ADD plain int;
DROP TRIGGER g ON c;
DROP FUNCTION f CASCADE;
DROP VIEW s CASCADE;
DROP VIEW IF EXISTS missing CASCADE;
DROP TYPE unused CASCADE;
DO $$ BEGIN IF true THEN ALTER TABLE m DROP COLUMN of; END IF; END $$;
DROP TABLE n CASCADE;
DROP SCHEMA bare CASCADE;
ALTER TABLE c DROP CONSTRAINT c_n_key CASCADE;
ALTER TABLE p ALTER note TYPE citext;
ALTER TABLE p RENAME name TO former;
ALTER TABLE p ADD name text NOT NULL DEFAULT '';
"""


def _replayed(server: Server, *texts: str, plants_faults: bool = False) -> list[Replayed]:
    history = [
        Migration(name=f"{number}.sql", text=text, is_in_one_transaction=False)
        for number, text in enumerate(texts, start=1)
    ]
    with Replay(server, alter=_faulty if plants_faults else tuple) as replay:
        return list(replay.run(history))


def _faulty(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """What builds an index or writes a table anew is left out; of a free column it is said."""
    return tuple(
        replace(each, hazard=BY_ID["add-column-volatile-default"])
        if each.hazard.id == "no-lock-timeout" and each.line == 1
        else each
        for each in findings
        if each.hazard.id not in ("create-index", "add-column-volatile-default")
    )


def test_every_true_finding_is_confirmed_and_no_file_that_fails_is_counted(shadow_server: Server) -> None:
    broken_text = "ALTER TABLE p ADD plain int;\nDROP TABLE missing;"
    _, true, broken, free = _replayed(shadow_server, _FIRST, _TRUE, broken_text, _FREE)

    assert {answer.finding.hazard.id for answer in true.answers} == {
        *("create-index", "add-foreign-key", "foreign-key-without-index", "add-column-volatile-default"),
        *("rename-column", "drop-column", "drop-cascade", "write-all-rows", "add-required-column"),
        *("disable-trigger", "truncate", "session-setting", "no-lock-timeout"),
    }
    wrong = [(each.finding.hazard.id, each.why) for each in true.answers if each.verdict is not _CONFIRMED]
    assert (wrong, true.missed, true.failure) == ([], (), "")
    assert "42P01" in broken.failure
    assert not broken.answers
    said = [(each.finding.hazard.id, each.verdict) for each in free.answers]
    named = ("no-lock-timeout", "drop-column", "drop-table")
    assert (said, free.missed) == ([(each, _CONFIRMED) for each in named], ())


def test_false_finding_is_not_confirmed_and_one_left_out_is_missed(shadow_server: Server) -> None:
    _, costly, free, brought = _replayed(
        shadow_server,
        "CREATE TABLE p (id int PRIMARY KEY, mail text, note text);",
        "CREATE INDEX p_mail ON p (mail);\nALTER TABLE p ADD token uuid DEFAULT gen_random_uuid();",
        "ALTER TABLE p ADD plain int;",
        "CREATE EXTENSION citext;\nALTER TABLE p ALTER note TYPE citext;",  # a cast that no catalog knows yet
        plants_faults=True,
    )

    assert [(each.verdict, each.why) for each in free.answers] == [(Verdict.NOT_CONFIRMED, "written anew")]
    assert [(each.line, each.table) for each in costly.missed] == [(1, "public.p"), (2, "public.p")]
    said = [(each.finding.hazard.id, each.verdict) for each in brought.answers]
    assert (said, brought.missed) == ([("no-lock-timeout", _CONFIRMED)], ())

"""What of an enum could not be undone is refused before anything runs, and what stands in the way named."""

from __future__ import annotations

import pytest

from tests.laws import runs
from tests.plugins.bench import MakeTarget
from workorders.migration.errors import Refused

_SETUP = """
CREATE TYPE plain AS ENUM ('a', 'b'); CREATE TYPE based AS ENUM ('a'); CREATE TYPE keyed AS ENUM ('a');
CREATE TYPE made AS ENUM ('a'); CREATE TYPE read AS ENUM ('a');
CREATE DOMAIN narrow AS based;
CREATE TABLE parent (k keyed PRIMARY KEY); CREATE TABLE child (k keyed REFERENCES parent);
CREATE TABLE computed (m made, g made GENERATED ALWAYS AS (m) STORED);
CREATE TABLE seen (id int, m read); CREATE VIEW shows AS SELECT m FROM seen;
CREATE TABLE used (p plain);
CREATE TYPE part AS ENUM ('a'); CREATE TYPE "ho'le" AS (p part);
CREATE FUNCTION lone(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
CREATE DOMAIN held AS int CHECK (lone(VALUE) > 0);
"""

_NEW = "CREATE TYPE other AS ENUM ('a'); ALTER TABLE {0} ALTER m TYPE other USING m::text::other"


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("ALTER TYPE based ADD VALUE 'x'", "domain public.narrow stands on public.based"),
        ("ALTER TYPE keyed ADD VALUE 'x'", "child_k_fkey of public.child stands on public.child.k"),
        ("ALTER TYPE made ADD VALUE 'x'", "public.computed.g is generated"),
        ("ALTER TYPE plain ADD VALUE 'a'", "already has the value 'a'"),
        ("ALTER TYPE plain ADD VALUE 'x' BEFORE 'y'", "has no value 'y'"),
        ("ALTER TYPE read RENAME VALUE 'a' TO 'x'; ALTER TYPE read ADD VALUE 'y'", "view public.shows"),
        (_NEW.format("seen"), "view public.shows needs public.seen.m"),
        ("DROP TYPE part CASCADE", "would take a part of type public.ho'le"),
        ("DROP FUNCTION lone CASCADE", "would take a part of domain public.held"),
        ("DROP TYPE plain", "table public.used needs type public.plain"),
    ],
)
def test_what_stands_in_the_way_is_named(sql: str, reason: str, make_target: MakeTarget) -> None:
    target = make_target(_SETUP)

    with pytest.raises(Refused) as refused:
        runs.planned(target, sql)

    assert reason in str(refused.value)

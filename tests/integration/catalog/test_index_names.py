"""An index without a name gets the one that the server would choose."""

from __future__ import annotations

from contextlib import closing

import psycopg

from tests.plugins.bench import MakeTarget
from workorders.migration import engine, sessions
from workorders.migration.sql import index_forms

#: What an index may be over: columns, calls, casts and all that has a name of its own.
KEYS = (
    *(
        "a",
        "lower(b)",
        "(b::int)",
        "(a + 1)",
        "(lower(b)::varchar(3))",
        "((d ->> 'x'))",
        '(d::text COLLATE "C")',
    ),
    *(
        "((d ->> 'x')::int)",
        "((a + 1)::bigint)",
        "(coalesce(a, 1))",
        "(greatest(a, 2))",
        "(least(a, 1)::text)",
    ),
    *("((c).x)", "((c).y::varchar)", "(e[1])", "(nullif(a, 2))", "(ARRAY[a])", "(a IS NULL)", "((-a))"),
    *(
        "(CASE WHEN a > 1 THEN 1 ELSE a END)",
        "(CASE WHEN a > 1 THEN 1 ELSE 2 END)",
        "(CASE WHEN a > 1 THEN 1 END)",
    ),
    *(
        "(extract(year FROM f))",
        "(json_value(d, '$.x'))",
        "(trim(b))",
        "abs(a), lower(b), b",
        "lower(b), lower(b)",
        "((a, 1) = (1, a))",
    ),
)


def test_index_without_a_name_is_called_as_the_server_calls_it(make_target: MakeTarget) -> None:
    dsn = make_target(
        "CREATE TYPE pair AS (x int, y text);CREATE TABLE t (a int, b text, c pair, d jsonb, e int[], f date)"
    )
    wrong = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        for key in KEYS:
            connection.execute(f"CREATE INDEX ON t ({key})".encode())
            row = connection.execute(
                "SELECT relname, pg_get_indexdef(oid) FROM pg_class WHERE relname ~ '^t_.*_idx$'"
            ).fetchone()
            assert row is not None
            chosen = {
                f"t_{index_forms.part_of_name(text)}_idx" for text in (f"CREATE INDEX ON t ({key})", row[1])
            }
            if chosen != {row[0]}:
                wrong.append((key, row[0], chosen))
            connection.execute(f'DROP INDEX "{row[0]}"'.encode())
    with closing(sessions.connect(dsn)) as target:
        script = "ALTER TABLE t ADD EXCLUDE USING btree ((b::int) WITH =)"
        (step, *_) = engine.prepare(target, script).plan.steps

    assert wrong == []
    assert "t_b_excl" in step.action.sql[0]

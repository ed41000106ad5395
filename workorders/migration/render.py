"""Plan and rollback as files for plain psql, of use without Lockkeeper.

They hold what the executor sends, without its journal, its lock waiting and its pacing:
each step in a transaction of its own with a lock timeout.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from workorders.migration.names import OUR_SCHEMA, literal, quoted
from workorders.migration.plan import Plan
from workorders.migration.steps import Action, Batches, Misfit, purging_order

#: Rows in one batch of the printed loop.
_BATCH_ROWS = 1000


def plan_file(plan: Plan) -> str:
    """The way forth."""
    return _file(f"The plan {plan.run}, as Lockkeeper runs it.", [(step.action, ()) for step in plan.steps])


def rollback_file(plan: Plan) -> str:
    """The way back from the plan's end. Rows that do not fit are refused by the constraints."""
    actions = [(action, step.misfits) for step in reversed(plan.steps) for action in step.undo]
    return _file(f"The way back of {plan.run}.", actions)


def purge_file(plan: Plan) -> str:
    """Makes the plan final."""
    actions = [(action, ()) for number in purging_order(plan.steps) for action in plan.steps[number].purge]
    drops = [f"DROP TABLE IF EXISTS {name.sql};" for step in plan.steps for name in step.remains]
    return _file(f"Makes {plan.run} final.", actions) + "\n".join(drops) + ("\n" if drops else "")


def _file(title: str, actions: Iterable[tuple[Action, tuple[Misfit, ...]]]) -> str:
    lines = [f"-- {title}", "\\set ON_ERROR_STOP on", "SET lock_timeout = '100ms';", ""]
    schema = f"CREATE SCHEMA IF NOT EXISTS {quoted(OUR_SCHEMA)};"
    lines += [schema, ""]
    for action, misfits in actions:
        lines.append(f"-- {_one_line(action.title)}")
        if action.settles is not None:
            misfit = misfits[action.settles]
            lines += [
                f"-- {_one_line(misfit.reason)}: this has to give no row.",
                f"SELECT count(*) FROM {misfit.table.sql} t WHERE {misfit.rows_back};",
                "",
            ]
            continue
        lines += [*_sent(action), ""]
    return "\n".join(lines)


def _sent(action: Action) -> Iterator[str]:
    if action.batches is not None:
        yield _loop(action, action.batches)
        return
    if not action.is_transactional:
        yield "SET lock_timeout = 0;"
        yield from (f"{statement};" for statement in action.sql)
        yield "SET lock_timeout = '100ms';"
        return
    yield "BEGIN;"
    if action.as_replica:
        yield "SET LOCAL session_replication_role = replica;"
    if action.capture:
        yield f"SET LOCAL lockkeeper.capture = {literal(action.capture)};"
    yield from (f"{statement};" for statement in action.sql)
    yield "COMMIT;"


def _loop(action: Action, batches: Batches) -> str:
    """A loop in PL/pgSQL that commits after each batch."""
    names = ", ".join(f"k{place}" for place in range(1, batches.key_columns + 1))

    def keys(query: str) -> str:
        return literal(f"SELECT ARRAY[{names}] FROM ({query}) AS q({names})")

    def sets(side: str, values: str) -> str:
        return " ".join(
            f"PERFORM set_config('lockkeeper.{side}_{place}', {values}[{place}], true);"
            for place in range(1, batches.key_columns + 1)
        )

    def sends(statements: tuple[str, ...]) -> str:
        return " ".join(f"EXECUTE {literal(statement)};" for statement in statements)

    capture = f"PERFORM set_config('lockkeeper.capture', {literal(action.capture)}, true);"
    replica = "PERFORM set_config('session_replication_role', 'replica', true);"
    body = f"""
DECLARE low text[]; high text[];
BEGIN
  EXECUTE {keys(batches.first)} INTO low;
  WHILE low IS NOT NULL LOOP
    PERFORM set_config('lockkeeper.batch_rows', '{_BATCH_ROWS}', true);
    {capture if action.capture else ""} {replica if action.as_replica else ""}
    {sets("low", "low")}
    high := NULL;
    EXECUTE {keys(batches.next)} INTO high;
    IF high IS NULL THEN
      {sends(batches.rest)}
    ELSE
      {sets("high", "high")}
      {sends(batches.between)}
    END IF;
    low := high;
    COMMIT;
  END LOOP;
END
"""
    return f"DO {literal(body)};"


def _one_line(text: str) -> str:
    return " ".join(text.split())

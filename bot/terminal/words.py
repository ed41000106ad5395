"""Plans, proofs and outcomes as lines for a terminal. SQL stands there complete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import click

from bot.render import escape
from bot.terminal.answer import Trouble, statements_of
from workorders.migration.application import Execution
from workorders.migration.catalog.fingerprint import Fingerprint
from workorders.migration.estimate import Estimate, Work
from workorders.migration.executor import Outcome
from workorders.migration.impact import Impact, Plain
from workorders.migration.plan import Plan
from workorders.migration.rehearsal.proofs import Proof, Rehearsal
from workorders.migration.steps import Action
from workorders.roles.words import interval, size, summed


def head(plan: Plan) -> Iterator[str]:
    """Which plan this is."""
    yield f"run     {plan.run}"
    yield f"target  {plan.identity}"
    yield f"digest  {plan.digest}"
    for note in plan.script.notes:
        yield f"note    {escape.visible(note)}"


def impact(value: Impact) -> Iterator[str]:
    """What would be touched."""
    yield from _heading("Impact")
    header = ["table", "rows", "size", "columns", "indexes", "foreign keys", "triggers"]
    rows = [
        [
            str(table.name),
            "not counted" if table.rows is None else f"{table.rows:,}",
            size(table.size_bytes),
            *(str(n) for n in (table.columns, table.indexes, table.foreign_keys, table.triggers)),
        ]
        for table in value.tables
    ]
    yield from _aligned([header, *rows]) if rows else ["  no table that exists"]
    for writing in value.writes:
        counted = "rows not counted" if writing.rows is None else f"{writing.rows:,} rows"
        yield f"  line {writing.line}: {writing.operation} of {counted} of {writing.table}"
    for dependence in value.dependences:
        yield f"  {dependence.table} is needed by {dependence.kind} {escape.visible(dependence.description)}"
    for name in value.publications:
        yield f"  published in {escape.visible(name)}"
    yield "  as it is written:"
    for each in value.plain:
        yield f"    line {each.line}: {_plain(each)}"
    if value.hazards:
        yield from (f"    {escape.visible(hazard)}" for hazard in value.hazards)


def costs(estimates: Sequence[Estimate]) -> Iterator[str]:
    """What the plan will take, in all and step by step."""
    yield from _heading("What it will take")
    rows = [
        [
            escape.visible(each.step),
            interval(each.milliseconds),
            interval(each.wal_bytes, size),
            interval(each.disk_bytes, size),
        ]
        for each in estimates
    ]
    whole = [
        "all",
        summed(each.milliseconds for each in estimates),
        summed((each.wal_bytes for each in estimates), size),
        summed((each.disk_bytes for each in estimates), size),
    ]
    yield from _aligned([["step", "time", "write-ahead log", "disk"], *rows, whole])
    yield from (f"  {line}" for line in _grounds(estimates))


def _grounds(estimates: Sequence[Estimate]) -> Iterator[str]:
    """Each measurement once; of changes of definitions, which are many, where they are all taken."""
    heavy = [each for each in estimates if each.work is not Work.CATALOG]
    amounts = (a for each in heavy for a in (each.milliseconds, each.wal_bytes, each.disk_bytes))
    yield from dict.fromkeys(escape.visible(amount.because) for amount in amounts if amount.is_known)
    if any(each.milliseconds.is_known for each in estimates if each not in heavy):
        yield "changes of definitions: what they took in rehearsal, which does not depend on the rows"


def _plain(value: Plain) -> str:
    if not value.is_foretold:
        return "what it locks, reads and writes cannot be foretold"
    parts = [str(lock) for lock in value.locks]
    parts += [f"reads all of {name}" for name in value.scans]
    parts += [f"writes {name} anew" for name in value.rewrites]
    return escape.visible(", ".join(parts) or "locks no table that has rows")


def steps(plan: Plan, milliseconds: Mapping[int, float]) -> Iterator[str]:
    """The way forth, and the way back."""
    yield from _heading("Plan")
    if not plan.steps:
        yield "  nothing to do: the schema is as the script wants it"
        return
    for number, step in enumerate(plan.steps):
        line = plan.statements[step.statement].statement.line
        took = f", {milliseconds[number]:.1f} ms in rehearsal" if number in milliseconds else ""
        yield from _action(f"{number + 1}.", step.action, f"line {line}{took}")
    for move in plan.moved:
        yield f"  {escape.visible(str(move))}"
    label = "instant" if plan.is_undone_instantly else "online"
    yield from _heading(f"Rollback ({label})")
    for number, step in reversed(list(enumerate(plan.steps))):
        for action in step.undo:
            yield from _action(f"{number + 1}.", action, "undo")
        if step.loses:
            yield f"     {escape.visible(step.loses)}"


def proofs(rehearsal: Rehearsal) -> Iterator[str]:
    """What was tried on copies, and whether it held."""
    yield from _heading("Proofs")
    width = max((len(proof.name) for proof in rehearsal.proofs), default=0)
    for proof in rehearsal.proofs:
        yield f"  {proof.name.ljust(width)}  {_mark(proof)}  {proof.claim}"
        yield from (f"    {escape.visible(difference)}" for difference in proof.differences)
        yield from (
            f"    {click.style('RED FLAG', fg='red')}  {escape.visible(flag)}" for flag in proof.flags
        )
    major, counted = rehearsal.server_version // 10000, sum(rehearsal.sample.rows.values())
    yield f"  on Postgres {major}, {counted} sample rows, {rehearsal.seconds:.1f} s"
    for words, names in (("made up", rehearsal.sample.made_up), ("none", rehearsal.sample.empty)):
        if names:
            yield f"  rows of {', '.join(map(str, names))}: {words}, for the target has none"


def _mark(proof: Proof) -> str:
    colours: dict[bool | None, str] = {True: "green", False: "red", None: "yellow"}
    word = proof.word.upper() if proof.holds is False else proof.word
    return click.style(word.ljust(7), fg=colours[proof.holds], bold=proof.holds is False)


def validation(execution: Execution) -> Iterator[str]:
    """The same questions before and after, and who waited meanwhile."""
    yield from _heading("Validation")
    for comparison in execution.comparisons:
        word = {True: "agrees", False: "DIFFERS", None: "unknown"}[comparison.agrees]
        mark = click.style(word, fg="red", bold=True) if comparison.agrees is False else word
        query = comparison.query
        subject = f" ({escape.visible(query.subject)})" if query.subject and query.kind != "checksum" else ""
        yield f"  {mark}  {query.kind} of {query.table}{subject}: {escape.visible(comparison.words)}"
    watched = execution.watched
    yield (
        f"  longest wait seen for us {watched.longest_stall_ms:.0f} ms,"
        f" {watched.most_blocked} sessions at once, {watched.samples} looks"
    )


def next_moves(run: str, database: str) -> Iterator[str]:
    """What can be done with a run that was executed. `database` is shown without a password."""
    yield from _heading("Next")
    where = f"--database {database}"
    yield from _aligned(
        [
            [f"lockkeeper rollback {run} {where}", "undo it, rows written since included"],
            [f"lockkeeper finish {run} {where}", "keep it; the way back stays open"],
            [f"lockkeeper finish {run} {where} --purge", "keep it for good: what the way back needs goes"],
        ]
    )


def fingerprint(value: Fingerprint) -> Iterator[str]:
    """The hash, then every object with its attributes."""
    yield value.hash
    for key, attributes in value.objects.items():
        yield ""
        yield click.style(escape.visible(key), bold=True)
        for name, attribute in attributes.items():
            shown = ", ".join(attribute) if isinstance(attribute, list) else str(attribute)
            yield f"  {name.replace('_', ' ')}: {escape.visible(shown)}"


def left(outcome: Outcome) -> tuple[str, ...]:
    """Rows that a rollback did not touch."""
    return tuple(
        f"{each.rows} rows were left as they were written since: {each.title}" for each in outcome.left
    )


def troubles(values: Iterable[Trouble]) -> Iterator[str]:
    """Problems, each with its next move on a line of its own."""
    for trouble in values:
        problem = trouble.problem
        where = "" if problem.line is None else f"line {problem.line}: "
        yield click.style(f"{where}{escape.visible(problem.reason)}", fg="red")
        if problem.next_move:
            yield f"  {escape.visible(problem.next_move)}"


def _action(number: str, action: Action, about: str) -> Iterator[str]:
    yield f"  {number.rjust(3)} {click.style(escape.visible(action.title), bold=True)}  ({about})"
    facts = [", ".join(map(str, action.locks)) or "no lock that anybody waits for"]
    facts += [f"scans {name}" for name in action.scans] + [f"rewrites {name}" for name in action.rewrites]
    facts += [] if action.is_transactional else ["in no transaction"]
    facts += ["in batches by key"] if action.batches is not None else []
    facts += ["rows that do not fit are filled or set aside"] if action.settles is not None else []
    yield f"      {'; '.join(facts)}"
    for statement in statements_of(action):
        lines = statement.strip().splitlines()
        yield from (f"      {escape.visible(line.replace(chr(9), '    '))}" for line in lines[:-1])
        yield from (f"      {escape.visible(line.replace(chr(9), '    '))};" for line in lines[-1:])


def _heading(text: str) -> Iterator[str]:
    yield ""
    yield click.style(text, bold=True)


def _aligned(rows: list[list[str]]) -> Iterator[str]:
    shown = [[escape.visible(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in shown) for column in range(len(shown[0]))]
    for row in shown:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()

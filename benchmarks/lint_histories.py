"""What `lockkeeper lint FILE --database URL` says of whole histories, and how much of it a server confirms.

    python -m benchmarks.lint_histories DIR [DIR...] [--json]

Each DIR holds one project's migrations, in a layout that `lockkeeper corpus` knows. Each file is
linted on the database that the files before it made, with made-up rows in every table, and is then
run on a copy of it and watched, statement by statement. Every finding ends as confirmed, not
confirmed or not tried; what a statement without a finding did to a table that was there is missed.
Exit status: 0 if all that was tried is confirmed, else 1.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.bank import end_like_ctrl_c
from benchmarks.histories.claims import Answer, Verdict
from benchmarks.histories.replay import Replay, Replayed
from bot.settings import Settings
from bot.shadow import workshop
from workorders.migration.corpus import layouts


def main() -> int:
    """Prints a line for each finding that is not confirmed, then the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="+", metavar="DIR")
    parser.add_argument("--pattern", help="which files are migrations")
    parser.add_argument("--json", action="store_true", help="one JSON object a line: files, then totals")
    given = parser.parse_args()
    end_like_ctrl_c()
    is_clean = True
    with workshop(Settings.from_environment()) as place:
        for folder in given.folder:
            history = layouts.read(folder, given.pattern)
            done = []
            with Replay(place.server) as replay:
                for replayed in replay.run(history.migrations):
                    done.append(replayed)
                    for line in [json.dumps(_object(replayed))] if given.json else _lines(replayed):
                        print(line, flush=True)
            totals = _totals(done)
            is_clean = is_clean and not totals["not confirmed"]
            for line in [json.dumps({"folder": str(folder), **totals})] if given.json else _summary(totals):
                print(line, flush=True)
    return 0 if is_clean else 1


def _object(replayed: Replayed) -> dict[str, Any]:
    return {
        "file": replayed.file,
        "failure": replayed.failure,
        "findings": [
            {
                "hazard": each.finding.hazard.id,
                "line": each.finding.line,
                "verdict": each.verdict.value,
                "why": each.why,
                "sentence": each.finding.sentence,
            }
            for each in replayed.answers
        ],
        "missed": [vars(each) for each in replayed.missed],
    }


def _lines(replayed: Replayed) -> Iterator[str]:
    if replayed.failure:
        yield f"{replayed.file}: does not run here: {replayed.failure}"
    for each in replayed.answers:
        if each.verdict is not Verdict.CONFIRMED:
            where = f"{replayed.file}:{each.finding.line}: {each.finding.hazard.id}"
            yield f"{where}: {each.verdict.value}: {each.why}: {each.finding.sentence}"
    for missed in replayed.missed:
        yield f"{replayed.file}:{missed.line}: missed: {missed.table}: {missed.what}"


def _totals(done: Iterable[Replayed]) -> dict[str, Any]:
    ran = [each for each in done if not each.failure]
    answers = [answer for each in ran for answer in each.answers]
    return {
        "files": len(ran),
        "findings": len(answers),
        **{verdict.value: sum(each.verdict is verdict for each in answers) for verdict in Verdict},
        "missed": sum(len(each.missed) for each in ran),
        "hazards": {verdict.value: dict(_by_hazard(answers, verdict)) for verdict in Verdict},
    }


def _by_hazard(answers: Iterable[Answer], verdict: Verdict) -> Counter[str]:
    return Counter(each.finding.hazard.id for each in answers if each.verdict is verdict)


def _summary(totals: dict[str, Any]) -> Iterator[str]:
    names = [verdict.value for verdict in Verdict]
    counts = ", ".join(f"{totals[name]} {name}" for name in names)
    yield f"{totals['files']} files ran: {totals['findings']} findings, {counts}; {totals['missed']} missed"
    by_hazard = totals["hazards"]
    for hazard in sorted({each for name in names for each in by_hazard[name]}):
        shown = ", ".join(f"{by_hazard[name].get(hazard, 0)} {name}" for name in names)
        yield f"  {hazard:32} {shown}"


if __name__ == "__main__":
    sys.exit(main())

"""What lint found, as text, JSON, SARIF or GitHub's workflow commands."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from bot.errors import Problem, Unreadable
from bot.render import escape
from workorders.migration.hazards import HAZARDS
from workorders.migration.hazards.linting import Finding, Linted

_RULES = {hazard.id: number for number, hazard in enumerate(HAZARDS)}
_SARIF = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


@dataclass(frozen=True, kw_only=True)
class File:
    """A script, as it was named, and what there is to say of it."""

    path: str
    linted: Linted


def text(files: tuple[File, ...]) -> Iterator[str]:
    """Lines for a person: `path:line: hazard: sentence`, and the way out below it."""
    for file in files:
        path = escape.visible(file.path)
        for problem in file.linted.problems:
            yield f"{path}:{_place(problem)}: {escape.visible(f'{problem.reason} {problem.next_move}')}"
        for finding in file.linted.findings:
            kind = "note: " if finding.hazard.is_note else ""
            sentence = escape.visible(finding.sentence)
            yield f"{path}:{finding.line}: {kind}{finding.hazard.id}: {sentence}"
            if finding.allowed_because:
                yield f"    allowed because {escape.visible(finding.allowed_because)}"
            else:
                yield f"    way out: {escape.visible(finding.way_out)}"
        for unused in file.linted.unused:
            yield f"{path}:{unused.line}: {_UNUSED.format(hazard=unused.hazard)}"
    yield _summary(files)


_UNUSED = "the allowance of {hazard} allows nothing: the statement after it has no such hazard. Take it out."


def _place(problem: Unreadable) -> str:
    return f"{problem.line}:{problem.column}" if problem.line else "0"


def _summary(files: tuple[File, ...]) -> str:
    hazards = sum(len(file.linted.hazards) for file in files)
    allowed = sum(1 for file in files for finding in file.linted.findings if finding.allowed_because)
    unreadable = sum(1 for file in files if file.linted.problems)
    parts = [_count(len(files), "file"), _count(hazards, "hazard")]
    parts += [f"{allowed} allowed"] if allowed else []
    parts += [f"{unreadable} not readable"] if unreadable else []
    return ", ".join(parts) + "."


def _count(number: int, word: str) -> str:
    return f"{number or 'no'} {word}{'' if number == 1 else 's'}"


def as_json(files: tuple[File, ...]) -> str:
    """One object."""
    content = {
        "findings": [
            {
                "path": file.path,
                "line": finding.line,
                "hazard": finding.hazard.id,
                "title": finding.hazard.title,
                "sentence": finding.sentence,
                "way_out": finding.way_out,
                "is_note": finding.hazard.is_note,
                "allowed_because": finding.allowed_because or None,
            }
            for file in files
            for finding in file.linted.findings
        ],
        "unused_allowances": [
            {"path": file.path, "line": unused.line, "hazard": unused.hazard, "reason": unused.reason}
            for file in files
            for unused in file.linted.unused
        ],
        "problems": [
            {"path": file.path, "column": problem.column or None, **_facts(problem.problem)}
            for file in files
            for problem in file.linted.problems
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def _facts(problem: Problem) -> dict[str, Any]:
    return {"line": problem.line, "reason": problem.reason, "next_move": problem.next_move}


def sarif(files: tuple[File, ...]) -> str:
    """SARIF 2.1.0, as code scanning takes it. An allowance is a suppression in the source."""
    problems = [(file.path, problem) for file in files for problem in file.linted.problems]
    unused = [(file.path, each) for file in files for each in file.linted.unused]
    notifications = [
        {
            "level": "error",
            "message": {"text": f"{problem.reason} {problem.next_move}"},
            "locations": [_location(path, problem.line, problem.column)],
        }
        for path, problem in problems
    ]
    notifications += [
        {
            "level": "note",
            "message": {"text": _UNUSED.format(hazard=each.hazard)},
            "locations": [_location(path, each.line)],
        }
        for path, each in unused
    ]
    run = {
        "tool": {
            "driver": {
                "name": "lockkeeper",
                "version": version("lockkeeper"),
                "rules": [
                    {
                        "id": hazard.id,
                        "shortDescription": {"text": hazard.title},
                        "fullDescription": {"text": f"{hazard.condition} {hazard.consequence}"},
                        "help": {"text": hazard.way_out},
                        "defaultConfiguration": {"level": "note" if hazard.is_note else "warning"},
                    }
                    for hazard in HAZARDS
                ],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {"executionSuccessful": not problems, "toolExecutionNotifications": notifications},
        ],
        "results": [_result(file.path, finding) for file in files for finding in file.linted.findings],
    }
    return json.dumps({"$schema": _SARIF, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _result(path: str, finding: Finding) -> dict[str, Any]:
    found: dict[str, Any] = {
        "ruleId": finding.hazard.id,
        "ruleIndex": _RULES[finding.hazard.id],
        "level": "note" if finding.hazard.is_note else "warning",
        "message": {"text": f"{finding.sentence} Way out: {finding.way_out}"},
        "locations": [_location(path, finding.line)],
    }
    if finding.allowed_because:
        found["suppressions"] = [{"kind": "inSource", "justification": finding.allowed_because}]
    return found


def _location(path: str, line: int, column: int = 0) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(path)}}
    if line:
        place["region"] = {"startLine": line} | ({"startColumn": column} if column else {})
    return {"physicalLocation": place}


def _uri(path: str) -> str:
    pure = PurePath(path)
    return pure.as_uri() if pure.is_absolute() else quote(pure.as_posix())


def github(files: tuple[File, ...]) -> Iterator[str]:
    """Workflow commands, which GitHub Actions shows as annotations on the files."""
    for file in files:
        for problem in file.linted.problems:
            place = {"line": problem.line, "col": problem.column}
            said = f"{problem.reason} {problem.next_move}"
            yield _command("error", file.path, "not readable", said, place)
        for finding in file.linted.findings:
            is_mild = finding.hazard.is_note or finding.allowed_because
            more = f"Way out: {finding.way_out}"
            if finding.allowed_because:
                more = f"Allowed because {finding.allowed_because}"
            yield _command(
                "notice" if is_mild else "warning",
                file.path,
                finding.hazard.id,
                f"{finding.sentence}\n{more}",
                {"line": finding.line},
            )
        for unused in file.linted.unused:
            said = _UNUSED.format(hazard=unused.hazard)
            yield _command("notice", file.path, unused.hazard, said, {"line": unused.line})


def _command(kind: str, path: str, title: str, said: str, place: Mapping[str, int]) -> str:
    properties = {
        "file": path,
        **{name: str(value) for name, value in place.items() if value},
        "title": title,
    }
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{kind} {told}::{_data(said)}"


def _data(value: str) -> str:
    # What the runner takes apart again: https://github.com/actions/toolkit, packages/core/src/command.ts
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")

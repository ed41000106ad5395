"""A definition: the Markdown text with YAML front matter that says what kind of work order this is.

The format is described for people in `workorders/definitions/README.md`. Reading is strict
where something follows from it (keys, roles, phases, criteria) and keeps everything else
as it is. A definition comes from a repository and is not trusted: its name ends up in
labels and commands, its text in an issue.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

from workorders.markdown import Heading, Line, Part, items_of, lines_of, parts_of
from workorders.migration.errors import Unreadable
from workorders.nearest import did_you_mean
from workorders.order import Criterion, State
from workorders.report import named
from workorders.yamltree import Place, tree

#: The order's text and its SQL have to fit one issue body.
LARGEST_BYTES = 30_000

#: Each may carry a line of evidence in the issue.
MOST_CRITERIA = 40

#: Commands, the planned ones too. A definition of that name could not be told from one.
VERBS = frozenset(
    {
        *("abort", "approve", "cancel", "confirm", "done", "execute", "freeze", "help", "log", "pause"),
        *(
            "plan",
            "purge",
            "report",
            "request-changes",
            "resume",
            "revise",
            "rollback",
            "speed",
            "start",
            "status",
        ),
        *("terminate", "unfreeze", "what-if", "who", "why"),
    }
)

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_PHASE = re.compile(r"Phase\s+(\d{1,3})\s*:\s*(\S.*)", re.IGNORECASE)
_ROLE = re.compile(
    r"\*\*\s*(Role|Supervisor|Worker-(?P<worker>\d{1,3}))\s*(?:\((?P<of>[^)]*)\))?\s*:\s*\*\*\s*(?P<name>.*)"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\u2066-\u2069\u202a-\u202e]")
_TASK_BOX = re.compile(r"\[[ xX]\]\s+")

_REQUIRED = ("name", "version", "description", "category", "structure", "workflow", "estimated_phases")


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A numbered part of the workflow, done by one role."""

    #: 1-based and without gaps.
    number: int
    title: str
    role: str
    #: What is to be done, a sentence each; at least one.
    tasks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part under a heading of its own, kept as it stands."""

    title: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What kind of work order this is."""

    name: str
    version: str
    description: str
    category: str
    supervisor: str
    workers: tuple[str, ...]
    #: Always `sequential`: the phases follow one another.
    workflow: str
    #: "" where none is given.
    priority: str
    title: str
    #: How the roles work together.
    process: str
    #: When to use it.
    scenario: str
    phases: tuple[Phase, ...]
    #: Success criteria, in order; the first is number 1.
    criteria: tuple[str, ...]
    #: What happens when work is blocked, in order.
    escalation: tuple[str, ...]
    #: All sections in order, those above included.
    sections: tuple[Section, ...]
    #: The whole text, front matter included.
    text: str

    @property
    def roles(self) -> tuple[str, ...]:
        """The supervisor, then the workers."""
        return (self.supervisor, *self.workers)

    def open_criteria(self) -> tuple[Criterion, ...]:
        """The criteria of an order that has just been opened: none is looked at yet."""
        return tuple(
            Criterion(number=number, text=text) for number, text in enumerate(self.criteria, start=1)
        )


def from_bytes(raw: bytes) -> Definition:
    """The definition in a file. Raises `Unreadable` with line and reason."""
    try:
        return from_markdown(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise Unreadable("The file is not UTF-8.", "Save it as UTF-8.", line=line, column=1) from error


def from_markdown(text: str) -> Definition:
    """The definition in a text. Raises `Unreadable` with line and reason."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    _refuse_hostile(text)
    lines = lines_of(text)
    if not lines or lines[0].text.rstrip() != "---":
        raise Unreadable(
            "The front matter is missing.", f"Begin the file with a line {named('---')}.", line=1, column=1
        )
    end = next((index for index, line in enumerate(lines[1:], start=1) if line.text.rstrip() == "---"), None)
    if end is None:
        raise Unreadable(
            "The front matter has no end.", f"Add a line {named('---')} after its last key.", line=1, column=1
        )
    front = tree("\n".join(line.text for line in lines[1:end]), first_line=2).record(
        required=_REQUIRED, optional=("priority",)
    )
    structure = front["structure"].record(required=("supervisor", "workers"))
    supervisor, workers = _role_name(structure["supervisor"]), _workers(structure["workers"])
    if supervisor in workers:
        raise structure["supervisor"].wrong(
            f"{named(supervisor)} is supervisor and worker at once.",
            "Name the worker differently: none reviews itself.",
        )
    parts = parts_of(lines[end + 1 :])
    by_title = _by_title(parts)
    phases = _phases(by_title, supervisor, workers, front["estimated_phases"])
    criteria = tuple(_TASK_BOX.sub("", item.text, count=1) for item in _listed(by_title, "SUCCESS CRITERIA"))
    if not criteria:
        raise _at(by_title, "SUCCESS CRITERIA").wrong(
            "SUCCESS CRITERIA holds no list.", f"Add a line {named('- [ ] ...')}."
        )
    if len(criteria) > MOST_CRITERIA:
        raise _at(by_title, "SUCCESS CRITERIA").wrong(
            f"There are {len(criteria)} criteria; {MOST_CRITERIA} are allowed.", "Join some."
        )
    escalation = by_title.get("ESCALATION")
    return Definition(
        name=_name(front["name"]),
        version=front["version"].text(longest=40),
        description=front["description"].text(longest=500),
        category=_word(front["category"]),
        supervisor=supervisor,
        workers=workers,
        workflow=front["workflow"].choice(("sequential",)),
        priority=_word(front["priority"]) if "priority" in front else "",
        title=next((part.heading.title for part in parts if part.heading.level == 1), ""),
        process=by_title["WORK ORDER PROCESS"].body if "WORK ORDER PROCESS" in by_title else "",
        scenario=_scenario(by_title),
        phases=phases,
        criteria=criteria,
        escalation=() if escalation is None else tuple(item.text for item in items_of(escalation.lines)),
        sections=tuple(
            Section(title=part.heading.title, text=part.body) for part in parts if part.heading.level == 2
        ),
        text=text,
    )


@cache
def shipped() -> Mapping[str, Definition]:
    """The definitions in the package, by name."""
    found: dict[str, Definition] = {}
    for file in sorted((resources.files("workorders") / "definitions").iterdir(), key=lambda each: each.name):
        if file.name.endswith(".md") and file.name != "README.md":
            definition = from_bytes(file.read_bytes())
            found[definition.name] = definition
    return MappingProxyType(found)


def _refuse_hostile(text: str) -> None:
    size = len(text.encode("utf-8", "replace"))
    if size > LARGEST_BYTES:
        raise Unreadable(f"The definition has {size} bytes; {LARGEST_BYTES} are allowed.", "Shorten it.")
    for line in lines_of(text):
        control = _CONTROL.search(line.text)
        if control:
            raise Unreadable(
                f"There is a control character, U+{ord(control.group()):04X}.",
                "Remove it.",
                line=line.number,
                column=control.start() + 1,
            )
        if "<!-- lockkeeper:" in line.text.casefold():
            raise Unreadable(
                f"The hidden marks {named('<!-- lockkeeper:... -->')} belong to Lockkeeper.",
                "Remove it.",
                line=line.number,
                column=1,
            )


def _name(place: Place) -> str:
    name = place.text(longest=40)
    if not _NAME.fullmatch(name):
        raise place.wrong(
            f"{named(name)} cannot be a name.",
            "Use small letters, digits and single hyphens, a letter first.",
        )
    if name.replace("-", "_") in {state.value for state in State}:
        raise place.wrong(
            f"{named(name)} is the name of a state.", "Choose another: labels could not tell them apart."
        )
    if name in VERBS:
        raise place.wrong(f"{named(name)} is a command.", "Choose another name.")
    return name


def _word(place: Place) -> str:
    word = place.text()
    if not _WORD.fullmatch(word):
        raise place.wrong(f"{named(place.path)} is not one plain word.", "Use letters, digits and hyphens.")
    return word


def _role_name(place: Place) -> str:
    role = place.text(longest=40)
    if not _NAME.fullmatch(role):
        raise place.wrong(
            f"{named(role)} cannot be a role.",
            "Use small letters, digits and single hyphens, a letter first.",
        )
    return role


def _workers(place: Place) -> tuple[str, ...]:
    workers: list[str] = []
    for item in place.items():
        worker = _role_name(item)
        if worker in workers:
            raise item.wrong(f"The worker {named(worker)} is named twice.", "Remove one of the two.")
        workers.append(worker)
    if not workers:
        raise place.wrong("There is no worker.", f"Name one: {named('workers: [automation]')}.")
    return tuple(workers)


def _by_title(parts: tuple[Part, ...]) -> Mapping[str, Part]:
    found: dict[str, Part] = {}
    for part in parts:
        if part.heading.level != 2:
            continue
        title = part.heading.title.upper()
        if title in found:
            raise part.heading.wrong(f"The section {named(part.heading.title)} stands twice.", "Join them.")
        found[title] = part
    for title in ("SCENARIO", "PHASES", "SUCCESS CRITERIA"):
        if title not in found:
            raise Unreadable(
                f"The section {title} is missing.", f"Add a heading {named('## ' + title)} and its text."
            )
    return found


def _at(by_title: Mapping[str, Part], title: str) -> Heading:
    return by_title[title].heading


def _listed(by_title: Mapping[str, Part], title: str) -> tuple[Line, ...]:
    return items_of(by_title[title].lines)


def _scenario(by_title: Mapping[str, Part]) -> str:
    text = by_title["SCENARIO"].body
    if not text:
        raise _at(by_title, "SCENARIO").wrong("SCENARIO is empty.", "Say when this work order is to be used.")
    return text


def _phases(
    by_title: Mapping[str, Part], supervisor: str, workers: tuple[str, ...], estimated: Place
) -> tuple[Phase, ...]:
    phases: list[Phase] = []
    for part in parts_of(by_title["PHASES"].lines, level=3):
        heading = part.heading
        if heading.level != 3:
            continue
        match = _PHASE.fullmatch(heading.title)
        if match is None:
            raise heading.wrong(
                f"{named(heading.title)} is not a phase.",
                f"Write {named(f'### Phase {len(phases) + 1}: title')}.",
            )
        if int(match[1]) != len(phases) + 1:
            raise heading.wrong(
                f"Phase {int(match[1])} stands where phase {len(phases) + 1} should.",
                "Number the phases 1, 2, 3 ...",
            )
        role = _role(part, supervisor, workers)
        tasks = tuple(item.text for item in items_of(part.lines))
        if not tasks:
            raise heading.wrong(
                f"Phase {int(match[1])} has no tasks.", f"Add a line {named('- ...')} for each."
            )
        phases.append(Phase(number=len(phases) + 1, title=match[2].strip(), role=role, tasks=tasks))
    if estimated.integer(1, 50) != len(phases):
        raise estimated.wrong(
            f"estimated_phases says {named(estimated.text())}, and PHASES holds {len(phases)}.",
            "Correct the number or the phases.",
        )
    busy = {phase.role for phase in phases}
    for role in (supervisor, *workers):
        if role not in busy:
            raise _at(by_title, "PHASES").wrong(
                f"The role {named(role)} has no phase.", "Give it one, or remove it from structure."
            )
    return tuple(phases)


def _role(part: Part, supervisor: str, workers: tuple[str, ...]) -> str:
    said = [(line, match) for line in part.lines if (match := _ROLE.match(line.text.strip()))]
    if len(said) != 1:
        where = part.heading if not said else said[1][0]
        raise Unreadable(
            "The phase has no role." if not said else "The phase has a second role.",
            f"Write one line {named(f'**Role:** {workers[0]}')} under its heading.",
            line=where.number,
            column=1,
        )
    line, match = said[0]
    role = (match["of"] or match["name"]).strip()
    known = (supervisor, *workers)
    if role not in known:
        raise Unreadable(
            f"The role {named(role)} is not in structure.",
            did_you_mean(role, known),
            line=line.number,
            column=1,
        )
    kind, worker = match[1], match["worker"]
    if (kind == "Supervisor" and role != supervisor) or (
        worker is not None and not (1 <= int(worker) <= len(workers) and workers[int(worker) - 1] == role)
    ):
        expected = "Supervisor" if role == supervisor else f"Worker-{workers.index(role) + 1}"
        raise Unreadable(
            f"{named(role)} is not {kind} in structure.",
            f"Write {named(f'**{expected} ({role}):**')}.",
            line=line.number,
            column=1,
        )
    return role

"""A check run as a value, and how GitHub is brought to show it.

A check run is known by its name and its commit. GitHub appends the annotations that it is sent to
those that it has, and takes no more than 50 at once: only what is missing is sent, so that a setting
that was cut off half-way can be repeated. Where something would have to be taken away, a new run of
the same name takes the old one's place.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal
from urllib.parse import quote

from workorders.order import Repository

Status = Literal["queued", "in_progress", "completed"]
Conclusion = Literal["success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required"]
Level = Literal["notice", "warning", "failure"]

#: GitHub's limits.
ANNOTATIONS_AT_ONCE = 50
MOST_BUTTONS = 3
_BUTTON_CHARACTERS = {"label": 20, "description": 40, "identifier": 20}
#: Ours: more are of no use to a reader, and each 50 are one request.
MOST_ANNOTATIONS = 150
MESSAGE_CHARACTERS = 8_000
SUMMARY_CHARACTERS = 65_000

#: Sends a request; gives the JSON that came back.
Send = Callable[[str, str, dict[str, Any] | None], Any]


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """A remark on one line of a file of the commit."""

    path: str
    #: From 1.
    line: int
    level: Level
    message: str


@dataclass(frozen=True, kw_only=True)
class Button:
    """Something that a person may press; the event names the identifier. Raises ValueError when too long."""

    label: str
    description: str
    identifier: str

    def __post_init__(self) -> None:
        for name, most in _BUTTON_CHARACTERS.items():
            if not 0 < len(getattr(self, name)) <= most:
                raise ValueError(f"a button's {name} has 1 to {most} characters")


@dataclass(frozen=True, kw_only=True)
class CheckRun:
    """What stands at a commit under a name. Raises ValueError for what could not stand there."""

    name: str
    #: The commit, 40 hexadecimal digits.
    head: str
    status: Status
    #: Of a completed one, and of no other.
    conclusion: Conclusion | None = None
    title: str
    #: Markdown.
    summary: str
    annotations: tuple[Annotation, ...] = ()
    buttons: tuple[Button, ...] = ()
    #: Where "Details" leads; "" is GitHub's own page.
    details_url: str = ""

    def __post_init__(self) -> None:
        if (self.status == "completed") != (self.conclusion is not None):
            raise ValueError("a check run has a conclusion once it is completed, and not before")
        if len(self.buttons) > MOST_BUTTONS:
            raise ValueError(f"a check run has at most {MOST_BUTTONS} buttons")

    def to_json(self) -> str:
        """For `from_json`."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> CheckRun:
        """What `to_json` gave."""
        found = json.loads(text)
        annotations = tuple(Annotation(**each) for each in found.pop("annotations"))
        buttons = tuple(Button(**each) for each in found.pop("buttons"))
        return cls(**found, annotations=annotations, buttons=buttons)


def bring_about(
    check: CheckRun,
    repository: Repository,
    *,
    app_id: int,
    send: Send,
    pages: Callable[[str], Iterator[Any]],
) -> None:
    """Makes GitHub show the check run; once more changes nothing."""
    path = f"/repos/{repository.full_name}/check-runs"
    found = _newest(check, repository, app_id, send)
    there: Counter[_Shown] = Counter()
    if found is not None and found["output"]["annotations_count"]:
        there = Counter(_shown(each) for each in pages(f"{path}/{found['id']}/annotations"))
    wanted = [_annotation(each) for each in check.annotations[:MOST_ANNOTATIONS]]
    is_reopened = found is not None and found["status"] == "completed" != check.status
    if is_reopened or there - Counter(map(_shown, wanted)):
        found, there = None, Counter()
    missing = list(_missing(wanted, there))
    first, rest = missing[:ANNOTATIONS_AT_ONCE], missing[ANNOTATIONS_AT_ONCE:]
    output = {"title": check.title, "summary": _summary(check)}
    body: dict[str, Any] = {
        "name": check.name,
        "status": check.status,
        "output": {**output, "annotations": first},
        "actions": [asdict(each) for each in check.buttons],
    }
    if check.conclusion is not None:
        body["conclusion"] = check.conclusion
    if check.details_url:
        body["details_url"] = check.details_url
    if found is None:
        number = send("POST", path, {**body, "head_sha": check.head})["id"]
    else:
        number = send("PATCH", f"{path}/{found['id']}", body)["id"]
    for start in range(0, len(rest), ANNOTATIONS_AT_ONCE):
        more = {**output, "annotations": rest[start : start + ANNOTATIONS_AT_ONCE]}
        send("PATCH", f"{path}/{number}", {"output": more})


def _newest(check: CheckRun, repository: Repository, app_id: int, send: Send) -> Any:
    """Our newest run of the name at the commit; None where there is none."""
    named = f"check_name={quote(check.name, safe='')}&app_id={app_id}&filter=latest&per_page=100"
    answer = send("GET", f"/repos/{repository.full_name}/commits/{check.head}/check-runs?{named}", None)
    own = [each for each in answer["check_runs"] if each["app"] and each["app"]["id"] == app_id]
    return max(
        (each for each in own if each["name"] == check.name), key=lambda each: each["id"], default=None
    )


_Shown = tuple[str, int, str, str]


def _annotation(annotation: Annotation) -> dict[str, Any]:
    return {
        "path": annotation.path,
        "start_line": annotation.line,
        "end_line": annotation.line,
        "annotation_level": annotation.level,
        "message": annotation.message[:MESSAGE_CHARACTERS],
    }


def _shown(annotation: Mapping[str, Any]) -> _Shown:
    return (
        str(annotation["path"]),
        int(annotation["start_line"]),
        str(annotation["annotation_level"]),
        str(annotation["message"]),
    )


def _missing(wanted: list[dict[str, Any]], there: Counter[_Shown]) -> Iterator[dict[str, Any]]:
    left = Counter(there)
    for each in wanted:
        if left[_shown(each)]:
            left[_shown(each)] -= 1
        else:
            yield each


def _summary(check: CheckRun) -> str:
    more = len(check.annotations) - MOST_ANNOTATIONS
    note = f"\n\n{more} more remarks are not shown on the lines." if more > 0 else ""
    return check.summary[: SUMMARY_CHARACTERS - len(note)] + note

"""One thing to decide: a command, a mistake, or something that happened to an issue."""

from __future__ import annotations

from dataclasses import dataclass

from handlers.command import Command, Mistake
from handlers.events import IssueClosed, IssueEdited, IssueReopened, Labeled, PullRequestEvent
from handlers.facts import Context, Wanted


@dataclass(frozen=True, kw_only=True)
class Task:
    """Decided by itself, on facts gathered after the task before it was carried out."""

    #: The same for the same thing, however often and through whichever hook it is heard of.
    key: str
    context: Context
    act: Command | Mistake | IssueClosed | IssueReopened | IssueEdited | Labeled | PullRequestEvent
    wanted: Wanted

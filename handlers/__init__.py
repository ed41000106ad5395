"""What each event and each command means: (event or command, facts) -> intents.

Pure. `tasks` says what there is to decide and what has to be known for it; the facts are
gathered; `handle` decides. Each task's intents are carried out before the next is asked,
so that the second command of a comment sees what the first one did.
"""

from __future__ import annotations

from collections.abc import Sequence

from handlers import answers, grammar
from handlers.command import Command, Mistake
from handlers.commands import BY_VERB, KINDS
from handlers.events import (
    CommentChanged,
    CommentCreated,
    GitHubEvent,
    Ignored,
    IssueClosed,
    IssueEdited,
    IssueOpened,
    IssueReopened,
    Labeled,
    PullRequestClosed,
    PullRequestPushed,
    PullRequestReopened,
    issues,
    labels,
    pull_request,
    texts,
)
from handlers.facts import Context, Facts, Wanted
from handlers.gate import carried_out, wanted
from handlers.tasks import Task
from workorders.intents import Intent, Reaction
from workorders.migration.errors import Blocked
from workorders.report import named

__all__ = ["Task", "handle", "seen", "task_from_words", "tasks", "told_to_wait"]


def tasks(event: GitHubEvent) -> tuple[Task, ...]:
    """What there is to decide, in order; mostly nothing. Never raises."""
    match event:
        case CommentCreated() | IssueOpened():
            return texts.tasks(event)
        case IssueClosed() | IssueReopened() | IssueEdited():
            return issues.tasks(event)
        case Labeled():
            return labels.tasks(event)
        case PullRequestPushed() | PullRequestClosed() | PullRequestReopened():
            return pull_request.tasks(event)
        case CommentChanged() | Ignored():
            return ()


def task_from_words(
    verb: str, words: Sequence[str], context: Context, *, sql: str = "", sql_origin: str = "comment"
) -> Task:
    """The task that a command line asks for; `sql` is the content of a file of the operator's."""
    act = grammar.from_words(verb, words, BY_VERB, sql=sql, sql_origin=sql_origin)
    needed = Wanted() if isinstance(act, Mistake) else wanted(act, BY_VERB[act.verb], context)
    key = f"operator:{context.person.login}:{context.spoken_at.isoformat()}"
    return Task(key=key, context=context, act=act, wanted=needed)


def seen(event: GitHubEvent) -> tuple[Intent, ...]:
    """The reaction that a comment with commands gets at once, before anything is gathered."""
    first = next(iter(tasks(event)), None)
    return () if first is None else answers.reacted(first.context, Reaction.SEEN)


def handle(task: Task, facts: Facts) -> tuple[Intent, ...]:
    """What follows.

    Raises `Blocked` where something that decides is not known yet: `told_to_wait` says so to
    the person, and the task is to be tried again. Refusals are answers and never raised.
    """
    match task.act:
        case Command():
            return carried_out(task.act, BY_VERB[task.act.verb], KINDS, task.context, facts)
        case Mistake():
            return _corrected(task.act, task.context)
        case IssueClosed():
            return issues.closed(task.context, facts)
        case IssueReopened():
            return issues.reopened(task.context, facts)
        case IssueEdited():
            return issues.edited(facts)
        case Labeled():
            return labels.handle(task.act, task.context, facts)
        case PullRequestPushed():
            return pull_request.pushed(task.act, task.context, facts)
        case PullRequestClosed():
            return pull_request.closed(task.act, task.context, facts)
        case PullRequestReopened():
            return pull_request.reopened(task.context, facts)


def told_to_wait(task: Task, blocked: Blocked) -> tuple[Intent, ...]:
    """What to say while a task waits; the same key each time, so that it is said once."""
    return answers.told(task.context, str(blocked), _place(task))


def _place(task: Task) -> str:
    # The final answer has the same key and takes the place of the waiting.
    return str(task.act.line) if isinstance(task.act, (Command, Mistake)) else "1"


def _corrected(mistake: Mistake, context: Context) -> tuple[Intent, ...]:
    kind = BY_VERB.get(mistake.verb)
    who = (
        f"Anyone can ask {named('/wo help')}."
        if kind is None
        else f"{named(kind.verb)} is for {kind.who.value}."
    )
    text = f"Line {mistake.line}: {mistake.reason} {mistake.next_move} {who}"
    key = str(mistake.line)
    return (*answers.reacted(context, Reaction.REFUSED), *answers.told(context, text, key))

"""What a person has written: its commands, each a task; nothing else in it matters."""

from __future__ import annotations

from hashlib import sha256

from handlers import grammar
from handlers.command import Command, Mistake
from handlers.commands import BY_VERB
from handlers.events import CommentCreated, IssueOpened
from handlers.facts import Context, Wanted
from handlers.gate import wanted
from handlers.tasks import Task
from workorders.authority import Who


def tasks(event: CommentCreated | IssueOpened) -> tuple[Task, ...]:
    """What the text asks for. Bots, ourselves among them, may report in a comment and nothing else."""
    if event.sender.is_bot and isinstance(event, IssueOpened):
        return ()
    context = Context(
        repository=event.repository,
        person=event.sender,
        number=event.number,
        is_pull_request=isinstance(event, CommentCreated) and event.is_pull_request,
        comment_id=event.comment_id if isinstance(event, CommentCreated) else None,
        is_issue_text=isinstance(event, IssueOpened),
        # JSON may hold half a surrogate pair, which plain UTF-8 does not.
        body_hash=sha256(event.body.encode("utf-8", "surrogatepass")).hexdigest(),
        spoken_at=event.created_at,
    )
    place = (
        f"comment:{event.repository.id}:{event.comment_id}"
        if isinstance(event, CommentCreated)
        else f"issue:{event.repository.id}:{event.number}"
    )
    return tuple(
        Task(
            key=f"{place}:{act.line}",
            context=context,
            act=act,
            wanted=Wanted() if isinstance(act, Mistake) else wanted(act, BY_VERB[act.verb], context),
        )
        for act in grammar.parse(event.body, BY_VERB)
        if not event.sender.is_bot or (isinstance(act, Command) and BY_VERB[act.verb].who is Who.ROLE)
    )

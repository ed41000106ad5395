"""A comment: its commands, each a task; nothing else in it matters."""

from __future__ import annotations

from hashlib import sha256

from handlers import grammar
from handlers.command import Mistake
from handlers.commands import BY_VERB
from handlers.events import CommentCreated
from handlers.facts import Context, Wanted
from handlers.gate import wanted
from handlers.tasks import Task


def tasks(event: CommentCreated) -> tuple[Task, ...]:
    """What the comment asks for. Bots' comments, ours among them, ask for nothing."""
    if event.sender.is_bot:
        return ()
    context = Context(
        repository=event.repository,
        person=event.sender,
        number=event.number,
        is_pull_request=event.is_pull_request,
        comment_id=event.comment_id,
        # JSON may hold half a surrogate pair, which plain UTF-8 does not.
        body_hash=sha256(event.body.encode("utf-8", "surrogatepass")).hexdigest(),
        spoken_at=event.created_at,
    )
    return tuple(
        Task(
            key=f"comment:{event.repository.id}:{event.comment_id}:{act.line}",
            context=context,
            act=act,
            wanted=Wanted() if isinstance(act, Mistake) else wanted(act, BY_VERB[act.verb], context),
        )
        for act in grammar.parse(event.body, BY_VERB)
    )

"""Issues and their comments."""

from collections.abc import Mapping, Sequence

from bot.sandbox.actions import Change
from bot.sandbox.answers import Answer, Refusal, invalid, not_listed, page_of
from bot.sandbox.api.call import Call
from bot.sandbox.records import Comment, Issue


def list_issues(call: Call) -> Answer:
    """The repository's issues by `state`, `labels`, `creator` and `since`; newest first unless sorted."""
    query, since = call.query, call.since()
    state = query.get("state", "open")
    if state not in ("open", "closed", "all"):
        raise not_listed("Issue", "state")
    wanted = {name.strip().lower() for name in query.get("labels", "").split(",") if name.strip()}
    creator = query.get("creator", "").lower()
    found = [
        issue
        for issue in call.state.issues_of(call.repository)
        if state in ("all", issue.state)
        and wanted <= {name.lower() for name in issue.labels}
        and creator in ("", issue.author.login.lower())
        and (since is None or issue.updated_at >= since)
    ]
    found.sort(key=lambda issue: _issue_key(issue, query), reverse=query.get("direction") != "asc")
    return page_of(found, call.shapes.issue, url=call.url, query=query)


def _issue_key(issue: Issue, query: Mapping[str, str]) -> tuple[float, int]:
    # The number settles ties: times are equal when a test opens several issues at once.
    moment = issue.updated_at if query.get("sort") == "updated" else issue.created_at
    return (moment.timestamp(), issue.number)


def create_issue(call: Call) -> Answer:
    """A new issue; labels of a person without the triage role are left out, as on GitHub."""
    labels = _labels(call) if call.has_role("triage") else None
    issue = call.sandbox.actions.open_issue(
        call.repository,
        call.actor,
        title=_title(call) or call.required_text("Issue", "title"),
        body=call.text("Issue", "body"),
        labels=labels or (),
        via_app=call.via_app,
    )
    return Answer(status=201, body=call.shapes.issue(issue), headers={"Location": _location(call, issue)})


def _title(call: Call) -> str | None:
    title = call.fields.get("title")
    # GitHub takes a number for a title, too.
    is_number = isinstance(title, int) and not isinstance(title, bool)
    return str(title) if is_number else call.text("Issue", "title")


def _location(call: Call, issue: Issue) -> str:
    return f"{call.shapes.api_url}/repos/{call.repository.full_name}/issues/{issue.number}"


def get_issue(call: Call) -> Answer:
    """One issue."""
    return Answer(body=call.shapes.issue(call.issue))


def edit_issue(call: Call) -> Answer:
    """Changes title, body, state and labels."""
    call.require_author_or_role(call.issue.author, "triage")
    body = "" if call.fields.get("body", "") is None else call.text("Issue", "body")
    change = Change(
        title=_title(call),
        body=body,
        state=call.text("Issue", "state"),
        state_reason=call.text("Issue", "state_reason"),
        labels=_labels(call) if call.has_role("triage") else None,
    )
    return Answer(body=call.shapes.issue(call.sandbox.actions.edit_issue(call.issue, call.actor, change)))


def _labels(call: Call) -> Sequence[str] | None:
    value = call.fields.get("labels")
    return None if value is None else label_names(value)


def label_names(value: object) -> Sequence[str]:
    """The names in a list of names or of objects with a name; 422 for anything else."""
    items = value if isinstance(value, list) else [value]
    names = [item.get("name") if isinstance(item, dict) else item for item in items]
    if not all(isinstance(name, str) for name in names):
        raise invalid("Issue", "labels", "labels must be names", code="invalid")
    return [str(name) for name in names]


def list_comments(call: Call) -> Answer:
    """An issue's comments, oldest first."""
    since = call.since()
    found = [each for each in call.state.comments_on(call.issue) if since is None or each.updated_at >= since]
    return page_of(found, call.shapes.comment, url=call.url, query=call.query)


def list_repository_comments(call: Call) -> Answer:
    """All comments of the repository, by id unless sorted."""
    since, sort = call.since(), call.query.get("sort")
    found = [
        comment
        for comment in call.state.comments.values()
        if comment.repository_id == call.repository.id and (since is None or comment.updated_at >= since)
    ]

    def key(comment: Comment) -> tuple[float, int]:
        moments = {"created": comment.created_at.timestamp(), "updated": comment.updated_at.timestamp()}
        return (moments.get(sort or "", 0.0), comment.id)

    # GitHub looks at the direction only where a sort is named.
    found.sort(key=key, reverse=sort is not None and call.query.get("direction", "desc") == "desc")
    return page_of(found, call.shapes.comment, url=call.url, query=call.query)


def create_comment(call: Call) -> Answer:
    """A new comment."""
    body = call.required_text("IssueComment", "body")
    comment = call.sandbox.actions.comment(call.issue, call.actor, body, via_app=call.via_app)
    shape = call.shapes.comment(comment)
    return Answer(status=201, body=shape, headers={"Location": str(shape["url"])})


def get_comment(call: Call) -> Answer:
    """One comment."""
    return Answer(body=call.shapes.comment(call.comment))


def edit_comment(call: Call) -> Answer:
    """Another body for a comment."""
    call.require_author_or_role(call.comment.author, "write")
    body = call.required_text("IssueComment", "body")
    edited = call.sandbox.actions.edit_comment(call.comment, call.actor, body)
    return Answer(body=call.shapes.comment(edited))


def delete_comment(call: Call) -> Answer:
    """Removes a comment."""
    call.require_author_or_role(call.comment.author, "write")
    call.sandbox.actions.delete_comment(call.comment, call.actor)
    return Answer(status=204)


def list_reactions(call: Call) -> Answer:
    """The reactions to an issue or a comment, of one `content` or of all."""
    content = call.query.get("content")
    found = [each for each in call.state.reactions_to(_subject(call)) if content in (None, each.content)]
    return page_of(found, call.shapes.reaction, url=call.url, query=call.query)


def create_reaction(call: Call) -> Answer:
    """A reaction: 201, or 200 with the old one if the caller has given it before."""
    subject = _subject(call)
    known = len(call.state.reactions_to(subject))
    reaction = call.sandbox.actions.react(subject, call.actor, call.required_text("Reaction", "content"))
    status = 201 if len(call.state.reactions_to(subject)) > known else 200
    return Answer(status=status, body=call.shapes.reaction(reaction))


def delete_reaction(call: Call) -> Answer:
    """Takes a reaction back; people only their own."""
    for reaction in call.state.reactions_to(_subject(call)):
        if reaction.id == int(call.path["reaction_id"]):
            if reaction.account.id != call.actor.id:
                raise Refusal(403, "Must be the reaction's author.")
            del call.state.reactions[reaction.id]
            return Answer(status=204)
    raise Refusal(404, "Not Found")


def _subject(call: Call) -> Issue | Comment:
    return call.comment if "comment_id" in call.path else call.issue

"""Pull requests, their files and commits."""

from bot.sandbox.answers import Answer, not_listed, page_of
from bot.sandbox.api.call import Call
from bot.sandbox.records import PullRequest

#: GitHub lists no more than these of one pull request, whatever it has.
FILES_LIMIT = 3_000
COMMITS_LIMIT = 250


def list_pulls(call: Call) -> Answer:
    """The repository's pull requests by `state`, `head` and `base`; newest first unless sorted."""
    query, repository = call.query, call.repository
    state = query.get("state", "open")
    if state not in ("open", "closed", "all"):
        raise not_listed("PullRequest", "state")
    found = [
        pull
        for pull in call.sandbox.pulls.of(repository.full_name)
        if state in ("all", call.state.issue(repository, pull.number).state)
        and query.get("base") in (None, pull.base_branch)
        and query.get("head") in (None, _label(call, pull))
    ]

    def key(pull: PullRequest) -> tuple[float, int]:
        issue = call.state.issue(repository, pull.number)
        moment = issue.updated_at if query.get("sort") == "updated" else issue.created_at
        return (moment.timestamp(), pull.number)

    # Without a sort GitHub gives the newest first, with one the oldest.
    usual = "asc" if query.get("sort") in ("updated", "popularity", "long-running") else "desc"
    found.sort(key=key, reverse=query.get("direction", usual) == "desc")
    return page_of(found, call.sandbox.pulls.shapes.simple, url=call.url, query=query)


def _label(call: Call, pull: PullRequest) -> str:
    return f"{call.state.repositories[pull.head_repository_id].owner.login}:{pull.head_branch}"


def get_pull(call: Call) -> Answer:
    """One pull request."""
    return Answer(body=call.sandbox.pulls.shapes.full(call.pull))


def list_files(call: Call) -> Answer:
    """What its head changes, in path order."""
    shapes, pull = call.sandbox.pulls.shapes, call.pull
    files = shapes.files_of(pull)[:FILES_LIMIT]
    return page_of(files, lambda each: shapes.file(pull, each), url=call.url, query=call.query)


def list_commits(call: Call) -> Answer:
    """What its head has and its base lacks, oldest first."""
    shapes, pull = call.sandbox.pulls.shapes, call.pull
    commits = shapes.commits_of(pull)[-COMMITS_LIMIT:]
    return page_of(commits, lambda each: shapes.commit(call.repository, each), url=call.url, query=call.query)

"""Repositories, their files, who may what on them, and accounts."""

import re

from bot.sandbox.answers import Answer, Refusal, not_found
from bot.sandbox.api.call import Call
from bot.sandbox.contents import directory_shape, file_shape


def get_repository(call: Call) -> Answer:
    """One repository."""
    return Answer(body=call.shapes.full_repository(call.repository))


def get_contents(call: Call) -> Answer:
    """A file or a directory at `ref`: a branch, `refs/pull/N/head` or a commit's SHA."""
    repository = call.repository
    ref = call.query.get("ref") or repository.default_branch
    commit = call.state.commit_at(repository, ref)
    if commit is None:
        if not repository.branches:
            raise Refusal(404, "This repository is empty.")
        raise Refusal(404, f"No commit found for the ref {ref}")
    path = call.path.get("path", "").strip("/")
    text = commit.files.get(path)
    if text is not None:
        return Answer(body=file_shape(call.shapes, repository, path, text, ref=ref))
    entries = directory_shape(call.shapes, repository, path, commit.files, ref=ref)
    if not entries and path:
        raise not_found()
    return Answer(body=entries)


def get_collaborator_permission(call: Call) -> Answer:
    """A person's permission on the repository, `none` for a stranger to a private one."""
    person = call.state.account(call.path["username"])
    role = call.state.role(call.repository, person)
    return Answer(body=call.shapes.collaborator(person, role))


def get_user(call: Call) -> Answer:
    """An account by its login."""
    return Answer(body=call.shapes.public_account(call.state.account(call.path["username"])))


def get_user_by_id(call: Call) -> Answer:
    """An account by its id."""
    if not re.fullmatch(r"\d{1,18}", call.path["account_id"]):
        raise not_found()
    account = call.state.account_by_id(int(call.path["account_id"]))
    return Answer(body=call.shapes.public_account(account))


def get_rate_limit(call: Call) -> Answer:
    """What is left of the caller's hour; asking costs nothing."""
    budget = call.sandbox.limits.budget(call.caller.rate_key, call.sandbox.clock()).shape()
    return Answer(body={"resources": {"core": budget, "search": budget}, "rate": budget})

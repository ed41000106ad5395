"""A scene from a JSON file: users, teams, and repositories with files, roles and issues.

```json
{"users": [{"login": "ana", "name": "Ana"}], "teams": {"acme/dba": ["ana"]},
 "repositories": [{"full_name": "acme/shop", "private": true, "install": true,
                   "roles": {"ana": "write"}, "files": {"README.md": "Shop"},
                   "issues": [{"as": "ana", "title": "Ids run out", "body": "", "labels": []}]}]}
```
"""

from collections.abc import Mapping
from typing import Any

from bot.sandbox.sandbox import Sandbox


class UnreadableSeed(ValueError):
    """The seed names the place and what may stand there."""

    def __init__(self, place: str, found: object, allowed: object) -> None:
        super().__init__(f"The seed's {place} has {found}; it may have {allowed}.")


_USER = frozenset({"login", "name", "bot"})
_REPOSITORY = frozenset({"full_name", "private", "default_branch", "install", "roles", "files", "issues"})
_ISSUE = frozenset({"as", "title", "body", "labels"})


def plant(sandbox: Sandbox, seed: Mapping[str, Any]) -> None:
    """Sets the scene; raises `UnreadableSeed` for a key that it does not know."""
    _check("top", seed, frozenset({"users", "teams", "repositories"}))
    for user in seed.get("users", ()):
        _check("user", user, _USER)
        sandbox.add_user(user["login"], name=user.get("name"), bot=user.get("bot", False))
    for team, logins in seed.get("teams", {}).items():
        sandbox.teams.add(team)
        for login in logins:
            sandbox.teams.join(team, login)
    for repository in seed.get("repositories", ()):
        _check("repository", repository, _REPOSITORY)
        name = repository["full_name"]
        sandbox.add_repository(
            name,
            private=repository.get("private", True),
            default_branch=repository.get("default_branch", "main"),
        )
        for login, role in repository.get("roles", {}).items():
            sandbox.grant(name, login, role)
        for path, text in repository.get("files", {}).items():
            sandbox.put_file(name, path, text)
        if repository.get("install", True):
            sandbox.install(name)
        for issue in repository.get("issues", ()):
            _check("issue", issue, _ISSUE)
            labels = issue.get("labels", ())
            sandbox.open_issue_as(issue["as"], name, issue["title"], issue.get("body"), labels=labels)


def _check(place: str, found: Mapping[str, Any], allowed: frozenset[str]) -> None:
    if unknown := set(found) - allowed:
        raise UnreadableSeed(place, ", ".join(sorted(unknown)), ", ".join(sorted(allowed)))

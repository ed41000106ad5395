"""A pull request, read in few questions: it, its files, the texts of its migrations, its commits."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from bot.github.errors import NotAnswered, Unusable
from handlers.facts import PullRequest
from handlers.script import joined
from workorders.globs import matches
from workorders.order import Person, Repository
from workorders.report import named

#: GitHub lists no more of one pull request; what it leaves out could be a migration or an author.
MOST_FILES = 3_000
MOST_COMMITS = 250
#: Of all added migrations together. GitHub gives no content of larger files, and each is one request.
MOST_SCRIPT_BYTES = 1_000_000
MOST_MIGRATIONS = 100

#: Gives the JSON at a path below the API's root.
Ask = Callable[[str], Any]

#: GitHub's own account, the committer of what is done on its pages. Nobody else can have this name.
_WEB = "web-flow"


def read(
    found: Any,
    repository: Repository,
    migrations: tuple[str, ...],
    *,
    ask: Ask,
    ask_pages: Callable[[str], Iterator[Any]],
    person: Callable[[Any], Person],
) -> PullRequest:
    """The pull request as GitHub gave it in `found`, with what else belongs to it.

    Raises `Unusable` for one that GitHub does not tell in full or whose migrations are no texts, and
    `NotAnswered` where it was pushed to meanwhile.
    """
    number, head = int(found["number"]), str(found["head"]["sha"])
    name = f"{repository.full_name}#{number}"
    _refuse_more(name, int(found["changed_files"]), MOST_FILES, "files")
    _refuse_more(name, int(found["commits"]), MOST_COMMITS, "commits")
    path = f"/repos/{repository.full_name}/pulls/{number}"
    added: dict[str, str] = {}
    changed: set[str] = set()
    for each in ask_pages(f"{path}/files"):
        new, old = str(each["filename"]), str(each.get("previous_filename") or each["filename"])
        is_new = each["status"] in ("added", "copied")
        # One that only was elsewhere before is a new migration, too.
        is_moved_in = each["status"] == "renamed" and not matches(old, migrations)
        if not (is_new or is_moved_in):
            changed |= {known for known in (new, old) if matches(known, migrations)}
        elif matches(new, migrations):
            added[new] = each["sha"]
    _refuse_more(name, len(added), MOST_MIGRATIONS, "migrations")
    texts = _texts(repository, head, added, ask)
    commits = list(ask_pages(f"{path}/commits"))
    if not commits or commits[-1]["sha"] != head:
        # Asked for last: at its end all that was read before belonged to this head.
        raise NotAnswered(f"{name} was pushed to while it was read.", "It is read again.")
    author = person(found["user"])
    people = {author.id: author}
    for account in (each[role] for each in commits for role in ("author", "committer")):
        # GitHub gives null or an empty object where an e-mail address is nobody's.
        if account and account["login"] != _WEB:
            one = person(account)
            people.setdefault(one.id, one)
    return PullRequest(
        number=number,
        head=head,
        author=author,
        people=tuple(people.values()),
        is_open=found["state"] == "open",
        is_merged=bool(found["merged"]),
        script=joined(texts, head),
        changed=tuple(sorted(changed)),
    )


def _refuse_more(name: str, count: int, most: int, what: str) -> None:
    if count > most:
        raise Unusable(
            f"{name} has {count:,} {what}, and Lockkeeper reads at most {most:,} of a pull request.",
            f"Split it, or squash it, until it has at most {most:,} {what}.",
        )


def _texts(repository: Repository, head: str, added: dict[str, str], ask: Ask) -> dict[str, str]:
    texts = {}
    left = MOST_SCRIPT_BYTES
    for path, blob_sha in sorted(added.items()):
        # By the head's commit, which GitHub keeps below refs/pull/N/head of this very repository, also
        # where the branch is a fork's, which the App may not see.
        place = f"/repos/{repository.full_name}/contents/{quote(path)}?ref={head}"
        answer = ask(place)
        if isinstance(answer, list) or answer["type"] != "file" or answer["sha"] != blob_sha:
            raise Unusable(f"{named(path)} is a link or a submodule, and no file.", "Add the SQL itself.")
        left -= int(answer["size"])
        if left < 0:
            raise Unusable(
                f"The added migrations have more than {MOST_SCRIPT_BYTES:,} bytes, up to {named(path)}.",
                "Split the pull request; large data does not belong into a migration.",
            )
        texts[path] = _decoded(path, answer)
    return texts


def _decoded(path: str, answer: Any) -> str:
    if answer["encoding"] != "base64":
        raise TypeError("encoding")
    try:
        return base64.b64decode(answer["content"]).decode("utf-8")
    except binascii.Error as error:
        raise TypeError("content") from error
    except UnicodeDecodeError as error:
        raise Unusable(f"{named(path)} is not a text in UTF-8.", "Save it as UTF-8 and push it.") from error

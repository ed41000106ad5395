"""The page's views. They show snapshots and act through the sandbox, as the chosen person."""

import hashlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from bot.sandbox.access import has_role
from bot.sandbox.actions import Change
from bot.sandbox.answers import Refusal
from bot.sandbox.page.markdown import has_diagram, render
from bot.sandbox.page.pull_views import Code, read_code, state_of
from bot.sandbox.records import Account, Comment, Issue, Label, Reaction, Repository
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.shapes import REACTIONS

Found = TypeVar("Found")

_EMOJI = dict(zip(REACTIONS, ("👍", "👎", "😄", "😕", "❤️", "🎉", "🚀", "👀"), strict=True))
_REMEMBERED = "sandbox-person"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How often one reaction was given, and by whom."""

    emoji: str
    count: int
    who: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One text of a thread: the issue's own, or a comment."""

    anchor: str
    author: Account
    created_at: datetime
    edited: bool
    html: Markup
    tallies: Sequence[Tally]
    #: Changes whenever anything that is shown does.
    digest: str


@dataclass(frozen=True, kw_only=True)
class Person:
    """Someone to comment as."""

    login: str
    role: str


@dataclass(frozen=True, kw_only=True)
class Thread:
    """All that the page of an issue or a pull request shows."""

    repository: Repository
    issue: Issue
    #: Of a pull request; None for an issue.
    code: Code | None
    labels: Sequence[Label]
    entries: Sequence[Entry]
    people: Sequence[Person]
    has_diagram: bool

    @property
    def state(self) -> str:
        """As it is shown."""
        return state_of(self.issue, None if self.code is None else self.code.pull)

    @property
    def address(self) -> str:
        """Of the page."""
        kind = "issues" if self.code is None else "pull"
        return f"/{self.repository.full_name}/{kind}/{self.issue.number}"

    @property
    def digest(self) -> str:
        """Changes whenever anything on the page does."""
        head = f"{self.issue.state}{self.issue.title}{[(each.name, each.color) for each in self.labels]}"
        code = "" if self.code is None else self.code.fingerprint
        return _digest(head, code, *(entry.digest for entry in self.entries))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _entry(anchor: str, subject: Issue | Comment, reactions: Sequence[Reaction]) -> Entry:
    given = {
        content: [each.account.login for each in reactions if each.content == content] for content in _EMOJI
    }
    tallies = [
        Tally(emoji=_EMOJI[content], count=len(who), who=", ".join(who))
        for content, who in given.items()
        if who
    ]
    body = subject.body or ""
    # An issue is also updated by its comments, so only of a comment is an edit known.
    edited = isinstance(subject, Comment) and subject.updated_at > subject.created_at
    return Entry(
        anchor=anchor,
        author=subject.author,
        created_at=subject.created_at,
        edited=edited,
        html=Markup(render(body)),  # noqa: S704 (render() has sanitised it)
        tallies=tallies,
        digest=_digest(body, str(tallies), str(edited)),
    )


def _people(sandbox: Sandbox, repository: Repository) -> list[Person]:
    return [
        Person(login=account.login, role=sandbox.state.role(repository, account))
        for account in sandbox.state.accounts.values()
        if account.type == "User" and has_role(account, "read", repository, sandbox.state)
    ]


def read_thread(sandbox: Sandbox, repo: str, number: int) -> Thread:
    """The issue as it stands."""
    with sandbox.lock:
        repository = sandbox.repository(repo)
        issue = sandbox.issue(repo, number)
        comments = sandbox.comments(repo, number)
        texts: list[tuple[str, Issue | Comment]] = [("issue", issue)]
        texts += [(f"issuecomment-{comment.id}", comment) for comment in comments]
        return Thread(
            repository=repository,
            issue=issue,
            code=None if sandbox.state.pull_of(issue) is None else read_code(sandbox, repo, number),
            labels=[sandbox.state.label(repository, name) for name in issue.labels],
            entries=[_entry(anchor, text, sandbox.reactions(text)) for anchor, text in texts],
            people=_people(sandbox, repository),
            has_diagram=any(has_diagram(text.body or "") for _, text in texts),
        )


def blueprint(sandbox: Sandbox) -> Blueprint:
    """The pages below `/`."""
    page = Blueprint(
        "page", __name__, template_folder="templates", static_folder="static", static_url_path="/_static"
    )
    page.add_app_template_global(lambda: request.cookies.get(_REMEMBERED), "remembered_person")
    page.add_app_template_filter(_ink, "ink")

    @page.before_request
    def only_from_here() -> None:
        if request.method != "POST":
            return
        # Browsers name the origin of each POST; another site's form is refused by it.
        origin = urlsplit(request.headers.get("Origin", ""))
        if origin.netloc != request.host:
            abort(403)

    @page.after_request
    def without_strangers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        return response

    @page.get("/")
    def home() -> str:
        with sandbox.lock:
            state = sandbox.state
            repositories = [
                (repository, [(each, state.pull_of(each)) for each in reversed(state.issues_of(repository))])
                for repository in state.repositories.values()
            ]
            return render_template("home.html", repositories=repositories, state_of=state_of)

    @page.get("/<owner>/<repo>")
    @page.get("/<owner>/<repo>/<any(issues, pulls):kind>")
    def issues(owner: str, repo: str, kind: str = "issues") -> str:
        with sandbox.lock:
            repository = _found(lambda: sandbox.repository(f"{owner}/{repo}"))
            everything = list(reversed(sandbox.state.issues_of(repository)))
            pulls = {each.number: each for each in sandbox.pulls.of(repository.full_name)}
            listed = [each for each in everything if (each.number in pulls) == (kind == "pulls")]
            counts = {issue.number: len(sandbox.state.comments_on(issue)) for issue in listed}
            colors = {label.name: label.color for label in sandbox.state.labels_of(repository)}
            return render_template(
                "issues.html",
                repository=repository,
                issues=listed,
                counts=counts,
                kind=kind,
                others=len(everything) - len(listed),
                states={each.number: state_of(each, pulls.get(each.number)) for each in listed},
                colors=colors,
                people=_people(sandbox, repository),
            )

    @page.post("/<owner>/<repo>/issues")
    def open_issue(owner: str, repo: str) -> AnyResponse:
        full_name = f"{owner}/{repo}"
        login = _chosen_person(sandbox, full_name, "read")
        title, body = request.form.get("title", ""), _text("body")
        issue = _allowed(lambda: sandbox.open_issue_as(login, full_name, title, body))
        return _remember(redirect(f"/{full_name}/issues/{issue.number}", 303), login)

    @page.get("/<owner>/<repo>/<any(issues, pull):kind>/<int:number>")
    def issue(owner: str, repo: str, number: int, kind: str) -> str | AnyResponse:
        thread = _found(lambda: read_thread(sandbox, f"{owner}/{repo}", number))
        if kind != thread.address.split("/")[3]:
            return redirect(thread.address, 302)
        return render_template("issue.html", thread=thread)

    @page.get("/<owner>/<repo>/<any(issues, pull):kind>/<int:number>/thread")
    def fragment(owner: str, repo: str, number: int, kind: str) -> AnyResponse:  # noqa: ARG001 (either will do)
        thread = _found(lambda: read_thread(sandbox, f"{owner}/{repo}", number))
        response = Response(render_template("thread.html", thread=thread))
        response.set_etag(thread.digest)
        response.headers["Cache-Control"] = "no-cache"
        return response.make_conditional(request)

    @page.post("/<owner>/<repo>/<any(issues, pull):kind>/<int:number>")
    def act(owner: str, repo: str, number: int, kind: str) -> AnyResponse:
        full_name, action = f"{owner}/{repo}", request.form.get("action", "comment")
        pressed = request.form.get("press", "")
        if pressed:
            action = "press"
        is_author = _found(lambda: sandbox.issue(full_name, number)).author.login == request.form.get("as")
        needed = "read" if action == "comment" or (action in ("close", "reopen") and is_author) else "triage"
        if action in ("press", "merge"):
            needed = "write"
        login = _chosen_person(sandbox, full_name, needed)
        with sandbox.lock:
            body = _text("body")
            if body and action != "press":
                _allowed(lambda: sandbox.comment_as(login, full_name, number, body))
            elif action == "comment":
                abort(422, "A comment needs some text.")
            if action in ("close", "reopen"):
                change = Change(state="closed" if action == "close" else "open")
                _allowed(lambda: sandbox.edit_issue_as(login, full_name, number, change))
            if action == "label" and (name := request.form.get("label", "").strip()):
                _allowed(lambda: sandbox.label_as(login, full_name, number, name))
            if action == "unlabel":
                _allowed(lambda: sandbox.unlabel_as(login, full_name, number, request.form.get("label", "")))
            if action == "press":
                run_id, _, identifier = pressed.partition(" ")
                if not run_id.isdecimal():
                    abort(422, "No such button.")
                _allowed(lambda: sandbox.checks.press_as(login, full_name, int(run_id), identifier))
            if action == "merge":
                _allowed(lambda: sandbox.pulls.merge_as(login, full_name, number))
        address = url_for("page.issue", owner=owner, repo=repo, number=number, kind=kind)
        return _remember(redirect(f"{address}#comment", 303), login)

    @page.get("/avatars/<int:account_id>.svg")
    def avatar(account_id: int) -> AnyResponse:
        with sandbox.lock:
            account = _found(lambda: sandbox.state.account_by_id(account_id))
        response = Response(render_template("avatar.html", account=account, hue=_hue(account.login)))
        response.content_type = "image/svg+xml"
        return response

    return page


def _chosen_person(sandbox: Sandbox, repo: str, role: str) -> str:
    login = request.form.get("as", "")
    with sandbox.lock:
        repository = _found(lambda: sandbox.repository(repo))
        account = sandbox.state.accounts.get(login.lower())
        if account is None or account.type != "User":
            abort(422, "Choose whom to act as.")
        if not has_role(account, role, repository, sandbox.state):
            abort(403, f"{login} would need the role '{role}' on {repo} for this.")
        return account.login


def _text(name: str) -> str:
    # Browsers send CR LF in forms; GitHub's page sends LF, and a command's end is read from it.
    return request.form.get(name, "").replace("\r\n", "\n").strip()


def _found(look_up: Callable[[], Found]) -> Found:
    try:
        return look_up()
    except Refusal as refusal:
        abort(refusal.status, refusal.message)


def _allowed(act: Callable[[], Found]) -> Found:
    try:
        return act()
    except Refusal as refusal:
        words = "; ".join(error["message"] for error in refusal.errors) or refusal.message
        abort(refusal.status, f"Refused: {words}.")


def _remember(response: AnyResponse, login: str) -> AnyResponse:
    response.set_cookie(_REMEMBERED, login, max_age=30 * 24 * 3600, httponly=True, samesite="Strict")
    return response


def _hue(login: str) -> int:
    return zlib.crc32(login.encode()) % 360


def _ink(color: str) -> str:
    """Black or white, whichever is easier to read on the colour `rrggbb`."""
    red, green, blue = (int(color[at : at + 2], 16) for at in (0, 2, 4))
    return "#000" if red * 299 + green * 587 + blue * 114 > 140_000 else "#fff"

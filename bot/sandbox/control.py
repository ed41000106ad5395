"""The controls as JSON below `/_control/`, for a driver in another process.

Each control is a POST of an object to `/_control/NAME`; the table below names the fields.
Answers are GitHub's shapes where there is one. No token is asked for, so only this machine is
served, and no page of a browser.
"""

import ipaddress
import json
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, abort, request

from bot.sandbox.actions import Change
from bot.sandbox.answers import Refusal
from bot.sandbox.api.wsgi import respond
from bot.sandbox.faults import Fault, Mishap, When
from bot.sandbox.sandbox import Sandbox

Fields = Mapping[str, Any]


class Controls:
    """One method for each control; a field that is missing raises KeyError."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def about(self, _: Fields) -> object:
        """The addresses, the App, its installations and where its webhook goes."""
        return {
            "url": self._sandbox.shapes.url,
            "api_url": self._sandbox.shapes.api_url,
            "app_id": self._sandbox.app.id,
            "installation_ids": list(self._sandbox.state.installations),
            "webhook_url": self._sandbox.webhook_url,
        }

    def add_user(self, fields: Fields) -> object:
        """`login`, `name`?, `bot`? -> `login`, `id`, `token`."""
        user = self._sandbox.add_user(
            fields["login"], name=fields.get("name"), bot=bool(fields.get("bot", False))
        )
        return {"login": user.login, "id": user.id, "token": user.token}

    def add_repository(self, fields: Fields) -> object:
        """`repo`, `private`?, -> the repository."""
        repository = self._sandbox.add_repository(fields["repo"], private=bool(fields.get("private", True)))
        return self._sandbox.shapes.repository(repository)

    def put_file(self, fields: Fields) -> object:
        """`repo`, `path`, `text`, `branch`? -> `sha`, the commit's."""
        sha = self._sandbox.put_file(
            fields["repo"], fields["path"], fields["text"], branch=fields.get("branch")
        )
        return {"sha": sha}

    def grant(self, fields: Fields) -> object:
        """`repo`, `login`, `role`."""
        self._sandbox.grant(fields["repo"], fields["login"], fields["role"])
        return {}

    def add_team(self, fields: Fields) -> object:
        """`team` (`organisation/slug`), `secret`?, `parent`? (a slug)."""
        self._sandbox.teams.add(
            fields["team"], secret=bool(fields.get("secret", False)), parent=fields.get("parent")
        )
        return {}

    def join_team(self, fields: Fields) -> object:
        """`team`, `login`, `role`? (member or maintainer), `state`? (active or pending)."""
        given = {name: fields[name] for name in ("role", "state") if name in fields}
        self._sandbox.teams.join(fields["team"], fields["login"], **given)
        return {}

    def leave_team(self, fields: Fields) -> object:
        """`team`, `login`."""
        self._sandbox.teams.leave(fields["team"], fields["login"])
        return {}

    def install(self, fields: Fields) -> object:
        """`repo` -> the installation."""
        return self._sandbox.shapes.installation(self._sandbox.install(fields["repo"]))

    def set_webhook(self, fields: Fields) -> object:
        """`url`, which may be null."""
        self._sandbox.webhook_url = fields["url"]
        return {}

    def ping(self, _: Fields) -> object:
        """Sends GitHub's ping."""
        self._sandbox.ping()
        return {}

    def open_issue(self, fields: Fields) -> object:
        """`as`, `repo`, `title`, `body`?, `labels`? -> the issue."""
        issue = self._sandbox.open_issue_as(
            fields["as"], fields["repo"], fields["title"], fields.get("body"), labels=fields.get("labels", ())
        )
        return self._sandbox.shapes.issue(issue)

    def edit_issue(self, fields: Fields) -> object:
        """`as`, `repo`, `number`, and `title`?, `body`?, `state`?, `labels`? -> the issue."""
        change = Change(
            title=fields.get("title"),
            body=fields.get("body"),
            state=fields.get("state"),
            labels=fields.get("labels"),
        )
        issue = self._sandbox.edit_issue_as(fields["as"], fields["repo"], fields["number"], change)
        return self._sandbox.shapes.issue(issue)

    def comment(self, fields: Fields) -> object:
        """`as`, `repo`, `number`, `body` -> the comment."""
        comment = self._sandbox.comment_as(fields["as"], fields["repo"], fields["number"], fields["body"])
        return self._sandbox.shapes.comment(comment)

    def edit_comment(self, fields: Fields) -> object:
        """`as`, `repo`, `id`, `body` -> the comment."""
        edited = self._sandbox.edit_comment_as(fields["as"], fields["repo"], fields["id"], fields["body"])
        return self._sandbox.shapes.comment(edited)

    def fork(self, fields: Fields) -> object:
        """`as`, `repo` -> the fork."""
        return self._sandbox.shapes.repository(self._sandbox.pulls.fork_as(fields["as"], fields["repo"]))

    def push(self, fields: Fields) -> object:
        """`as`, `repo`, `branch`, `files` (path to text, or to null to remove it), and `message`?,
        `author`? (a login, or null for an address that is nobody's), `onto`? -> `sha`, the commit's."""
        given = {name: fields[name] for name in ("message", "onto") if name in fields}
        sha = self._sandbox.pulls.push_as(
            fields["as"],
            fields["repo"],
            fields["branch"],
            fields["files"],
            author=fields.get("author"),
            is_attributed="author" not in fields or fields["author"] is not None,
            **given,
        )
        return {"sha": sha}

    def open_pull_request(self, fields: Fields) -> object:
        """`as`, `repo`, `title`, `head` (a branch, or `owner:branch` of a fork), and `base`?, `body`?,
        `draft`?, `labels`? -> the pull request. Comment, label, close and reopen it as an issue."""
        given = {name: fields[name] for name in ("base", "body", "draft", "labels") if name in fields}
        pull = self._sandbox.pulls.open_as(
            fields["as"], fields["repo"], fields["title"], head=fields["head"], **given
        )
        return self._sandbox.pulls.shapes.full(pull)

    def ready_for_review(self, fields: Fields) -> object:
        """`as`, `repo`, `number` of a draft -> the pull request."""
        pull = self._sandbox.pulls.ready_as(fields["as"], fields["repo"], fields["number"])
        return self._sandbox.pulls.shapes.full(pull)

    def merge(self, fields: Fields) -> object:
        """`as`, `repo`, `number` -> the pull request."""
        pull = self._sandbox.pulls.merge_as(fields["as"], fields["repo"], fields["number"])
        return self._sandbox.pulls.shapes.full(pull)

    def pull_requests(self, fields: Fields) -> object:
        """`repo` -> its pull requests, oldest first."""
        return [self._sandbox.pulls.shapes.full(each) for each in self._sandbox.pulls.of(fields["repo"])]

    def check_runs(self, fields: Fields) -> object:
        """`repo`, `sha` -> the commit's check runs, newest first, the newest of each name."""
        found = self._sandbox.checks.of(fields["repo"], fields["sha"])
        return [self._sandbox.checks.shape(each) for each in found]

    def press(self, fields: Fields) -> object:
        """`as`, `repo`, `id` of a check run, `identifier` of one of its actions."""
        self._sandbox.checks.press_as(fields["as"], fields["repo"], fields["id"], fields["identifier"])
        return {}

    def rerequest(self, fields: Fields) -> object:
        """`as`, `repo`, `id` of a check run."""
        self._sandbox.checks.rerequest_as(fields["as"], fields["repo"], fields["id"])
        return {}

    def issues(self, fields: Fields) -> object:
        """`repo` -> its issues and pull requests, oldest first."""
        return [self._sandbox.shapes.issue(issue) for issue in self._sandbox.issues(fields["repo"])]

    def comments(self, fields: Fields) -> object:
        """`repo`, `number` -> the issue's comments, oldest first."""
        comments = self._sandbox.comments(fields["repo"], fields["number"])
        return [self._sandbox.shapes.comment(comment) for comment in comments]

    def reactions(self, fields: Fields) -> object:
        """`repo`, `number`, `comment`? (its id) -> the reactions to the comment or the issue."""
        subject = (
            self._sandbox.state.comment(self._sandbox.repository(fields["repo"]), fields["comment"])
            if fields.get("comment")
            else self._sandbox.issue(fields["repo"], fields["number"])
        )
        return [self._sandbox.shapes.reaction(each) for each in self._sandbox.reactions(subject)]

    def deliveries(self, _: Fields) -> object:
        """All attempts to deliver a webhook, oldest first."""
        return [self._sandbox.shapes.delivery(each) for each in self._sandbox.deliveries()]

    def redeliver(self, fields: Fields) -> object:
        """`id` of a delivery."""
        self._sandbox.redeliver(fields["id"])
        return {}

    def plan_fault(self, fields: Fields) -> object:
        """`when`, `status`?, `retry_after_seconds`?, `method`?, `path`?, `message`?, `delay_seconds`?,
        `times`?."""
        known = ("status", "retry_after_seconds", "method", "path", "message", "delay_seconds")
        given = {name: fields[name] for name in known if name in fields}
        self._sandbox.plan_fault(Fault(when=When(fields["when"]), **given), times=fields.get("times", 1))
        return {}

    def plan_mishap(self, fields: Fields) -> object:
        """`mishap` (dropped, doubled or held), `event`?, `times`?: what befalls the next webhooks."""
        mishap = Mishap(fields["mishap"])
        self._sandbox.plan_mishap(mishap, fields.get("event", ""), times=fields.get("times", 1))
        return {}

    def release_webhooks(self, _: Fields) -> object:
        """Sends those that are held."""
        self._sandbox.release_webhooks()
        return {}


def blueprint(sandbox: Sandbox) -> Blueprint:
    """The controls below `/_control/`."""
    control = Blueprint("control", __name__, url_prefix="/_control")
    controls = Controls(sandbox)
    table: Mapping[str, Callable[[Fields], object]] = {
        name: getattr(controls, name) for name in vars(Controls) if not name.startswith("_")
    }

    @control.before_request
    def only_drivers_on_this_machine() -> None:
        if not ipaddress.ip_address(request.remote_addr or "0.0.0.0").is_loopback:  # noqa: S104 (no address at all)
            abort(403)
        # A browser names an origin with each POST that a page makes; a driver has none.
        if "Origin" in request.headers or request.mimetype != "application/json":
            abort(403)

    @control.post("/<name>")
    def turn(name: str) -> Response:
        if name not in table:
            raise Refusal(404, f"There is no control {name}; there are {', '.join(sorted(table))}.")
        fields = request.get_json()
        try:
            with sandbox.lock:
                body = table[name](fields)
        except KeyError as error:
            raise Refusal(422, f"The control {name} needs the field {error}.") from error
        except (ValueError, TypeError) as error:
            raise Refusal(422, str(error)) from error
        return Response(json.dumps(body), mimetype="application/json")

    # Waits without the lock, which the deliveries need.
    @control.post("/wait_until_sent")
    def wait_until_sent() -> Response:
        seconds = float(request.get_json().get("timeout_seconds", 10))
        return Response(json.dumps({"sent": sandbox.wait_until_sent(seconds)}), mimetype="application/json")

    @control.errorhandler(Refusal)
    def refused(refusal: Refusal) -> Response:
        return respond(refusal.answer())

    return control

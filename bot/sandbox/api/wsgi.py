"""The routes as a Flask blueprint: identify, check, perform, answer."""

import json
import re
import time
import uuid
from collections.abc import Callable

from flask import Blueprint, Response, request

from bot.sandbox.access import check, identify
from bot.sandbox.answers import Answer, Refusal
from bot.sandbox.api.call import Call
from bot.sandbox.api.routes import ROUTES, Route
from bot.sandbox.faults import Fault, When
from bot.sandbox.sandbox import Sandbox

#: Set in the WSGI environ where the connection is to be closed without an answer.
UNANSWERED = "bot.sandbox.unanswered"

_NUMBERS = (
    *("issue_number", "pull_number", "comment_id", "reaction_id", "installation_id", "delivery_id"),
    "check_run_id",
)
#: Values that may hold a slash.
_PATHS = ("path", "name", "ref")


def blueprint(sandbox: Sandbox) -> Blueprint:
    """The API below `/api/v3`."""
    api = Blueprint("api", __name__, url_prefix="/api/v3")
    for route in ROUTES:
        rules = [_rule(route.path)]
        if route.path.endswith("/{path}"):
            rules += [rules[0].rpartition("/")[0], rules[0].rpartition("/")[0] + "/"]
        view = _view(sandbox, route)
        for rule in rules:
            api.add_url_rule(
                rule,
                endpoint=f"{route.method} {route.path}".replace(".", "_"),
                view_func=view,
                methods=[route.method],
                provide_automatic_options=False,
                strict_slashes=True,
            )
    return api


def _rule(path: str) -> str:
    def converted(match: re.Match[str]) -> str:
        name = match.group(1)
        kind = "int:" if name in _NUMBERS else "path:" if name in _PATHS else ""
        return f"<{kind}{name}>"

    return re.sub(r"\{(\w+)\}", converted, path)


def _view(sandbox: Sandbox, route: Route) -> Callable[..., Response]:
    def view(**path: object) -> Response:
        below_root = request.path.removeprefix("/api/v3")
        fault = sandbox.faults.take(request.method, below_root)
        if fault is not None and fault.when in (When.INSTEAD, When.LOST_REQUEST):
            return respond(_failed(fault))
        answer = _perform(sandbox, route, {name: str(value) for name, value in path.items()})
        if fault is not None and fault.when is When.LOST_ANSWER:
            request.environ[UNANSWERED] = True
        elif fault is not None:
            # Without the lock: only this caller waits.
            time.sleep(fault.delay_seconds)
        return respond(answer)

    return view


def _failed(fault: Fault) -> Answer:
    if fault.when is When.LOST_REQUEST:
        request.environ[UNANSWERED] = True
    headers = {}
    if fault.retry_after_seconds is not None:
        headers["Retry-After"] = str(fault.retry_after_seconds)
    return Refusal(fault.status, fault.message, headers=headers).answer()


def _perform(sandbox: Sandbox, route: Route, path: dict[str, str]) -> Answer:
    """One request from first to last under the lock, so that none sees another half done."""
    with sandbox.lock:
        headers: dict[str, str] = {}
        try:
            now = sandbox.clock()
            headers = sandbox.limits.nobodys(now).headers()
            caller = identify(request.headers.get("Authorization"), sandbox.state, sandbox.app, now)
            free = route.path == "/rate_limit"
            spend = sandbox.limits.budget if free else sandbox.limits.spend
            headers = spend(caller.rate_key, now).headers()
            if request.method != "GET" and not caller.is_app:
                sandbox.limits.write(caller.rate_key, now)
            call = Call(
                sandbox=sandbox,
                caller=caller,
                path=path,
                query=request.args.to_dict(),
                body=_body(),
                url=sandbox.shapes.url + request.path,
            )
            repository = call.repository if "repo" in path else None
            check(caller, route.needs, repository, sandbox.state)
            answer = route.handler(call)
        except Refusal as refusal:
            answer = refusal.answer()
        return Answer(status=answer.status, body=answer.body, headers={**headers, **answer.headers})


def _body() -> object:
    data = request.get_data()
    if not data:
        return {}
    try:
        return json.loads(data)
    except ValueError as error:
        raise Refusal(400, "Problems parsing JSON") from error


def respond(answer: Answer) -> Response:
    """The answer with the headers that each of GitHub's has."""
    response = Response(status=answer.status)
    if answer.body is not None:
        response.data = json.dumps(answer.body)
        response.content_type = "application/json; charset=utf-8"
    response.headers["X-GitHub-Media-Type"] = "github.v3; format=json"
    response.headers["X-GitHub-Request-Id"] = uuid.uuid4().hex[:24].upper()
    response.headers.update(answer.headers)
    return response

"""The sandbox as an HTTP server on this machine."""

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import waitress.server
from flask import Flask, Response, abort, render_template, request
from waitress import wasyncore
from waitress.channel import ClientDisconnected
from werkzeug.exceptions import HTTPException

from bot.sandbox import control
from bot.sandbox.answers import Refusal
from bot.sandbox.api import wsgi
from bot.sandbox.page import views
from bot.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_THREADS = 8


def create_app(sandbox: Sandbox) -> Flask:
    """API, page and control interface over one sandbox."""
    app = Flask(__name__, static_folder=None)
    app.before_request(_only_by_a_loopback_name)
    app.register_blueprint(wsgi.blueprint(sandbox))
    app.register_blueprint(control.blueprint(sandbox))
    app.register_blueprint(views.blueprint(sandbox))
    app.register_error_handler(HTTPException, _http_error)
    return app


def _http_error(error: HTTPException) -> Response:
    if request.path.startswith("/api/"):
        # GitHub answers a method that a path does not take with 404, too.
        missing = error.code in (404, 405)
        refusal = Refusal(404, "Not Found") if missing else Refusal(error.code or 500, error.name)
        return wsgi.respond(refusal.answer())
    page = render_template("error.html", name=error.name, description=error.description)
    return Response(page, status=error.code)


def _only_by_a_loopback_name() -> None:
    # A foreign name that leads here (DNS rebinding) would make another site's page same-origin.
    if urlsplit(f"//{request.host}").hostname not in LOOPBACK:
        abort(403)


def _with_lost_answers(app: "WSGIApplication") -> "WSGIApplication":
    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        answer = app(environ, start_response)
        if environ.get(wsgi.UNANSWERED):
            # waitress then closes the connection without having written a byte.
            raise ClientDisconnected
        return answer

    return application


class RunningServer:
    """A sandbox that serves until `stop`; also a context manager that stops it."""

    def __init__(self, sandbox: Sandbox, *, host: str, port: int) -> None:
        self.sandbox = sandbox
        self._sockets: dict[int, object] = {}
        self._server = waitress.server.create_server(
            _with_lost_answers(create_app(sandbox).wsgi_app),
            map=self._sockets,
            host=host,
            port=port,
            threads=_THREADS,
            ident="GitHub.com",
            max_request_body_size=32 * 1024 * 1024,
        )
        self.url = f"http://{host}:{self._server.effective_port}"
        self.api_url = f"{self.url}/api/v3"
        sandbox.shapes.url = self.url
        self._thread = threading.Thread(target=self._server.run, name="sandbox-server", daemon=True)

    def start(self) -> None:
        """Begin to serve and to deliver webhooks."""
        self.sandbox.webhooks.start()
        self._thread.start()

    def stop(self) -> None:
        """End at once: requests under way are finished, queued webhooks are not sent."""
        if not self._thread.is_alive():
            return
        self.sandbox.webhooks.stop()
        self._server.task_dispatcher.shutdown()
        # The sockets belong to the serving thread; once they are gone, its loop ends.
        self._server.trigger.pull_trigger(lambda: wasyncore.close_all(self._sockets))
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve(sandbox: Sandbox, *, host: str = "127.0.0.1", port: int = 0) -> RunningServer:
    """A running server; port 0 takes a free one. Only loopback addresses are served."""
    if host not in ("127.0.0.1", "localhost"):
        raise ValueError(f"The sandbox has no real security and is for this machine only, not for {host}.")
    server = RunningServer(sandbox, host=host, port=port)
    server.start()
    return server

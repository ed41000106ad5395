"""The web: GitHub's webhook, and whether we are well."""

from __future__ import annotations

import atexit
import json
import logging
import re
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, NoReturn

import psycopg
import psycopg_pool
import waitress
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from bot import log, queue
from bot.errors import Blocked, new_reference
from bot.github.signature import is_signed
from bot.services import Services
from bot.settings import Settings
from bot.store import deliveries

logger = logging.getLogger(__name__)

_GUID = re.compile("[A-Za-z0-9-]{1,100}")
_EVENT = re.compile("[a-z_]{1,100}")


def create_app(services: Services | None = None) -> Flask:
    """The WSGI application.

    Without services it opens its own from the environment, and closes them when the process ends.
    """
    if services is None:
        settings = Settings.from_environment()
        log.configure(settings.log_format, settings.log_level)
        services = Services.open(settings)
        atexit.register(services.close)
    app = Flask("lockkeeper", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = services.settings.payload_limit_bytes
    app.extensions["lockkeeper"] = services

    @app.post("/webhook")
    def webhook() -> tuple[Response, int]:
        return _received(services)

    @app.get("/health")
    def health() -> tuple[Response, int]:
        with services.pool.transaction() as ours:
            ours.execute("SELECT")
        return jsonify(status="ok"), 200

    app.register_error_handler(HTTPException, _answered)
    app.register_error_handler(psycopg.OperationalError, _not_now)
    app.register_error_handler(psycopg_pool.PoolTimeout, _not_now)
    app.register_error_handler(Blocked, _not_now)
    app.register_error_handler(Exception, _broken)
    return app


def run_web(
    settings: Settings, services: Services | None = None, ready: Callable[[str], None] | None = None
) -> None:
    """Serves until SIGTERM or SIGINT, which let requests in flight end; `ready` is given the address.

    With services given, they stay open; else they are opened and closed.
    """
    log.configure(settings.log_format, settings.log_level)
    with ExitStack() as resources:
        if services is None:
            services = resources.enter_context(Services.open(settings))
        server = waitress.create_server(
            create_app(services),
            host=settings.host,
            port=settings.port,
            threads=8,
            max_request_body_size=settings.payload_limit_bytes + 1,
            ident="lockkeeper",
        )
        resources.callback(server.close)
        if threading.current_thread() is threading.main_thread():
            before = signal.signal(signal.SIGTERM, _exit)
            resources.callback(signal.signal, signal.SIGTERM, before)
        address = f"http://{settings.host}:{server.effective_port}"
        logger.info("The web answers.", extra={"address": address})
        if ready is not None:
            ready(address)
        server.run()


def _exit(_number: int, _frame: object) -> NoReturn:
    # waitress takes it as the order to stop taking requests and to end those in hand.
    raise SystemExit


def _received(services: Services) -> tuple[Response, int]:
    """Stores what GitHub has signed, once, with a job for it; only then is it answered."""
    body = request.get_data(cache=False)
    if not is_signed(body, request.headers.get("X-Hub-Signature-256"), services.webhook_secrets()):
        return jsonify(error="The signature does not fit. Check that both sides have the same secret."), 401
    guid, event = request.headers.get("X-GitHub-Delivery", ""), request.headers.get("X-GitHub-Event", "")
    if not _GUID.fullmatch(guid) or not _EVENT.fullmatch(event):
        return jsonify(error="X-GitHub-Delivery or X-GitHub-Event is missing or malformed."), 400
    payload = _json_object(body)
    if payload is None:
        return jsonify(error="The body is not a JSON object. Set the content type to application/json."), 400
    with services.pool.transaction() as ours:
        delivery_id = deliveries.store(ours, guid, event, payload)
        if delivery_id is not None:
            queue.enqueue(ours, queue.handle_delivery(delivery_id))
    with log.bound(delivery=guid, event=event):
        logger.info("A delivery was stored." if delivery_id else "A delivery came again.")
    return jsonify(delivery=guid, is_new=delivery_id is not None), 202


def _json_object(body: bytes) -> str | None:
    """The body as text if it is a JSON object that Postgres takes, too."""
    try:
        text = body.decode("utf-8")
        # Python reads NaN, which is no JSON and which Postgres refuses.
        return text if isinstance(json.loads(text, parse_constant=_refused), dict) else None
    except (ValueError, RecursionError):
        return None


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _answered(error: HTTPException) -> tuple[Response, int]:
    return jsonify(error=error.description), error.code or 500


def _not_now(error: Exception) -> tuple[Response, int]:
    logger.warning(
        "A request was answered with 503.", extra={"path": request.path, "error": _class_of(error)}
    )
    return jsonify(error="Not now. Try again later."), 503


def _broken(error: Exception) -> tuple[Response, int]:
    reference = new_reference()
    logger.error("A request failed.", exc_info=error, extra={"path": request.path, "reference": reference})
    return jsonify(error="This is a fault of Lockkeeper's.", reference=reference), 500


def _class_of(error: object) -> Any:
    return type(error).__name__

"""The web and a worker in this process, with GitHub's stand-in before them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.serving import make_server

from bot.app import create_app
from bot.services import Services
from bot.store import orders
from bot.worker import Worker
from tests.plugins.sandbox import REPO, ServedSandbox
from workorders.order import Order


@contextmanager
def bot_running(services: Services, sandbox: ServedSandbox) -> Iterator[None]:
    """The web and a worker, to which the sandbox sends its webhooks."""
    server = make_server("127.0.0.1", 0, create_app(services), threaded=True)
    worker = Worker(services)
    threads = [threading.Thread(target=server.serve_forever), threading.Thread(target=worker.run)]
    for thread in threads:
        thread.start()
    sandbox.state.webhook_url = f"http://127.0.0.1:{server.server_port}/webhook"
    try:
        yield
    finally:
        sandbox.state.webhook_url = None
        worker.stop()
        server.shutdown()
        for thread in threads:
            thread.join()
        server.server_close()


def all_orders(services: Services) -> tuple[Order, ...]:
    with services.pool.transaction() as ours:
        return orders.newest(ours)


def comments(sandbox: ServedSandbox, number: int) -> list[str]:
    return [each.body for each in sandbox.state.comments(REPO, number)]

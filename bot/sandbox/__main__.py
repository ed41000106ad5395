"""`python -m bot.sandbox`: the sandbox as a process of its own, until SIGTERM or Ctrl-C."""

import json
import signal
import threading
from pathlib import Path

import click

from bot.sandbox.sandbox import Sandbox
from bot.sandbox.saved import load, save
from bot.sandbox.seed import plant
from bot.sandbox.server import serve


@click.command()
@click.option("--port", type=int, default=0, help="0 takes a free one; it is printed.")
@click.option("--app-id", type=int, required=True)
@click.option("--webhook-url", help="Where the App's events go.")
@click.option("--webhook-secret-file", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--public-key-file", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--seed", type=click.Path(path_type=Path, exists=True), help="Users, repositories, issues.")
@click.option("--state", type=click.Path(path_type=Path), help="Taken up if there, and saved at the end.")
def main(
    port: int,
    app_id: int,
    webhook_url: str | None,
    webhook_secret_file: Path,
    public_key_file: Path,
    seed: Path | None,
    state: Path | None,
) -> None:
    """GitHub without GitHub, on this machine only. Prints one line of JSON once it serves."""
    sandbox = Sandbox(
        app_id=app_id,
        webhook_secret=webhook_secret_file.read_text(encoding="utf-8").strip(),
        public_key_pem=public_key_file.read_text(encoding="utf-8"),
    )
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with serve(sandbox, port=port) as server:
        # Only now: what the seed tells the App of names the server's addresses.
        sandbox.webhook_url = webhook_url
        if state is not None and state.exists():
            load(sandbox.state, state)
        elif seed is not None:
            plant(sandbox, json.loads(seed.read_text(encoding="utf-8")))
        click.echo(json.dumps({"url": server.url, "api_url": server.api_url}))
        ended.wait()
    if state is not None:
        save(sandbox.state, state)


if __name__ == "__main__":
    main()

"""`lockkeeper log`: an order's events, and whether their chain holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click

from bot.render import escape
from bot.services import Services
from bot.settings import Settings
from bot.store import events
from bot.store.events import Recorded
from bot.terminal.orders_by_number import order_of
from bot.terminal.outcomes import told_in_words

#: Fewer characters of a head could be met by chance.
_SHORTEST_HEAD = 8


@click.command()
@click.argument("number", metavar="ORDER", type=click.IntRange(min=1))
@click.option("--repo", metavar="OWNER/NAME", help="Where several repositories have an order of this number.")
@click.option("--verify", is_flag=True, help="Check the chain of hashes; status 1 where it is broken.")
@click.option(
    "--head",
    metavar="HASH",
    default="",
    help="With --verify: the History that the issue or a report showed, which must still be there.",
)
def log(number: int, repo: str | None, verify: bool, head: str) -> None:
    """Show what happened to an order, in order.

    ORDER is the number of its issue.
    """
    if head and (not verify or len(head) < _SHORTEST_HEAD):
        raise click.UsageError(f"--head takes at least {_SHORTEST_HEAD} characters, and --verify beside it.")
    with told_in_words(), Services.open(Settings.from_environment()) as services:
        order = order_of(services, number, repo)
        with services.pool.transaction() as ours:
            chain = events.of(ours, order.id)
            seen = next((each.hash for each in chain if head and each.hash.startswith(head)), head)
            fault = events.verify(ours, order.id, seen or None) if verify else None
    for line in _lines(chain):
        click.echo(line)
    if fault is not None:
        click.echo(f"The chain is broken at event {fault.number}: {fault.reason}.", err=True)
        raise click.exceptions.Exit(1)
    if verify:
        click.echo(f"The chain of {len(chain)} events holds.")


def _lines(chain: Iterable[Recorded]) -> Iterator[str]:
    for each in chain:
        happened = each.happening
        by = happened.by.login if happened.by else "lockkeeper"
        yield escape.visible(
            f"{each.number:>3}  {happened.at:%Y-%m-%d %H:%M:%S} UTC  {happened.kind} by {by}"
            f" -> {happened.result}  {each.hash[:16]}"
        )
        shown = {**happened.detail, "digest": happened.digest[:16], "comment": happened.comment_hash[:16]}
        for name, value in shown.items():
            if value != "":
                yield escape.visible(f"     {name}: {escape.terminal(str(value))}")

"""`lockkeeper wo:VERB`: the commands that people comment, from a terminal, made of the same table."""

from __future__ import annotations

import getpass
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click

import handlers
from bot.errors import Refused
from bot.gather import gather
from bot.perform import Decided, Performed, settle
from bot.render import escape, terminal
from bot.services import Services
from bot.settings import Settings
from bot.store import databases, orders
from bot.terminal import inputs
from bot.terminal.answer import Status
from bot.terminal.orders_by_number import order_of
from bot.terminal.outcomes import told_in_words
from handlers.answers import ANSWER
from handlers.command import Kind, Mistake
from handlers.commands import KINDS
from handlers.facts import Context, Need
from handlers.tasks import Task
from workorders.authority import Who
from workorders.intents import Say
from workorders.order import Order, Person, Repository

_NUMBER = re.compile(r"#?([1-9][0-9]{0,9})")

#: For what is asked about no repository, such as help.
_NOWHERE = Repository(id=0, full_name="", installation_id=0)

#: How long a new order's issue is waited for; a worker opens it, and there may be none.
_ISSUE_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A command line, read."""

    kind: Kind
    #: Of the order's issue; None for a kind that is about no order.
    number: int | None
    words: tuple[str, ...]
    repository: str | None
    sql: str
    sql_origin: str


@dataclass(frozen=True, kw_only=True)
class _Ended:
    """What came of it."""

    answers: tuple[Say, ...]
    performed: Performed
    #: Nothing but answers to something that would have changed something.
    is_refused: bool


def _command(kind: Kind) -> click.Command:
    """The kind's command: its options as click knows them, all else as the comment's grammar reads it."""
    parameters: list[click.Parameter] = [click.Argument(["words"], nargs=-1, metavar=_metavar(kind))]
    for name in kind.options:
        if name != "sql":
            several = name in kind.repeatable
            parameters.append(click.Option([f"--{name}", f"option_{name}"], multiple=several))
    if kind.takes_sql:
        parameters.append(
            click.Option(
                ["--sql", "file"], metavar="FILE", help="A script of plain SQL; - is standard input."
            )
        )
    parameters.append(
        click.Option(
            ["--repo"], metavar="OWNER/NAME", help="Where it is not clear which repository is meant."
        )
    )

    def run(words: tuple[str, ...], repo: str | None, file: str | None = None, **options: Any) -> None:
        given = [*words]
        for name in kind.options:
            values = options.get(f"option_{name}") or ()
            given += [f"--{name}={value}" for value in ([values] if isinstance(values, str) else values)]
        number = _number(kind, given)
        if number is not None and kind.order_number is not None:
            # It takes its own number, too; said so, no word of a sentence can be mistaken for another.
            given.insert(0, f"#{number}")
        asked = _Asked(
            kind=kind,
            number=number,
            words=tuple(given),
            repository=repo,
            sql="" if file is None else _script(file),
            sql_origin="" if file is None else "standard input" if file == "-" else Path(file).name,
        )
        with told_in_words(), Services.open(Settings.from_environment()) as services:
            raise click.exceptions.Exit(_carried_out(services, asked))

    return click.Command(f"wo:{kind.verb}", params=parameters, callback=run, help=_help(kind))


def _script(file: str) -> str:
    text = inputs.script(file)
    if not text.strip():
        raise click.BadParameter(f"{file!r} is empty.", param_hint="--sql")
    return text


def _help(kind: Kind) -> str:
    about = "ORDER is the number of the order's issue. " if _takes_number(kind) else ""
    return f"{kind.help}\n\n{about}It is recorded as yours, as operator:{getpass.getuser()}."


def _metavar(kind: Kind) -> str:
    words = [word for word in re.sub(r"\[--[^]]*\]|\[#N\]", "", kind.usage).split(" ", 1)[1:] if word.strip()]
    return " ".join([*(["ORDER"] if _takes_number(kind) else []), *(word.strip() for word in words)])


def _takes_number(kind: Kind) -> bool:
    """Whether the first word has to be an order's number; a kind with words of its own may do without."""
    return Need.ORDER in kind.needs and (kind.states is not None or kind.most_words == 0)


def _number(kind: Kind, words: list[str]) -> int | None:
    """Takes the order's number off the words."""
    match = _NUMBER.fullmatch(words[0]) if words and Need.ORDER in kind.needs else None
    if match:
        del words[0]
        return int(match[1])
    if _takes_number(kind):
        raise click.UsageError(f"Which order? Write: lockkeeper wo:{kind.verb} {_metavar(kind)}".strip())
    return None


def _carried_out(services: Services, asked: _Asked) -> Status:
    """Decides, performs, and says what came of it."""
    order = None if asked.number is None else order_of(services, asked.number, asked.repository)
    context = Context(
        repository=_repository(services, asked) if order is None else order.repository,
        person=Person(id=0, login=f"operator:{getpass.getuser()}"),
        number=asked.number,
        spoken_at=datetime.now(UTC),
    )
    task = handlers.task_from_words(
        asked.kind.verb, asked.words, context, sql=asked.sql, sql_origin=asked.sql_origin
    )
    ended = _settled(services, task, asked.kind)
    for say in ended.answers:
        click.echo(terminal.content(say.content), nl=False)
    if isinstance(task.act, Mistake):
        return Status.USAGE
    if ended.is_refused:
        return Status.REFUSED
    for order_id in ended.performed.opened:
        _tell_opened(services, order_id)
    if order is not None and asked.kind.who is not Who.READER:
        click.echo(f"#{order.issue_number} is {_read(services, order.id).state.value.replace('_', ' ')}.")
    return Status.DONE


def _settled(services: Services, task: Task, kind: Kind) -> _Ended:
    answers: tuple[Say, ...] = ()
    is_refused = False

    def decide() -> Decided:
        nonlocal answers, is_refused
        gathered = gather(services, task, datetime.now(UTC))
        intents = handlers.handle(task, gathered.facts)
        answers = tuple(each for each in intents if isinstance(each, Say) and each.key.startswith(ANSWER))
        others = tuple(each for each in intents if each not in answers)
        is_refused = bool(answers) and not others and kind.who is not Who.READER
        return Decided(intents=others, decided_on=gathered.decided_on, newest_asked=gathered.newest_asked)

    performed = settle(services, decide, task.key)
    return _Ended(answers=answers, performed=performed, is_refused=is_refused)


def _repository(services: Services, asked: _Asked) -> Repository:
    """The repository that is named, else the only one to which a database is bound."""
    if asked.kind.who is Who.READER:
        return _NOWHERE
    name = asked.repository
    if name is None:
        with services.pool.transaction() as ours:
            bound = {each.id: each.full_name for one in databases.every(ours) for each in one.repositories}
        if len(bound) != 1:
            known = f"Bound are {', '.join(sorted(bound.values()))}." if bound else "None is bound yet."
            raise Refused.because(
                f"It is not clear which repository is meant. {known}", "Add --repo OWNER/NAME."
            )
        (name,) = bound.values()
    found = services.app().find_repository(name)
    if found is None:
        raise Refused.because(
            f"Lockkeeper's App is not installed on {name}, or there is no such repository.",
            "Install the App there, then run this again.",
        )
    return found


def _tell_opened(services: Services, order_id: int) -> None:
    """Where the new order's issue is, if a worker opens it soon."""
    order = _read(services, order_id)
    until = time.monotonic() + _ISSUE_SECONDS
    while order.issue_number is None and time.monotonic() < until:
        time.sleep(0.1)
        order = _read(services, order_id)
    title = escape.visible(order.title)
    if order.issue_number is None:
        click.echo(f"The work order is recorded, and a worker will open its issue: {title}")
        return
    address = f"{services.settings.github_url}/{order.repository.full_name}/issues/{order.issue_number}"
    click.echo(f"Work order #{order.issue_number} is open: {title}\n{address}")


def _read(services: Services, order_id: int) -> Order:
    with services.pool.transaction() as ours:
        order = orders.read(ours, order_id)
    assert order is not None
    return order


#: By the name that the command line has for them.
COMMANDS: Mapping[str, click.Command] = MappingProxyType(
    {f"wo:{kind.verb}": _command(kind) for kind in KINDS}
)

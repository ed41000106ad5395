"""A command as a value, and what is known of each kind of command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from handlers.facts import Context, Facts, Need
from workorders.authority import Who
from workorders.intents import Intent
from workorders.order import Order, State


@dataclass(frozen=True, kw_only=True)
class Option:
    """`--name value`."""

    name: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command, as it was written; its kind's rules on words and options hold."""

    verb: str
    #: 1-based line of the comment; 1 from a terminal.
    line: int
    words: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    #: The sql block that follows, where the kind takes one; "" where there is none.
    sql: str = ""
    #: Where that comes from: "comment", or the name of an operator's file.
    sql_origin: str = "comment"

    def option(self, name: str) -> str:
        """The option's value, "" where it is not given."""
        return next((option.value for option in self.options if option.name == name), "")

    def every(self, name: str) -> tuple[str, ...]:
        """All values of an option that may stand more than once."""
        return tuple(option.value for option in self.options if option.name == name)

    @property
    def text(self) -> str:
        """The words as a sentence, for kinds that take free text."""
        return " ".join(self.words)


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A line that was meant as a command and is none."""

    #: 1-based line of the comment.
    line: int
    #: The verb as far as it was understood; "" where it was not.
    verb: str
    reason: str
    next_move: str


class About(Enum):
    """Which orders a command is about."""

    ANY = "any"
    MIGRATION = "migration"  # those that a target is changed for
    PEOPLE = "people"  # those whose phases people do


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What is known of all commands with one verb. Each module of `handlers.commands` has one."""

    verb: str
    #: Without the `/wo` before it: `start <definition> [--target T]`.
    usage: str
    #: What it does, in a sentence for `help`.
    help: str
    who: Who
    handle: Callable[[Command, Context, Facts], tuple[Intent, ...]]
    needs: frozenset[Need]
    least_words: int = 0
    #: None is free text, with or without quotes.
    most_words: int | None = 0
    #: Each takes a value.
    options: tuple[str, ...] = ()
    #: Those of them that may be repeated.
    repeatable: tuple[str, ...] = ()
    #: Whether a sql block after the line belongs to it.
    takes_sql: bool = False
    #: Of which states' orders; None: it needs no order.
    states: frozenset[State] | None = None
    about: About = About.ANY
    #: Another account that it is about.
    login: Callable[[Command], str] | None = None
    #: Whose issue is meant where that need not be the context's.
    order_number: Callable[[Command, Context], int | None] | None = None

    def is_about(self, order: Order) -> bool:
        """Whether an order is of those that it is about."""
        return self.about is About.ANY or (self.about is About.PEOPLE) is order.is_by_people

"""The shop's traffic: several connections that read and write as an application does.

A process of its own: `python -m bot.demo.traffic` reads the connection string from the first
line of its standard input. Each further line asks for the figures since the line before, and
is answered with one line of JSON. At the end of the input it stops.
"""

from __future__ import annotations

import json
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import NoReturn

import psycopg

CONNECTIONS = 4

#: Between two visits of one connection, on average.
_PAUSE_SECONDS = 0.012

CUSTOMERS, PRODUCTS, ORDERS = 180_000, 20_000, 300_000


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What the traffic did and felt in a span of time."""

    seconds: float = 0.0
    transactions: int = 0
    #: Transactions that the database refused or cut off.
    errors: int = 0
    #: From BEGIN to the answer to COMMIT.
    longest_ms: float = 0.0
    #: What the longest one did.
    longest_visit: str = ""
    #: Each once.
    sqlstates: tuple[str, ...] = ()

    def with_more(self, more: Figures) -> Figures:
        """Both spans as one."""
        longest = max(self, more, key=lambda each: each.longest_ms)
        return Figures(
            seconds=self.seconds + more.seconds,
            transactions=self.transactions + more.transactions,
            errors=self.errors + more.errors,
            longest_ms=longest.longest_ms,
            longest_visit=longest.longest_visit,
            sqlstates=tuple(sorted({*self.sqlstates, *more.sqlstates})),
        )


@dataclass
class _Counter:
    """Adds up what the connections tell it. Thread-safe."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _since: float = field(default_factory=time.monotonic)
    _figures: Figures = field(default_factory=Figures)

    def add(self, visit: str, seconds: float, sqlstate: str | None) -> None:
        failed = sqlstate is not None
        one = Figures(
            transactions=0 if failed else 1,
            errors=1 if failed else 0,
            longest_ms=seconds * 1000,
            longest_visit=visit,
            sqlstates=(sqlstate,) if sqlstate is not None else (),
        )
        with self._lock:
            self._figures = self._figures.with_more(one)

    def take(self) -> Figures:
        """The figures since the last time."""
        now = time.monotonic()
        with self._lock:
            taken, self._figures = self._figures, Figures()
            spent, self._since = now - self._since, now
        return taken.with_more(Figures(seconds=spent))


Visit = Callable[[psycopg.Connection, random.Random], None]


def _look_at_order(shop: psycopg.Connection, chance: random.Random) -> None:
    order = chance.randint(1, ORDERS)
    shop.execute(
        "SELECT o.id, o.status, o.total_cents, c.name FROM orders o"
        " JOIN customers c ON c.id = o.customer_id WHERE o.id = %s",
        (order,),
    ).fetchall()
    shop.execute(
        "SELECT i.line, i.quantity, p.name FROM order_items i"
        " JOIN products p ON p.id = i.product_id WHERE i.order_id = %s",
        (order,),
    ).fetchall()


def _look_at_customer(shop: psycopg.Connection, chance: random.Random) -> None:
    email = f"customer{chance.randint(1, CUSTOMERS)}@example.com"
    shop.execute("SELECT id, name, lifetime_cents FROM customers WHERE email = %s", (email,)).fetchall()


def _order(shop: psycopg.Connection, chance: random.Random) -> None:
    total = chance.randint(500, 50_000)
    row = shop.execute(
        "INSERT INTO orders (customer_id, status, total_cents, placed_at)"
        " VALUES (%s, 'new', %s, now()) RETURNING id",
        (chance.randint(1, CUSTOMERS), total),
    ).fetchone()
    for line in range(1, chance.randint(2, 4)):
        shop.execute(
            "INSERT INTO order_items (order_id, line, product_id, quantity, price_cents)"
            " VALUES (%s, %s, %s, %s, %s)",
            (row[0] if row else 0, line, chance.randint(1, PRODUCTS), 1, total),
        )


def _ship(shop: psycopg.Connection, chance: random.Random) -> None:
    shop.execute("UPDATE orders SET status = 'shipped' WHERE id = %s", (chance.randint(1, ORDERS),))


def _visit(shop: psycopg.Connection, chance: random.Random) -> None:
    shop.execute(
        "UPDATE customers SET last_seen_at = now(), lifetime_cents = lifetime_cents + 100 WHERE id = %s",
        (chance.randint(1, CUSTOMERS),),
    )


def _sell(shop: psycopg.Connection, chance: random.Random) -> None:
    shop.execute("UPDATE products SET stock = stock - 1 WHERE id = %s", (chance.randint(1, PRODUCTS),))


def _recent(shop: psycopg.Connection, _chance: random.Random) -> None:
    shop.execute(
        "SELECT count(*), sum(total_cents) FROM orders WHERE placed_at > now() - interval '10 minutes'"
    ).fetchall()


#: What there is to do, and how often in a hundred.
VISITS: tuple[tuple[str, Visit, int], ...] = (
    ("look at an order", _look_at_order, 35),
    ("look at a customer", _look_at_customer, 20),
    ("place an order", _order, 15),
    ("ship an order", _ship, 12),
    ("note a customer's visit", _visit, 10),
    ("sell from stock", _sell, 7),
    ("list the last minutes' orders", _recent, 1),
)


def _customers(dsn: str, number: int, counter: _Counter, ended: threading.Event) -> None:
    """One connection's life: visit, pause, again."""
    chance = random.Random(number)  # noqa: S311 (sample traffic)
    weights = [weight for _, _, weight in VISITS]
    shop: psycopg.Connection | None = None
    while not ended.is_set():
        (name, visit, _) = chance.choices(VISITS, weights)[0]
        began = time.monotonic()
        sqlstate = None
        try:
            if shop is None or shop.closed:
                shop = psycopg.connect(dsn, application_name="shop")
                began = time.monotonic()
            with shop.transaction():
                visit(shop, chance)
        except psycopg.Error as error:
            sqlstate = error.sqlstate or "no connection"
        counter.add(name, time.monotonic() - began, sqlstate)
        ended.wait(chance.expovariate(1 / _PAUSE_SECONDS))
    if shop is not None:
        shop.close()


def _end(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(0)


def main() -> None:
    """Runs until the end of the standard input, or SIGTERM; transactions in hand are ended."""
    signal.signal(signal.SIGTERM, _end)
    dsn = sys.stdin.readline().strip()
    counter, ended = _Counter(), threading.Event()
    threads = [
        threading.Thread(target=_customers, args=(dsn, number, counter, ended), name=f"customers-{number}")
        for number in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in sys.stdin:
            sys.stdout.write(json.dumps(asdict(counter.take())) + "\n")
            sys.stdout.flush()
    finally:
        ended.set()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main()

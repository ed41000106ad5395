"""An outbox over the sandbox, and a clock that moves only when told."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.github.app import App
from bot.github.marker import Marker
from bot.github.message import Comment, Message, OpenIssue
from bot.github.outbox import Outbox, post
from bot.store.ours import Pool
from tests.plugins.sandbox import REPO, ServedSandbox
from workorders.order import Repository

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
MARKER_KEY = "k" * 32
MARKER = Marker(key=MARKER_KEY.encode())


class Bench:
    """What the outbox's tests work at."""

    def __init__(self, pool: Pool, app: App, sandbox: ServedSandbox, shop: Repository) -> None:
        self.pool, self.sandbox, self.shop = pool, sandbox, shop
        self.outbox = Outbox(pool=pool, github=app.installation, marker=MARKER, pause_seconds=0)
        self.now = NOW

    def order(self, number: int | None = None) -> int:
        with self.pool.transaction() as ours:
            found = ours.execute(
                """
                INSERT INTO orders (repository_id, full_name, installation_id, issue_number, definition,
                    definition_text, target, sql, sql_origin, title, state, opened_at)
                VALUES (%s, %s, %s, %s, 'd', '', 't', '', '', '', 'analysing', now()) RETURNING id
                """,
                (self.shop.id, self.shop.full_name, self.shop.installation_id, number),
            ).fetchone()
        assert found is not None
        return int(found[0])

    def post(self, *messages: Message) -> None:
        with self.pool.transaction() as ours:
            for message in messages:
                post(ours, message)

    def send(self) -> datetime | None:
        return self.outbox.send_due(self.now)

    def send_all(self) -> None:
        """Moves the clock to whatever is due, until nothing is."""
        for _ in range(100):
            due = self.send()
            if due is None:
                return
            self.now = max(due, self.now)
        raise AssertionError("it never ends")

    def open(self, title: str = "t", body: str = "b") -> OpenIssue:
        return OpenIssue(repository=self.shop, order_id=self.order(), title=title, body=body)

    def comment(self, order_id: int, key: str, body: str, *, is_urgent: bool = False) -> Comment:
        return Comment(
            repository=self.shop, order_id=order_id, number=None, key=key, body=body, is_urgent=is_urgent
        )

    def comments(self, number: int = 1) -> list[str]:
        """The comments' texts without their markers; each must have one."""
        bodies = [each.body for each in self.sandbox.state.comments(REPO, number)]
        assert all(MARKER.read(body) for body in bodies)
        assert len({MARKER.read(body) for body in bodies}) == len(bodies)
        return [body.partition("\n")[2] for body in bodies]

    def issue_number(self, order_id: int) -> int | None:
        with self.pool.transaction() as ours:
            found = ours.execute("SELECT issue_number FROM orders WHERE id = %s", (order_id,)).fetchone()
        assert found is not None
        return None if found[0] is None else int(found[0])

    def writes(self) -> int:
        """How many requests have gone out to write something."""
        with self.pool.transaction() as ours:
            found = ours.execute("SELECT count(*) FROM outbox_writes").fetchone()
        assert found is not None
        return int(found[0])

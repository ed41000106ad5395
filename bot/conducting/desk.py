"""What a phase works with: the order's brief, its target, its shadow, and what was kept."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bot.embedded import binaries
from bot.errors import Blocked, Broken, Refused
from bot.gather import policy_of
from bot.inquiry import PLAN, PLAN_PHASE
from bot.perform import Decided, perform
from bot.services import Services
from bot.store import databases, findings, orders
from workorders import definition as definitions
from workorders.intents import Intent, Move, Say, Work
from workorders.lifecycle import Event
from workorders.memory import Lesson
from workorders.migration import decisions, engine, sessions
from workorders.migration.connections import Target
from workorders.migration.engine import Prepared
from workorders.migration.names import RelationName
from workorders.migration.plan import Plan
from workorders.order import Order
from workorders.policy import InvalidPolicy, Policy, PolicyAnswer, TargetPolicy, UnknownPolicy
from workorders.report import Report
from workorders.roles.brief import Brief

logger = logging.getLogger(__name__)

#: Under which name and phase what was found is kept.
REHEARSAL, BEFORE, WORKLOAD, OUTCOME = "rehearsal", "before", "workload", "outcome"

#: Which round of analysing, preparing and reviewing this is.
ATTEMPT = "attempt"

#: The last trouble's root cause: the same one twice asks for another design.
TROUBLE = findings.TROUBLE


@dataclass(frozen=True, kw_only=True)
class Desk:
    """One order on one worker, for the length of one phase."""

    services: Services
    order: Order
    policy: PolicyAnswer

    @classmethod
    def of(cls, services: Services, order_id: int) -> Desk:
        """The order as it is now, with the policy as it is now. Raises Blocked if GitHub is silent."""
        order = cls.order_of(services, order_id)
        policy = policy_of(services, order.repository)
        if isinstance(policy, UnknownPolicy):
            raise Blocked("GitHub has not said what the policy is.", "It is asked again.")
        return cls(services=services, order=order, policy=policy)

    @staticmethod
    def order_of(services: Services, order_id: int) -> Order:
        """The order as it is now."""
        with services.pool.transaction() as ours:
            order = orders.read(ours, order_id)
        if order is None:
            raise Broken(f"There is no order {order_id}.")
        return order

    @property
    def rules(self) -> TargetPolicy | None:
        """The target's part of the policy; None where there is none that can be read."""
        return self.policy.targets.get(self.order.target) if isinstance(self.policy, Policy) else None

    @property
    def policy_text(self) -> str:
        """The rules as the digest covers them: a changed rule makes another digest."""
        if isinstance(self.policy, InvalidPolicy):
            return f"invalid: {self.policy.problem}"
        return repr(self.rules) if self.rules else ""

    @property
    def mentions(self) -> tuple[str, ...]:
        """The supervisors whom a report is to reach."""
        return tuple(each.name for each in self.rules.supervisors) if self.rules else ()

    def brief(self, tables: tuple[str, ...] = ()) -> Brief:
        """What a role is told; with the lessons about these tables."""
        return Brief(
            order=self.order,
            definition=definitions.from_markdown(self.order.definition_text),
            lessons=self._lessons(tables) if tables else (),
            policy=self.rules,
        )

    def _lessons(self, tables: tuple[str, ...]) -> tuple[Lesson, ...]:
        with self.services.pool.transaction() as ours:
            memories = findings.remembered(ours, self.order.target, tables)
            earlier = {each.id: each for each in orders.read_all(ours, {m.order_id for m in memories})}
        return tuple(
            Lesson(
                issue_number=earlier[memory.order_id].issue_number if memory.order_id in earlier else None,
                tables=memory.tables,
                summary=memory.summary,
                facts=memory.facts,
                remembered_at=memory.remembered_at,
            )
            for memory in memories
        )

    @property
    def dsn(self) -> str:
        """The target's connection string; it never leaves this process."""
        with self.services.pool.transaction() as ours:
            names = databases.names_of(ours, self.order.repository.id)
            if self.order.target not in names:
                raise Refused.because(
                    f"The target {self.order.target} is not bound to {self.order.repository.full_name}.",
                    f"lockkeeper database add {self.order.target} URL"
                    f" --repository {self.order.repository.full_name}",
                )
            return databases.connection_string(ours, self.services.vault, self.order.target)

    @contextmanager
    def target(self) -> Iterator[Target]:
        """A session in the target, closed at the end."""
        target = sessions.connect(self.dsn)
        try:
            yield target
        finally:
            target.close()

    def prepared(self, target: Target) -> Prepared:
        """The same plan as was rehearsed, made again on the target as it is now."""
        rehearsed = self.kept(REHEARSAL) or {}
        also_written = {
            int(statement): tuple(RelationName(schema=name[0], name=name[1]) for name in names)
            for statement, names in rehearsed.get("also_written", {}).items()
        }
        return engine.prepare(
            target,
            self.order.sql,
            policy=self.policy_text,
            also_written=also_written or None,
            binaries=binaries(),
        )

    def what_moved(self, now: Plan) -> str:
        """Why a plan made again is another: what a block asked, where it is that."""
        asked = (self.kept(REHEARSAL) or {}).get("decisions", ())
        before = [decisions.Kept(line=line, digest=digest) for line, digest in asked]
        line = decisions.changed(before, now.decisions)
        return "" if line is None else f" {decisions.another_answer(line).capitalize()}."

    def keep(self, name: str, found: Mapping[str, Any]) -> None:
        """Keeps what was found for a later phase."""
        with self.services.pool.transaction() as ours:
            findings.keep(ours, self.order.id, Desk.phase_of(name), name, found)

    def kept(self, name: str) -> Mapping[str, Any] | None:
        """What an earlier phase kept under this name; None where it kept nothing."""
        with self.services.pool.transaction() as ours:
            return findings.kept(ours, self.order.id, Desk.phase_of(name), name)

    def begin_attempt(self) -> None:
        """From here on reports are new comments; the same phase begun again edits its own.

        An order's version changes with every decision and not in between, so it names the attempt.
        """
        self.keep(ATTEMPT, {"version": self.order.version})

    def said(self, key: str, report: Report) -> Say:
        """A report on the order's issue; a later one under the same key edits it."""
        return self._say(f"{key}:{self._attempt}", report, is_urgent=False)

    def told(self, key: str, sentence: str) -> Say:
        """A few sentences on the order's issue, before any report."""
        return self._say(f"{key}:{self._attempt}", sentence, is_urgent=True)

    @property
    def _attempt(self) -> int:
        return int((self.kept(ATTEMPT) or {}).get("version", 0))

    def _say(self, key: str, content: Report | str, *, is_urgent: bool) -> Say:
        return Say(
            repository=self.order.repository,
            number=None,
            order_id=self.order.id,
            content=content,
            key=key,
            is_urgent=is_urgent,
        )

    def move(
        self,
        event: Event,
        *before: Intent,
        detail: Mapping[str, str | int | float | bool],
        newest_asked: int | None = None,
    ) -> None:
        """Performs the intents and the event as one decision on the order as this desk knows it.

        Decided once only: if the order has moved meanwhile, OrderMoved is raised, nothing is
        done, and the order is looked at again as it is then.
        """
        order = self.order
        intents = (
            *before,
            Move(order_id=order.id, event=event, by=None, detail=detail),
            Work(order_id=order.id),
        )
        perform(self.services, Decided(intents=intents, decided_on=(order,), newest_asked=newest_asked))

    @staticmethod
    def phase_of(name: str) -> int:
        """The definition's phase in which something of this name is found."""
        first, second = (ATTEMPT, TROUBLE), (REHEARSAL, BEFORE, WORKLOAD, OUTCOME)
        return PLAN_PHASE if name == PLAN else 1 if name in first else 2 if name in second else 3

"""The end of a session that blocks a run: looked for in the target at that moment, and nobody else."""

from __future__ import annotations

import time

from bot.conducting.desk import Desk
from bot.errors import Blocked, Refused
from bot.perform import Decided, settle
from bot.services import Services
from bot.store import endings
from bot.store.endings import Ending
from workorders.intents import Say, SessionLookedAt
from workorders.migration import blockers
from workorders.migration.blockers import Blocker
from workorders.migration.limits import Limits
from workorders.order import State
from workorders.policy import PATH
from workorders.report import named
from workorders.roles import words

#: What was asked so long ago is not done any more: it was said of that moment.
_LONGEST_SECONDS = 60.0

#: Behind a row's lock a run waits only now and then, so it is looked at for so long.
_LOOK_SECONDS, _PAUSE_SECONDS = 3.0, 0.05

#: The run is in the target.
STATES = frozenset({State.EXECUTING, State.ROLLING_BACK})


def end_session(services: Services, ending_id: int) -> None:
    """Ends the session if it blocks its order's run, and says what came of it.

    Raises Blocked where GitHub does not tell the policy or the target does not answer: it is
    tried again for a minute.
    """
    with services.pool.transaction() as ours:
        ending = endings.waiting(ours, ending_id)
    if ending is None:
        return
    try:
        found = _ended(Desk.of(services, ending.order_id), ending)
    except Refused as refused:
        _say(services, ending, is_ended=False, sentence=str(refused))
    except Blocked as blocked:
        if ending.seconds < _LONGEST_SECONDS:
            raise
        _say(services, ending, is_ended=False, sentence=str(blocked))
    else:
        _say(services, ending, is_ended=True, sentence=f"{_shown(found)} blocked the run, and was ended.")


def _ended(desk: Desk, ending: Ending) -> Blocker:
    """Raises Refused with the reason, where it is not ended."""
    again = f"A supervisor can ask again: {named(f'/wo terminate {ending.pid}')}."
    if ending.seconds > _LONGEST_SECONDS:
        raise Refused.because("It was asked for too long ago to be done now.", again)
    if desk.order.state not in STATES:
        raise Refused.because(f"The order is {desk.order.state.value}: nothing of it waits.", again)
    if desk.rules is None or not desk.rules.terminate_blockers:
        raise Refused.because(f"{PATH} does not say terminate_blockers: true any more.", again)
    limits = Limits(stall_budget_ms=desk.rules.stall_budget_ms)
    with desk.target() as target:
        deadline = time.monotonic() + _LOOK_SECONDS
        while True:
            try:
                found = blockers.blockers(target, desk.order.run, limits)
            except Blocked as nobody:
                raise Refused.because(nobody.reason, nobody.next_move) from nobody
            chosen = next((each for each in found if each.pid == ending.pid), None)
            if chosen is not None or time.monotonic() > deadline:
                break
            time.sleep(_PAUSE_SECONDS)
        if chosen is None:
            raise Refused.because(f"Process {ending.pid} does not block the run.", _others(found))
        if not blockers.end(target, chosen):
            raise Refused.because(f"Process {ending.pid} has ended by itself.", "The run goes on.")
    return chosen


def _others(found: tuple[Blocker, ...]) -> str:
    if not found:
        return "Nobody is seen to block it at this moment."
    first = f"A supervisor can end the first of them: {named(f'/wo terminate {found[0].pid}')}."
    return f"It waits for {'; '.join(map(_shown, found))}. {first}"


def _shown(blocker: Blocker) -> str:
    since = "" if blocker.seconds is None else f" for {words.duration(blocker.seconds * 1000)}"
    return f"process {blocker.pid} ({named(blocker.name)}, {blocker.state}{since})"


def _say(services: Services, ending: Ending, *, is_ended: bool, sentence: str) -> None:
    said = sentence[:1].upper() + sentence[1:]

    def decide() -> Decided:
        order = Desk.order_of(services, ending.order_id)
        looked = SessionLookedAt(
            order_id=order.id, ending_id=ending.id, pid=ending.pid, is_ended=is_ended, reason=said
        )
        say = Say(
            repository=order.repository, number=None, order_id=order.id, content=said, key=ending.key,
            is_urgent=True,
        )  # fmt: skip
        return Decided(intents=(looked, say), decided_on=(order,))

    settle(services, decide)

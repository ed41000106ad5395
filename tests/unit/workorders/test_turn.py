"""What may hold an approved order back, and what says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import combinations

import pytest

from tests.unit.workorders.values import NOW, TARGET, order
from workorders.order import Order, State
from workorders.policy import Execute, TargetPolicy
from workorders.report import issue
from workorders.turn import Ahead, Freeze, Standing, held_back
from workorders.windows import from_text

FROZEN = Freeze(target="shop", login="sue", reason="the big sale", frozen_at=NOW - timedelta(hours=1))
AHEAD = Ahead(title="Another", issue_number=9, state=State.PAUSED)

#: What can hold it back, each by itself, and the word by which it is known.
HINDRANCES = {
    "sue": lambda rules, standing: (rules, replace(standing, freeze=FROZEN)),
    f"{issue(9)} is paused": lambda rules, standing: (rules, replace(standing, ahead=(AHEAD,))),
    "on-command": lambda rules, standing: (replace(rules, execute=Execute.ON_COMMAND), standing),
    "after: staging": lambda rules, standing: (replace(rules, after="staging"), standing),
    "No window": lambda rules, standing: (
        replace(rules, windows=(from_text("Mon 11:00-12:00 UTC"),)),
        standing,
    ),
}


@pytest.mark.parametrize("count", range(len(HINDRANCES) + 1))
def test_each_hindrance_holds_it_back_and_all_are_named(count: int) -> None:
    for chosen in combinations(HINDRANCES, count):
        rules, standing = TARGET, Standing()
        for each in chosen:
            rules, standing = HINDRANCES[each](rules, standing)

        decision = held_back(order(State.APPROVED), rules, standing, NOW)

        told = [part for half in decision.parts for part in (half.parts or (half,)) if not part.is_yes]
        said = "\n".join(part.because for part in told)
        assert decision.is_yes is (not chosen)
        assert all(each in said for each in chosen)
        assert all(part.next_move for part in told)


@pytest.mark.parametrize(
    ("waiting", "rules", "standing"),
    [
        (order(State.APPROVED, is_commanded=True), replace(TARGET, execute=Execute.ON_COMMAND), Standing()),
        (
            order(State.APPROVED),
            replace(TARGET, after="staging"),
            Standing(before=Ahead(title="x", issue_number=7, state=State.DONE)),
        ),
        (
            order(State.APPROVED),
            replace(TARGET, windows=(from_text("Mon 09:00-12:00 UTC"),)),
            Standing(),
        ),
        (order(State.APPROVED), None, Standing()),
    ],
)
def test_what_is_fulfilled_holds_nothing_back(
    waiting: Order, rules: TargetPolicy | None, standing: Standing
) -> None:
    assert held_back(waiting, rules, standing, NOW).is_yes


@pytest.mark.parametrize("state", [each for each in State if each is not State.DONE])
def test_the_target_before_holds_it_back_until_its_soak_is_over(state: State) -> None:
    standing = Standing(before=Ahead(title="x", issue_number=7, state=state))

    decision = held_back(order(State.APPROVED), replace(TARGET, after="staging"), standing, NOW)

    assert not decision.is_yes
    assert "staging" in decision.sentence
    assert ("#7" in decision.sentence) is (state is not State.CANCELLED)

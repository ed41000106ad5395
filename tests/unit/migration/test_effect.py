from __future__ import annotations

from workorders.migration.atlas.effect import Effect, together
from workorders.migration.locks import LockMode
from workorders.migration.names import RelationName

T = RelationName(schema="public", name="t")
U = RelationName(schema="public", name="u")


def test_each_difference_is_named_with_what_was_expected_and_what_was_seen() -> None:
    expected = Effect(locks={T: LockMode.SHARE}, scans=frozenset({T}))
    seen = Effect(locks={T: LockMode.ACCESS_EXCLUSIVE, U: LockMode.ROW_SHARE}, rewrites=frozenset({T}))

    assert expected.differences(seen) == (
        "lock on public.t: SHARE expected, ACCESS EXCLUSIVE seen",
        "lock on public.u: none expected, ROW SHARE seen",
        "public.t is written anew, which was not expected",
        "public.t is not read from end to end, which was expected",
    )
    assert expected.differences(expected) == ()


def test_of_several_statements_the_strongest_lock_counts_in_any_order() -> None:
    weak, strong = Effect(locks={T: LockMode.ROW_SHARE}), Effect(locks={T: LockMode.SHARE})

    assert together((weak, strong)) == together((strong, weak)) == strong

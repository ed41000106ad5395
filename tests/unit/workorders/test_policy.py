"""The policy file is read in full or not at all."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workorders.migration.errors import Unreadable
from workorders.policy import (
    InvalidPolicy,
    MissingPolicy,
    OnBreach,
    Policy,
    Shadow,
    TargetPolicy,
    answer,
    example,
    from_yaml,
)

FULL = """version: 1
migrations: ["db/migrations/**/*.sql"]
targets:
  shop-staging:
    supervisors: ["@acme/backend"]
  shop-production:
    after: shop-staging
    supervisors: ["@acme/dba", "@a-login"]
    approvals: 2
    windows: ["Mon-Thu 09:00-16:00 Europe/Berlin"]
    execute: on-command
    self_approval: true
    break_glass: ["@acme/oncall"]
    terminate_blockers: true
    stall_budget_ms: 200
    retention_days: 14
    limits: {replica_lag_seconds: 5, slower_than: 2.5, on_breach: pause}
    shadow: on-target
public_reports: true
"""


def refusal(text: str) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        from_yaml(text)
    assert caught.value.next_move
    return caught.value


def test_every_key_has_its_effect() -> None:
    policy = from_yaml(FULL)
    target = policy.targets["shop-production"]
    plain = TargetPolicy(name="x", supervisors=target.supervisors)

    assert policy.public_reports
    assert [each.name for each in target.supervisors] == ["@acme/dba", "a-login"]
    assert target.limits.on_breach is OnBreach.PAUSE
    assert target.shadow is Shadow.ON_TARGET
    for field in fields(TargetPolicy):
        if field.name != "supervisors":
            assert getattr(target, field.name) != getattr(plain, field.name), field.name


def test_what_is_left_out_is_as_the_design_says() -> None:
    target = from_yaml(FULL).targets["shop-staging"]

    assert (target.approvals, target.stall_budget_ms, target.retention_days) == (1, 100, 7)
    assert not target.self_approval
    assert not target.windows
    assert target.after == ""


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("version: 1", "version: 2", 1, "version"),
        ("version: 1", "version: yes", 1, "version"),
        ("public_reports: true", "public_report: true", 19, "public_report"),
        ("public_reports: true", "public_reports: yes", 19, "true nor false"),
        ("    approvals: 2", "    aprovals: 2", 9, "aprovals"),
        ("    approvals: 2", "    approvals: 0", 9, "whole number"),
        ("    approvals: 2", "    approvals: 0x2", 9, "whole number"),
        ("    approvals: 2", "    approvals: two", 9, "whole number"),
        ("    approvals: 2", "    approvals: 2\n    approvals: 1", 10, "twice"),
        ('["@acme/backend"]', "[]", 5, "supervisor"),
        ('["@acme/backend"]', "backend", 5, "not a list"),
        ('["@acme/backend"]', '["a b"]', 5, "neither a login nor a team"),
        ('["@acme/backend"]', '["acme/backend"]', 5, "neither a login nor a team"),
        ('["@acme/backend"]', '["sue", "@Sue"]', 5, "twice"),
        ("Mon-Thu 09:00-16:00 Europe/Berlin", "Mon-Thu 9-16", 10, "window"),
        ("Mon-Thu 09:00-16:00 Europe/Berlin", "Mon-Thu 09:00-16:00 Europe/Berln", 10, "time zone"),
        ("Mon-Thu 09:00-16:00 Europe/Berlin", "Mon-Thu 09:00-26:00 UTC", 10, "time of day"),
        ("after: shop-staging", "after: shop-stagin", 7, "shop-stagin"),
        ("after: shop-staging", "after: shop-production", 7, "wait for each other"),
        ('supervisors: ["@acme/backend"]', 'supervisors: ["x"]\n    after: shop-production', 6, "wait"),
        ("execute: on-command", "execute: whenever", 11, "whenever"),
        ("on_breach: pause", "on_breach: panic", 17, "panic"),
        ("slower_than: 2.5", "slower_than: 0.5", 17, "number from 1"),
        ("slower_than: 2.5", "faster_than: 2.5", 17, "faster_than"),
        ("shadow: on-target", "shadow: elsewhere", 18, "elsewhere"),
        ("db/migrations/**/*.sql", "../*.sql", 2, "repository"),
        ("db/migrations/**/*.sql", "db/*.py", 2, "not SQL"),
        ("  shop-staging:", "  Shop Staging:", 4, "name"),
        ("version: 1", "version: &a 1", 1, "Anchors"),
        ("version: 1", "version: !!int 1", 1, "Tags"),
    ],
)
def test_what_does_not_fit_is_refused_with_line_and_reason(old: str, new: str, line: int, said: str) -> None:
    assert FULL.count(old) == 1

    error = refusal(FULL.replace(old, new))

    assert (error.line, said in error.reason) == (line, True), error


@pytest.mark.parametrize(("key", "near"), [("approval", "approvals"), ("window", "windows")])
def test_an_unknown_key_gets_the_nearest_one(key: str, near: str) -> None:
    error = refusal(f"version: 1\ntargets:\n  a:\n    supervisors: [x]\n    {key}: 1\n")

    assert near in error.next_move


@pytest.mark.parametrize("size", [2, 3, 5])
def test_targets_that_wait_in_a_circle_are_refused(size: int) -> None:
    circle = "".join(f"  t{n}: {{supervisors: [x], after: t{(n + 1) % size}}}\n" for n in range(size))

    assert "wait for each other" in refusal(f"version: 1\ntargets:\n{circle}").reason


@pytest.mark.parametrize("text", ["", "[]", "just words", "version: 1", "version: 1\ntargets: {}", "a: b: c"])
def test_what_is_no_policy_is_refused(text: str) -> None:
    refusal(text)


def test_a_deep_file_and_a_large_one_are_refused() -> None:
    assert "nested" in refusal("version: " + "[" * 12 + "]" * 12).reason
    refusal("version: " + "[" * 10_000)
    refusal("version: 1\n# " + "x" * 64_000)


@pytest.mark.parametrize("supervisor", ["sue", "@acme/dba"])
@pytest.mark.parametrize("self_approval", [True, False])
def test_the_example_is_a_policy_with_the_names_in_it(supervisor: str, self_approval: bool) -> None:
    target = from_yaml(example("shop", supervisor, self_approval=self_approval)).targets["shop"]

    assert [each.name for each in target.supervisors] == [supervisor]
    assert target.self_approval is self_approval


def test_a_file_is_missing_invalid_or_a_policy() -> None:
    invalid = answer("version: 1\ntargts: {}")

    assert answer(None) == MissingPolicy()
    assert isinstance(invalid, InvalidPolicy)
    assert invalid.problem.line == 2
    assert isinstance(answer(FULL), Policy)


@given(
    st.text(max_size=200), st.sampled_from(["{}", "version: 1\n{}", FULL + "{}", "version: 1\ntargets: {}"])
)
def test_any_text_gets_an_answer(text: str, around: str) -> None:
    assert answer(around.replace("{}", text))

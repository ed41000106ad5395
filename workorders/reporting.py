"""Who may report a phase that people do."""

from __future__ import annotations

from workorders.authority import Rights, is_one_of, writes
from workorders.decision import Decision, Outcome
from workorders.order import Person
from workorders.policy import PATH, InvalidPolicy, Policy, PolicyAnswer, Supervisor, UnknownPolicy
from workorders.report import named


def role_s_people(role: str, policy: PolicyAnswer) -> tuple[Supervisor, ...]:
    """Those whom the policy names for the role; none where it is anybody's who may write."""
    return policy.roles.get(role, ()) if isinstance(policy, Policy) else ()


def may_report(actor: Person, role: str, policy: PolicyAnswer, rights: Rights) -> Decision:
    """Whether the person, or the agent, belongs to the role.

    A bot does only where the policy names its login; of such a one nothing else is asked.
    """
    if actor.is_operator:
        return Decision(outcome=Outcome.YES, because=f"{named(actor.login)} operates Lockkeeper.")
    if isinstance(policy, UnknownPolicy):
        return Decision(
            outcome=Outcome.WAIT,
            because=f"GitHub has not answered what stands in {named(PATH)}.",
            next_move="It is asked again; nothing needs to be repeated.",
        )
    if isinstance(policy, InvalidPolicy):
        return Decision(
            outcome=Outcome.NO,
            because=f"{named(PATH)} cannot be read, and until then nobody's report counts: {policy.problem}",
            next_move="Correct it on the default branch.",
        )
    listed = role_s_people(role, policy)
    otherwise = f"{named(actor.login)} does not do the work of {named(role)}."
    if actor.is_bot:
        if any(each.is_login(actor.login) for each in listed):
            return Decision(outcome=Outcome.YES, because=f"The policy names {named(actor.login)}.")
        return Decision(
            outcome=Outcome.NO,
            because=otherwise,
            next_move=f"The policy can name it under {named('roles')}.",
        )
    if not listed:
        return writes(actor, rights)
    because = f"{named(actor.login)} does the work of {named(role)}."
    return is_one_of(actor, listed, rights, because=because, otherwise=otherwise)

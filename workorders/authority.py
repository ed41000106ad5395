"""Who may do what.

Nothing is asked here. What GitHub said comes in as `Rights` and as a `PolicyAnswer`;
what it did not answer makes a decision wait, never yes and never no.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from workorders import people
from workorders import policy as policies
from workorders.decision import Decision, Outcome, all_of, any_of
from workorders.order import Order, Person
from workorders.policy import InvalidPolicy, MissingPolicy, Policy, PolicyAnswer, Supervisor, TargetPolicy
from workorders.report import named

#: Who supervises an order without a target, where the policy names nobody for the role.
_ANYBODY = "Anyone with write permission who is not an author"


class Who(Enum):
    """Whom a command is for."""

    READER = "anyone who can comment"
    WRITER = "anyone with write permission"
    AUTHOR_OR_SUPERVISOR = "an author or a supervisor"
    SUPERVISOR = "a supervisor"
    APPROVER = "a supervisor who is not an author"
    ROLE = "the role's people"


class Permission(Enum):
    """A person's permission on the repository, as GitHub's collaborator endpoint says it now."""

    NONE = "none"
    READ = "read"
    TRIAGE = "triage"
    WRITE = "write"
    MAINTAIN = "maintain"
    ADMIN = "admin"
    UNKNOWN = "unknown"  # GitHub did not answer

    @property
    def includes_write(self) -> bool:
        """Whether it suffices to push. False for UNKNOWN, which is to be asked first."""
        return self in (Permission.WRITE, Permission.MAINTAIN, Permission.ADMIN)


@dataclass(frozen=True, kw_only=True)
class Membership:
    """What GitHub said about a person and a team."""

    #: `@organisation/team`, as the policy writes it.
    team: str
    #: None: not asked, or not answered.
    is_member: bool | None


@dataclass(frozen=True, kw_only=True)
class Rights:
    """What is known of one person's rights now. The default knows nothing."""

    permission: Permission = Permission.UNKNOWN
    memberships: tuple[Membership, ...] = ()

    def is_member(self, team: str) -> bool | None:
        """Whether it is in the team; None where that is not known."""
        return next(
            (each.is_member for each in self.memberships if each.team.casefold() == team.casefold()), None
        )


def may(actor: Person, who: Who, order: Order | None, policy: PolicyAnswer, rights: Rights) -> Decision:
    """Whether the person belongs to those whom a command is for.

    `order` may be None for READER and WRITER. An operator at a terminal may do everything
    but approve: the machine is theirs, the target's supervisors' word is not.
    """
    if actor.is_bot:
        return Decision(
            outcome=Outcome.NO,
            because=f"{named(actor.login)} is a bot, and bots give no commands.",
            next_move=f"It takes {who.value}.",
        )
    if who is Who.READER:
        return Decision(outcome=Outcome.YES, because="Anyone who can comment may ask.")
    if actor.is_operator and who is not Who.APPROVER:
        return Decision(outcome=Outcome.YES, because=f"{named(actor.login)} operates Lockkeeper.")
    # Whom a role's phases are for `reporting.may_report` knows.
    if who in (Who.WRITER, Who.ROLE):
        return writes(actor, rights)
    if order is None:
        raise ValueError(f"{who.value}: of which order?")
    if who is Who.APPROVER:
        return _may_approve(actor, order, policy, rights)
    supervises = _supervises(actor, order, policy, rights)
    if who is Who.SUPERVISOR:
        return supervises
    return any_of(
        (_authored(actor, order, rights), supervises),
        otherwise=f"{named(actor.login)} is neither an author of this order nor one of its supervisors.",
        next_move=f"Its authors can ({_people(order.authors)}). {_those_who_can(order, policy)}".strip(),
    )


def enough(order: Order, policy: PolicyAnswer, rights: Mapping[int, Rights]) -> Decision:
    """Whether the approvals of the order's digest suffice now.

    Asked when one is given, and again before execution: each approval is judged by today's
    policy and by the rights of today, by account id. Nobody counts twice.
    """
    known = _target_policy(order, policy)
    if isinstance(known, Decision):
        return known
    parts: list[Decision] = []
    counted: set[int] = set()
    for approval in order.approvals:
        if approval.person.id in counted:
            continue
        if not order.digest or approval.digest != order.digest:
            parts.append(
                Decision(
                    outcome=Outcome.NO,
                    because=f"{named(approval.person.login)} approved {named(approval.digest[:12])}, "
                    "which is no longer what there is to approve.",
                )
            )
            continue
        counted.add(approval.person.id)
        held = rights.get(approval.person.id, Rights())
        parts.append(may(approval.person, Who.APPROVER, order, policy, held))
    count = sum(part.is_yes for part in parts)
    waiting = sum(part.is_wait for part in parts)
    said = f"{count} of {known.approvals} {'approval' if known.approvals == 1 else 'approvals'}"
    if count >= known.approvals:
        return Decision(outcome=Outcome.YES, because=f"{said}.", parts=tuple(parts))
    if count + waiting >= known.approvals:
        unknown = next(part for part in parts if part.is_wait)
        return Decision(
            outcome=Outcome.WAIT,
            because=f"{said}. {unknown.because}",
            next_move=unknown.next_move,
            parts=tuple(parts),
        )
    lost = next((f" {part.because}" for part in parts if not part.is_yes), "")
    return Decision(
        outcome=Outcome.NO,
        because=f"{said}.{lost}",
        next_move=_those_who_can(order, policy, but_authors=not known.self_approval),
        parts=tuple(parts),
    )


def could_be_approved(order: Order, policy: PolicyAnswer) -> Decision:
    """Whether there are people enough who could approve, as far as the policy's text tells.

    A team may have members who could; only logins are counted out. The first report says
    it if there are too few.
    """
    known = _target_policy(order, policy)
    if isinstance(known, Decision):
        return known
    able = _able(order, known)
    if order.is_by_people and not known.supervisors:
        return Decision(outcome=Outcome.YES, because=f"{_ANYBODY} can approve.")
    if len(able) >= known.approvals or any(supervisor.is_team for supervisor in able):
        return Decision(outcome=Outcome.YES, because="There are supervisors who can approve.")
    if not able:
        because = f"Nobody could approve this: every supervisor of {named(order.target)} is an author of it."
    else:
        because = (
            f"{named(order.target)} asks for {known.approvals} approvals, and beside the authors "
            f"it has {len(able)} supervisor{'s' if len(able) > 1 else ''}."
        )
    return Decision(
        outcome=Outcome.NO,
        because=because,
        next_move=f"Name more supervisors in {policies.PATH}, or let authors approve with the line "
        f"{named('self_approval: true')} under {named(order.target)}.",
    )


def _may_approve(actor: Person, order: Order, policy: PolicyAnswer, rights: Rights) -> Decision:
    if actor.is_operator:
        return Decision(
            outcome=Outcome.NO,
            because="Nobody approves from a terminal: an approval is a supervisor's own word on GitHub.",
            next_move=f"Supervisors comment {named('/wo approve')} on the order's issue. "
            + _those_who_can(order, policy),
        )
    known = _target_policy(order, policy, actor)
    if isinstance(known, Decision):
        return known
    return all_of(
        (_is_no_author(actor, order, known), _supervises(actor, order, policy, rights)),
        because=f"{named(actor.login)} supervises {_what(order)}.",
    )


def _is_no_author(actor: Person, order: Order, target: TargetPolicy) -> Decision:
    if actor.id not in {author.id for author in order.authors}:
        return Decision(outcome=Outcome.YES, because=f"{named(actor.login)} is not an author of this order.")
    if target.self_approval:
        return Decision(
            outcome=Outcome.YES,
            because=f"{named(actor.login)} is an author, and the policy lets authors approve.",
        )
    possible = could_be_approved(order, Policy(targets={target.name: target}))
    next_move = _named_supervisors(_able(order, target), "approve") if possible.is_yes else possible.sentence
    return Decision(
        outcome=Outcome.NO,
        because=f"{named(actor.login)} is an author of this order, and authors do not approve.",
        next_move=next_move,
    )


def _supervises(actor: Person, order: Order, policy: PolicyAnswer, rights: Rights) -> Decision:
    known = _target_policy(order, policy, actor)
    if isinstance(known, Decision):
        return known
    supervises = f"{named(actor.login)} supervises {_what(order)}."
    if order.is_by_people and not known.supervisors:
        return all_of((writes(actor, rights),), because=supervises)
    return is_one_of(
        actor,
        known.supervisors,
        rights,
        because=supervises,
        otherwise=f"{named(actor.login)} is not a supervisor of {_what(order)}.",
    )


def is_one_of(
    actor: Person, those: tuple[Supervisor, ...], rights: Rights, *, because: str, otherwise: str
) -> Decision:
    """Whether the policy names the person, by login or team, and they have write permission now."""
    named_so = any_of(
        (_is(actor, each, rights) for each in those),
        otherwise=otherwise,
        next_move=_named_supervisors(those, "do that"),
    )
    # A stranger hears that they are not named, not that a question about them is open.
    if named_so.outcome is Outcome.NO:
        return named_so
    return all_of((named_so, writes(actor, rights)), because=because)


def _is(actor: Person, supervisor: Supervisor, rights: Rights) -> Decision:
    if not supervisor.is_team:
        if supervisor.is_login(actor.login):
            return Decision(outcome=Outcome.YES, because=f"The policy names {named(actor.login)}.")
        return Decision(outcome=Outcome.NO, because=f"{named(supervisor.name)} is somebody else.")
    member = rights.is_member(supervisor.name)
    if member is None:
        return Decision(
            outcome=Outcome.WAIT,
            because=f"Whether {named(actor.login)} is in {named(supervisor.name)} is not known yet.",
            next_move="GitHub is asked again; nothing needs to be repeated.",
        )
    if member:
        return Decision(outcome=Outcome.YES, because=f"{named(actor.login)} is in {named(supervisor.name)}.")
    return Decision(outcome=Outcome.NO, because=f"{named(actor.login)} is not in {named(supervisor.name)}.")


def _authored(actor: Person, order: Order, rights: Rights) -> Decision:
    if actor.id not in {author.id for author in order.authors}:
        return Decision(outcome=Outcome.NO, because=f"{named(actor.login)} is not an author of this order.")
    return all_of((writes(actor, rights),), because=f"{named(actor.login)} is an author of this order.")


def writes(actor: Person, rights: Rights) -> Decision:
    """Whether the person has write permission now."""
    if rights.permission is Permission.UNKNOWN:
        return Decision(
            outcome=Outcome.WAIT,
            because=f"GitHub has not said what {named(actor.login)} may do in this repository.",
            next_move="It is asked again; nothing needs to be repeated.",
        )
    if rights.permission.includes_write:
        return Decision(
            outcome=Outcome.YES, because=f"{named(actor.login)} has {rights.permission.value} permission."
        )
    held = "no" if rights.permission is Permission.NONE else f"only {rights.permission.value}"
    return Decision(
        outcome=Outcome.NO,
        because=f"{named(actor.login)} has {held} permission in this repository, and this needs write.",
        next_move="Anyone with write permission can do it, or an administrator can grant it.",
    )


def _target_policy(
    order: Order, policy: PolicyAnswer, actor: Person | None = None
) -> TargetPolicy | Decision:
    """The target's rules, or why there are none, with the file to commit filled in for the actor.

    Without a target it is the people of the supervisor's role; nobody named means whoever may write.
    """
    example = _example(order, actor)
    if order.is_by_people and isinstance(policy, Policy | MissingPolicy):
        return TargetPolicy(name="", supervisors=supervisors_of(order, policy))
    if isinstance(policy, Policy):
        found = policy.targets.get(order.target)
        if found is not None:
            return found
        return Decision(
            outcome=Outcome.NO,
            because=f"{named(policies.PATH)} does not name {named(order.target)}, so nobody supervises it.",
            next_move="Add these lines there under targets:",
            file=_lines_under_targets(example),
        )
    if isinstance(policy, MissingPolicy):
        return Decision(
            outcome=Outcome.NO,
            because=f"There is no {named(policies.PATH)}, so nobody supervises {named(order.target)}.",
            next_move=f"Commit this file as {named(policies.PATH)} to the default branch:",
            file=example,
        )
    if isinstance(policy, InvalidPolicy):
        return Decision(
            outcome=Outcome.NO,
            because=f"{named(policies.PATH)} cannot be read, and until then nobody counts as a supervisor: "
            f"{policy.problem}",
            next_move="Correct it on the default branch.",
        )
    return Decision(
        outcome=Outcome.WAIT,
        because=f"GitHub has not answered what stands in {named(policies.PATH)}.",
        next_move="It is asked again; nothing needs to be repeated.",
    )


def _example(order: Order, actor: Person | None) -> str:
    owner = order.repository.full_name.partition("/")[0]
    if actor is None or actor.is_operator:
        return policies.example(order.target, owner)
    is_author = actor.id in {author.id for author in order.authors}
    return policies.example(order.target, actor.login, self_approval=is_author)


def _lines_under_targets(example: str) -> str:
    return "".join(line + "\n" for line in example.splitlines() if line.startswith("  "))


def supervisors_of(order: Order, policy: PolicyAnswer) -> tuple[Supervisor, ...]:
    """Those whom the policy names for the order's target, or for the supervisor's role of its definition."""
    if not isinstance(policy, Policy):
        return ()
    if not order.is_by_people:
        found = policy.targets.get(order.target)
        return () if found is None else found.supervisors
    definition = people.definition_of(order.definition_text)
    return () if definition is None else policy.roles.get(definition.supervisor, ())


def _what(order: Order) -> str:
    return named(order.target) if order.target else "this order"


def _able(order: Order, target: TargetPolicy) -> tuple[Supervisor, ...]:
    """The supervisors who are not excluded for being authors."""
    if target.self_approval:
        return target.supervisors
    return tuple(
        supervisor
        for supervisor in target.supervisors
        if not any(supervisor.is_login(author.login) for author in order.authors)
    )


def _those_who_can(order: Order, policy: PolicyAnswer, *, but_authors: bool = False) -> str:
    known = _target_policy(order, policy)
    if isinstance(known, Decision):
        return known.next_move
    return _named_supervisors(_able(order, known) if but_authors else known.supervisors, "do that")


def _named_supervisors(supervisors: Iterable[Supervisor], act: str) -> str:
    names = ", ".join(named(supervisor.name) for supervisor in supervisors)
    return f"Those who can {act}, with write permission: {names}." if names else f"{_ANYBODY} can {act}."


def _people(those: Iterable[Person]) -> str:
    return ", ".join(named(person.login) for person in those)

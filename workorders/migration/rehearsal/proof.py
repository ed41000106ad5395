"""A proof as a value: a claim about a plan, whether it held on copies, and what was seen."""

from __future__ import annotations

from dataclasses import dataclass

from workorders.migration.errors import Problem

#: Each proof's claim, in the order in which they are shown.
CLAIMS = {
    "equivalence": "the plan, purged, leaves the schema and the rows that the plain SQL leaves",
    "soak equivalence": "writes before the purge do what they do after the plain SQL",
    "reversal": "the plan and its rollback leave the schema and every row as before",
    "reversal under writes": "a rollback keeps what was written since, and counts first what cannot stay",
    "idempotence": "plan, rollback and plan leave what the plan leaves",
    "locks": "no step takes a stronger lock or rewrites more than it declares",
    "workload": "the application's statements plan as they do after the plain SQL",
}

#: Those that have to hold before anybody may say that the way back was tried.
REVERSALS = ("reversal", "reversal under writes")

#: How many differences a refusal names.
_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Proof:
    """One claim about a plan, tried. It holds if nothing differed."""

    #: One of CLAIMS.
    name: str
    #: None: nobody can tell, for the reason that stands in `differences`.
    holds: bool | None
    #: What differed, in words: names and counts, no values.
    differences: tuple[str, ...] = ()
    #: What the script itself brings about and whoever approves has to know.
    flags: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, differences: tuple[str, ...], flags: tuple[str, ...] = ()) -> Proof:
        """A proof that was tried."""
        return cls(name=name, holds=not differences, differences=differences, flags=flags)

    @property
    def claim(self) -> str:
        """What was compared with what, in a sentence."""
        return CLAIMS[self.name]

    @property
    def word(self) -> str:
        """holds, fails, or unknown."""
        return {True: "holds", False: "fails", None: "unknown"}[self.holds]


def failures(proofs: tuple[Proof, ...]) -> tuple[Problem, ...]:
    """Why a plan is not offered for approval: one for each proof that fails."""
    return tuple(
        Problem(
            line=None,
            reason=f"The proof of {proof.name} fails: {'; '.join(proof.differences[:_NAMED])}.",
            next_move="The plan is not offered for approval. Split the script, or run it by hand.",
        )
        for proof in proofs
        if proof.holds is False
    )

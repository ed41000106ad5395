"""Who may stop a run, hear of it, or look at its session."""

from __future__ import annotations

from typing import Protocol

from workorders.migration.connections import Target
from workorders.migration.errors import Blocked
from workorders.migration.steps import Action


class Stopped(Blocked):
    """Somebody has stopped the run at a checkpoint. Nothing is wrong with it: it can go on, or back."""


class Control(Protocol):
    """Lets somebody stop a run between two actions or batches, and while it waits for a lock."""

    def checkpoint(self) -> None:
        """Returns to go on. May wait, and may raise `Stopped`; what was done stays done."""


class Progress(Protocol):
    """Hears what a run is doing."""

    def began(self, title: str, number: int, total: int) -> None:
        """An action begins; `number` of `total`, from 1."""

    def batch_ended(self, title: str, batches: int) -> None:
        """So many batches of it are done."""

    def ended(self, title: str, milliseconds: float) -> None:
        """It is done."""


class Observer(Protocol):
    """Looks at the session that runs an action; used by the rehearsal to measure."""

    def before(self, target: Target, action: Action) -> None:
        """Just before the action's statements, in its transaction."""

    def after(self, target: Target, action: Action) -> None:
        """Just after them, before the commit."""


class Observers:
    """Several, each in its turn."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def before(self, target: Target, action: Action) -> None:
        """All look."""
        for each in self._observers:
            each.before(target, action)

    def after(self, target: Target, action: Action) -> None:
        """All look."""
        for each in self._observers:
            each.after(target, action)


class Silence:
    """Hears nothing, stops nothing, looks at nothing."""

    def checkpoint(self) -> None:
        """Goes on."""

    def began(self, title: str, number: int, total: int) -> None:
        """Says nothing."""

    def batch_ended(self, title: str, batches: int) -> None:
        """Says nothing."""

    def ended(self, title: str, milliseconds: float) -> None:
        """Says nothing."""

    def before(self, target: Target, action: Action) -> None:
        """Looks away."""

    def after(self, target: Target, action: Action) -> None:
        """Looks away."""

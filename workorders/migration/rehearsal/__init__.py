"""The rehearsal: a plan tried on throw-away copies of the target, and what that proves."""

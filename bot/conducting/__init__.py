"""Leading orders through their phases: each state's work, and what follows from it."""

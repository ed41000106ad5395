"""A page for people: read issues and comment on them as one of the sandbox's users."""

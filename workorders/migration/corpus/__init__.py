"""A project's whole migration history as a measure of the engine: each file forth, back and forth again."""

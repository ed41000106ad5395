"""The REST API: the table of routes, and one module for each kind of thing."""

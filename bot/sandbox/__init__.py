"""GitHub without GitHub: a real HTTP server with state, for the demo and the tests.

`serve(Sandbox(...))` gives a running server. The API is below `/api/v3`, as on a GitHub
Enterprise Server; `/` is a page for people.
"""

from bot.sandbox.actions import Change
from bot.sandbox.faults import Fault, Mishap, When
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.server import RunningServer, serve

__all__ = ["Change", "Fault", "Mishap", "RunningServer", "Sandbox", "When", "serve"]

"""The architecture as tables, and what of a module's source does not agree with them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: Storey -> what of ours it may import. A module belongs to the longest name that fits.
STOREYS = {
    "bot": ("bot", "handlers", "workorders"),
    "handlers": ("handlers", "workorders"),
    "workorders": ("workorders",),
    "workorders.migration": ("workorders.migration",),
    # It contradicts the planner, so it knows nothing of it; and it has its own way to the database.
    "workorders.migration.rehearsal.oracle": ("workorders.migration.errors",),
}

#: Package -> who may import it. Others of the standard library and outside are everybody's.
LIBRARIES = {
    "flask": ("bot.app", "bot.web", "bot.sandbox"),
    "waitress": ("bot.app", "bot.sandbox"),
    "requests": ("bot.alerts", "bot.github.errors"),
    "github": ("bot.github",),
    "jwt": ("bot.github", "bot.sandbox"),
    "cryptography": ("bot",),
    "procrastinate": ("bot.queue", "bot.worker", "bot.store.schema"),
    "psycopg": ("bot", "workorders.migration"),
    "psycopg_pool": ("bot",),
    "postgast": ("workorders.migration.sql",),
    "google": ("workorders.migration.sql",),
    "yaml": ("workorders.yamltree",),
    "click": ("bot.cli", "bot.terminal", "bot.demo", "bot.sandbox"),
    "subprocess": ("bot", "workorders.migration.rehearsal", "workorders.migration.dumping"),
    "socket": ("bot", "workorders.migration.journal"),  # who holds the lease: host and process
    "urllib.request": ("bot",),
}

#: Parts of bot that have no business with a driver: they ask those below them.
WITHOUT_PSYCOPG = ("bot.conducting", "bot.render", "bot.sandbox", "bot.gather", "bot.perform", "bot.jobs")

#: What may be sent something that changes a target, or takes a lock in it; all others only read.
WRITERS = tuple(
    f"workorders.migration.{name}"
    for name in ("backfill", "capture", "executor", "journal", "lockwait", "settle")
)

#: What works on throw-away copies.
ON_COPIES = tuple(f"workorders.migration.{name}" for name in ("atlas", "corpus", "rehearsal"))

#: Who puts conductors and services together; anybody else would make a cycle of them.
ASSEMBLERS = {"bot.conducting.migration": ("bot.assembly", "bot.conducting")}

HOMELESS = frozenset({"utils", "util", "helpers", "helper", "common", "base", "misc"})
LONGEST_FILE = 400

_SENDS = frozenset({"execute", "executemany", "copy", "stream"})
#: These have an `execute`, and are no connections.
_NO_CONNECTIONS = frozenset({"self", "executor", "plan", "Execution"})
_CHANGES = re.compile(
    r"\s*(INSERT|UPDATE|DELETE|MERGE|TRUNCATE|CREATE|ALTER|DROP|LOCK|GRANT|REVOKE|COMMENT ON|REINDEX"
    r"|CLUSTER|VACUUM|REFRESH|CALL|DO)\s",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Module:
    """A module's name and syntax."""

    name: str
    tree: ast.Module

    @classmethod
    def from_source(cls, name: str, source: str) -> Module:
        """Reads it."""
        return cls(name=name, tree=ast.parse(source))


def modules() -> tuple[Module, ...]:
    """All of ours, by name."""
    found = []
    for storey in ("bot", "handlers", "workorders"):
        for path in sorted((ROOT / storey).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found.append(Module.from_source(name, path.read_text(encoding="utf-8")))
    return tuple(found)


def wrong(module: Module) -> Iterator[str]:
    """Each thing in which the module does not agree with the tables, in a sentence."""
    for imported in imports(module):
        yield from _wrong_import(module.name, imported)
    if module.name.startswith("workorders") and not is_in(module.name, (*WRITERS, *ON_COPIES)):
        for text in _sent(module.tree):
            if _CHANGES.match(text):
                yield f"{module.name} sends {text.strip()[:40]!r}, and may not change a target"
    if module.name.split(".")[-1] in HOMELESS:
        yield f"{module.name} has a name that says nothing"


def imports(module: Module, *, at_top_only: bool = False) -> Iterator[str]:
    """What it imports, as dotted names down to the thing imported."""
    for node in _statements(module.tree) if at_top_only else ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.name} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_in(name: str, packages: tuple[str, ...]) -> bool:
    """Whether the dotted name is one of these or inside one of them."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _wrong_import(name: str, imported: str) -> Iterator[str]:
    if is_in(imported, ("bot", "handlers", "workorders")):
        storey = max((each for each in STOREYS if is_in(name, (each,))), key=len)
        if not is_in(imported, STOREYS[storey]):
            yield f"{name} imports {imported}, which is not below it"
    library = max((each for each in LIBRARIES if is_in(imported, (each,))), key=len, default=None)
    if library is not None and not is_in(name, LIBRARIES[library]):
        yield f"{name} imports {imported}, which is for {', '.join(LIBRARIES[library])}"
    if library in ("psycopg", "psycopg_pool") and is_in(name, WITHOUT_PSYCOPG):
        yield f"{name} imports {imported}, and talks to no database itself"
    for assembled, assemblers in ASSEMBLERS.items():
        if is_in(imported, (assembled,)) and not is_in(name, assemblers):
            yield f"{name} imports {imported}, which is for {', '.join(assemblers)}"


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """What runs when the module is imported, as far as imports go."""
    for node in tree.body:
        if isinstance(node, ast.Try):
            yield from node.body
        yield node


def _sent(tree: ast.Module) -> Iterator[str]:
    """The SQL in a call that sends, and in constants that such a call names."""
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr not in _SENDS or _receiver(node.func.value) in _NO_CONNECTIONS or not node.args:
            continue
        for part in ast.walk(node.args[0]):
            yield from _texts(constants.get(part.id, part) if isinstance(part, ast.Name) else part)


def _texts(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str | bytes):
            yield part.value if isinstance(part.value, str) else part.value.decode()


def _receiver(node: ast.expr) -> str:
    """The name before the dot: `_target` of `self._target`, `Execution` of `Execution(desk)`."""
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return node.attr
        case ast.Call():
            return _receiver(node.func)
        case _:
            return ""

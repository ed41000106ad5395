"""SET at the head of a script: what it means for the statements after it.

A plan's steps run in sessions of their own, so a setting travels with each of them, in its own
transaction; so does a search path. Timeouts are left out, as ours are set; so is what only makes a
session slower or louder. What guards a step, or decides whom a name means, stays as the target has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.names import literal, quoted
from workorders.migration.operations.operation import Place, refused
from workorders.migration.sql.tree import Node, RawStatement, strings
from workorders.migration.steps import Action, Step

#: What may be set, as the server writes it: it changes what values and definitions mean, and nothing else.
_TRAVEL = {
    name.lower(): name
    for name in (
        *("TimeZone", "DateStyle", "IntervalStyle", "extra_float_digits", "bytea_output", "array_nulls"),
        *("check_function_bodies", "xmloption", "xmlbinary", "default_text_search_config", "lc_monetary"),
        *("default_tablespace", "default_table_access_method", "default_toast_compression"),
    )
}

#: What changes no outcome.
_LEFT_OUT = frozenset(
    {
        *("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "transaction_timeout"),
        *("idle_session_timeout", "client_min_messages", "log_min_messages", "work_mem", "application_name"),
        *("maintenance_work_mem", "max_parallel_maintenance_workers", "synchronous_commit"),
        *("default_with_oids", "escape_string_warning"),
    }
)

#: What may only be set to what the target has anyway.
_AS_IT_IS = frozenset({"standard_conforming_strings", "client_encoding", "row_security"})

_PATH = "search_path"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One SET with a value that can be read, or a RESET."""

    #: In lower case.
    name: str
    #: None for what a new session has.
    value: str | None

    @property
    def is_left_out(self) -> bool:
        """It changes no outcome, so no step has it."""
        return self.name in _LEFT_OUT and self.value is not None


def setting_of(raw: RawStatement) -> Setting | None:
    """The setting that a statement makes, if it may make it; None for all others, which are refused."""
    node = raw.node
    name = str(node.get("name", "")).lower()
    if raw.kind == "SelectStmt":
        return _called(node)
    if raw.kind != "VariableSetStmt" or name not in {*_TRAVEL, *_LEFT_OUT, *_AS_IT_IS, _PATH}:
        return None
    match node.get("kind"):
        case "VAR_RESET" | "VAR_SET_DEFAULT" if name not in _LEFT_OUT:
            return Setting(name=name, value=None)
        case "VAR_SET_VALUE":
            values = [_constant(item.get("A_Const", {})) for item in node.get("args", [])]
            if any(value is None for value in values):
                return None
            quote = quoted if name == _PATH else str
            return Setting(name=name, value=", ".join(quote(str(value)) for value in values))
    return None


def _called(select: Node) -> Setting | None:
    """`SELECT set_config('search_path', ..., false)`, as pg_dump writes it."""
    targets = select.get("targetList", [])
    call = targets[0]["ResTarget"]["val"].get("FuncCall", {}) if len(targets) == 1 else {}
    if strings(call.get("funcname", []))[-1:] != ("set_config",) or select.keys() & {
        "fromClause",
        "whereClause",
    }:
        return None
    given = [_constant(item.get("A_Const", {})) for item in call.get("args", [])]
    if len(given) != 3 or given[0] != _PATH or given[1] is None or given[2] not in ("0", "false"):
        return None
    names = (each.strip() for each in given[1].split(","))
    return Setting(name=_PATH, value=", ".join(each if each[:1] == '"' else quoted(each) for each in names))


def _constant(node: Mapping[str, Mapping[str, object]]) -> str | None:
    for kind, key in (("sval", "sval"), ("ival", "ival"), ("fval", "fval"), ("boolval", "boolval")):
        if kind in node:
            value = node[kind].get(key, 0)
            return str(value).lower() if kind == "boolval" else str(value)
    return None


def after(
    setting: Setting, standing: Mapping[str, str], place: Place, catalog: Catalog, before: Catalog
) -> Mapping[str, str]:
    """What travels with the statements after it. Raises Refused for what may not be set to this.

    `before` is the catalog from before the script.
    """
    if setting.name == _PATH:
        others = {each: value for each, value in standing.items() if each != _PATH}
        is_as_before = setting.value is None or path_after(setting, catalog, before) == before.search_path
        return others if is_as_before else {**others, _PATH: str(setting.value)}
    if setting.name not in _AS_IT_IS:
        name = _TRAVEL[setting.name]
        others = {each: value for each, value in standing.items() if each != name}
        return others if setting.value is None else {**others, name: setting.value}
    if setting.value is not None and not _is_as_it_is(setting):
        raise refused(
            place,
            f"SET {setting.name} = {setting.value} changes what the following statements mean.",
            "Remove it, and write what it stands for into the statements: schemas before names.",
        )
    return standing


def path_after(setting: Setting, catalog: Catalog, before: Catalog) -> tuple[str, ...]:
    """The schemas in which names are looked up after it, in order."""
    if setting.name != _PATH:
        return catalog.search_path
    if setting.value is None:
        return before.search_path
    named = (each.strip().strip('"') for each in setting.value.split(","))
    schemas = (catalog.role if each == "$user" else each for each in named)
    return tuple(each for each in schemas if each in catalog.schemas)


def _is_as_it_is(setting: Setting) -> bool:
    value = str(setting.value)
    match setting.name:
        case "client_encoding":
            return value.lower().replace("-", "") in ("utf8", "unicode")
        case "row_security":
            return True  # Ours is off, and a step that it would hide rows from fails.
        case _:
            return value.lower() in ("on", "true", "1")


def travelling(step: Step, settings: Mapping[str, str]) -> Step:
    """The step and its way back under these settings, each in the transaction that needs them."""
    if not settings:
        return step
    setting = tuple(
        f"SELECT pg_catalog.set_config({literal(name)}, {literal(value)}, true)"
        for name, value in settings.items()
    )
    return replace(
        step,
        action=_under(step.action, setting, settings.get(_PATH)),
        undo=tuple(_under(action, setting, settings.get(_PATH)) for action in step.undo),
    )


def _under(action: Action, setting: tuple[str, ...], path: str | None) -> Action:
    if not action.is_transactional:
        # An index's expressions are immutable: no setting changes them, but what their names mean.
        if path is None:
            return action
        found = f"SELECT pg_catalog.set_config('{_PATH}', {literal(path)}, false)"
        return replace(action, sql=(found, *action.sql, f"RESET {_PATH}"))
    if action.batches is not None:
        batches = replace(
            action.batches,
            between=(*setting, *action.batches.between),
            rest=(*setting, *action.batches.rest),
        )
        return replace(action, batches=batches)
    return replace(action, sql=(*setting, *action.sql)) if action.sql else action

"""Which statements change only objects without rows: class 2 of the four, *definition*."""

from __future__ import annotations

from workorders.migration.sql.tree import RawStatement

#: Statements that make an object, or make it anew.
CREATING = frozenset(
    {
        *("ViewStmt", "CreateFunctionStmt", "CreateTrigStmt", "CreatePolicyStmt", "RuleStmt", "DefineStmt"),
        *("CreateEnumStmt", "CompositeTypeStmt", "CreateRangeStmt", "CreateDomainStmt", "CreateSeqStmt"),
        *("CreateSchemaStmt", "CreateExtensionStmt", "CreateStatsStmt", "CreatePublicationStmt"),
    }
)

#: What DROP may be of, here; tables, indexes and sequences hold something.
DROPPED = frozenset(
    f"OBJECT_{kind}"
    for kind in (
        *("VIEW", "MATVIEW", "FUNCTION", "PROCEDURE", "ROUTINE", "AGGREGATE", "TRIGGER", "POLICY", "RULE"),
        *("TYPE", "DOMAIN", "SCHEMA", "STATISTIC_EXT", "EXTENSION", "PUBLICATION"),
    )
)

#: What RENAME and SET SCHEMA may be of, here.
RENAMED = frozenset(
    f"OBJECT_{kind}"
    for kind in (
        *("VIEW", "MATVIEW", "FUNCTION", "PROCEDURE", "AGGREGATE", "TRIGGER", "POLICY", "RULE"),
        *("TYPE", "DOMAIN", "STATISTIC_EXT", "SEQUENCE", "PUBLICATION"),
    )
)

#: Statements that say something of an object, or alter one.
ALTERING = frozenset(
    {
        *("GrantStmt", "AlterDefaultPrivilegesStmt", "CommentStmt", "AlterOwnerStmt", "AlterEnumStmt"),
        *("AlterFunctionStmt", "AlterPolicyStmt", "AlterSeqStmt", "RefreshMatViewStmt", "AlterDomainStmt"),
        *("AlterPublicationStmt", "AlterStatsStmt"),
    }
)

#: Commands of ALTER TABLE that change no row and no column.
TABLE_SETTINGS = frozenset(
    f"AT_{name}"
    for name in (
        *("EnableTrig", "EnableAlwaysTrig", "EnableReplicaTrig", "DisableTrig"),
        *("EnableTrigUser", "DisableTrigUser", "EnableTrigAll", "DisableTrigAll"),
        *("EnableRowSecurity", "DisableRowSecurity", "ForceRowSecurity", "NoForceRowSecurity"),
        *("ReplicaIdentity", "ChangeOwner", "SetStatistics", "SetRelOptions", "ResetRelOptions"),
        *("SetStorage", "SetCompression", "SetOptions", "ResetOptions", "ClusterOn", "DropCluster"),
    )
)

#: Commands of ALTER TABLE that change or drop a column's sequence.
_OF_SEQUENCES = frozenset({"AT_DropIdentity", "AT_SetIdentity"})

_ALTERED_AS_TABLES = {"OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_SEQUENCE"}


def is_creating(raw: RawStatement) -> bool:
    """Whether it makes an object without rows."""
    return raw.kind in CREATING or (
        raw.kind == "CreateTableAsStmt" and raw.node.get("objtype") == "OBJECT_MATVIEW"
    )


def is_dropping(raw: RawStatement) -> bool:
    """Whether it drops one."""
    return raw.kind == "DropStmt" and raw.node.get("removeType") in DROPPED


def is_altering(raw: RawStatement) -> bool:
    """Whether it alters one, or what is said of it."""
    if raw.kind == "AlterTableStmt":
        return raw.node.get("objtype") in _ALTERED_AS_TABLES or is_table_setting(raw)
    if raw.kind == "RenameStmt":
        return raw.node.get("renameType") in RENAMED or (
            raw.node.get("renameType") == "OBJECT_COLUMN"
            and raw.node.get("relationType") in ("OBJECT_VIEW", "OBJECT_MATVIEW")
        )
    return raw.kind in ALTERING


def is_table_setting(raw: RawStatement) -> bool:
    """Whether it is an ALTER TABLE with nothing in it but settings of the table."""
    return raw.kind == "AlterTableStmt" and all(
        command["AlterTableCmd"]["subtype"] in TABLE_SETTINGS for command in raw.node["cmds"]
    )


def says_of_objects(raw: RawStatement) -> bool:
    """Whether it is an ALTER TABLE of which a part is undone from what pg_dump says."""
    return raw.kind == "AlterTableStmt" and any(
        command["subtype"] in TABLE_SETTINGS | _OF_SEQUENCES
        or (command["subtype"] == "AT_DropColumn" and command.get("behavior") == "DROP_CASCADE")
        for command in (item["AlterTableCmd"] for item in raw.node["cmds"])
    )


def is_definition(raw: RawStatement) -> bool:
    """Whether it changes only objects without rows."""
    return is_creating(raw) or is_dropping(raw) or is_altering(raw)

"""Statements that are never run, whatever they say, each with its reason and the next move."""

from __future__ import annotations

from collections.abc import Mapping

BY_HAND = "Run it by hand, outside of a migration."
GUARD = "Remove it: it would undo a guard that protects the target while the migration runs."

_FOREIGN = "Foreign servers and who they are asked as lie outside of the database."
_OPERATORS = "Operators and their classes decide how indexes are built; those would not follow."
_SEARCH = "Text search decides what stored vectors and indexes hold; those would not follow."
_SUBSCRIBED = "A subscription brings in another server's rows: no rehearsal has them, no rollback finds them."

#: Never run, whatever they say: node type -> (what it is, next move).
NEVER: Mapping[str, tuple[str, str]] = {
    "AlterSystemStmt": ("ALTER SYSTEM changes the whole server.", BY_HAND),
    "LoadStmt": ("LOAD puts a library into the server.", BY_HAND),
    "CreateRoleStmt": ("Roles belong to the whole server.", BY_HAND),
    "AlterRoleStmt": ("Roles belong to the whole server.", BY_HAND),
    "AlterRoleSetStmt": ("Roles belong to the whole server.", BY_HAND),
    "DropRoleStmt": ("Roles belong to the whole server.", BY_HAND),
    "GrantRoleStmt": ("Roles belong to the whole server.", BY_HAND),
    "DropOwnedStmt": ("DROP OWNED takes whatever a role owns.", BY_HAND),
    "ReassignOwnedStmt": ("REASSIGN OWNED touches every object of a role.", BY_HAND),
    "CreatedbStmt": ("Databases belong to the whole server.", BY_HAND),
    "DropdbStmt": ("Databases belong to the whole server.", BY_HAND),
    "AlterDatabaseStmt": ("Databases belong to the whole server.", BY_HAND),
    "AlterDatabaseSetStmt": ("A database's settings hold for every session.", BY_HAND),
    "AlterDatabaseRefreshCollStmt": ("Databases belong to the whole server.", BY_HAND),
    "CreateTableSpaceStmt": ("Tablespaces belong to the whole server.", BY_HAND),
    "DropTableSpaceStmt": ("Tablespaces belong to the whole server.", BY_HAND),
    "AlterTableSpaceOptionsStmt": ("Tablespaces belong to the whole server.", BY_HAND),
    "CreateEventTrigStmt": ("Event triggers fire on Lockkeeper's own statements.", BY_HAND),
    "AlterEventTrigStmt": ("Event triggers fire on Lockkeeper's own statements.", BY_HAND),
    "CreateForeignTableStmt": ("A foreign table's data is on another server, out of reach.", BY_HAND),
    "ImportForeignSchemaStmt": ("A foreign table's data is on another server, out of reach.", BY_HAND),
    "DiscardStmt": ("DISCARD releases locks and settings of the session that runs the plan.", GUARD),
    "CheckPointStmt": ("CHECKPOINT is the whole server's.", BY_HAND),
    "ListenStmt": ("LISTEN has no effect in a migration.", "Remove it."),
    "UnlistenStmt": ("UNLISTEN has no effect in a migration.", "Remove it."),
    "PrepareStmt": ("A prepared statement hides what will run.", "Write the statement itself."),
    "ExecuteStmt": ("EXECUTE hides what will run.", "Write the statement itself."),
    "DeallocateStmt": ("DEALLOCATE has no effect in a migration.", "Remove it."),
    "DeclareCursorStmt": ("A cursor has no effect in a migration.", "Remove it."),
    "FetchStmt": ("A cursor has no effect in a migration.", "Remove it."),
    "ClosePortalStmt": ("A cursor has no effect in a migration.", "Remove it."),
    "ConstraintsSetStmt": ("SET CONSTRAINTS moves checks past the step that they belong to.", GUARD),
    "AlterCollationStmt": ("That indexes were built anew for a collation only you can know.", BY_HAND),
    "AlterExtensionContentsStmt": ("What belongs to an extension is its author's to say.", BY_HAND),
    "AlterExtensionStmt": ("An extension's update is a script of its author's without a way back.", BY_HAND),
    "AlterFdwStmt": (_FOREIGN, BY_HAND),
    "AlterForeignServerStmt": (_FOREIGN, BY_HAND),
    "CreateFdwStmt": (_FOREIGN, BY_HAND),
    "CreateForeignServerStmt": (_FOREIGN, BY_HAND),
    "CreateUserMappingStmt": (_FOREIGN, BY_HAND),
    "AlterUserMappingStmt": (_FOREIGN, BY_HAND),
    "DropUserMappingStmt": (_FOREIGN, BY_HAND),
    "AlterObjectDependsStmt": (
        "A later DROP EXTENSION would take the object along, unseen by its own plan.",
        BY_HAND,
    ),
    "AlterOpFamilyStmt": (_OPERATORS, BY_HAND),
    "AlterOperatorStmt": (_OPERATORS, BY_HAND),
    "CreateOpClassStmt": (_OPERATORS, BY_HAND),
    "CreateOpFamilyStmt": (_OPERATORS, BY_HAND),
    "AlterTypeStmt": ("A base type's own functions are its author's to say.", BY_HAND),
    "AlterTSConfigurationStmt": (_SEARCH, BY_HAND),
    "AlterTSDictionaryStmt": (_SEARCH, BY_HAND),
    "AlterTableMoveAllStmt": ("Tablespaces belong to the whole server.", BY_HAND),
    "ClusterStmt": ("CLUSTER writes a table anew while nobody can read it.", BY_HAND),
    "CreateAmStmt": ("Access methods are code of the server's.", BY_HAND),
    "CreateCastStmt": ("A cast changes what statements mean that do not name it.", BY_HAND),
    "CreateConversionStmt": ("Conversions are code of the server's.", BY_HAND),
    "CreatePLangStmt": ("Languages are code of the server's.", BY_HAND),
    "CreateTransformStmt": ("Transforms are code of the server's.", BY_HAND),
    "CreateSubscriptionStmt": (_SUBSCRIBED, BY_HAND),
    "AlterSubscriptionStmt": (_SUBSCRIBED, BY_HAND),
    "DropSubscriptionStmt": (_SUBSCRIBED, BY_HAND),
    "ExplainStmt": (
        "EXPLAIN changes nothing, and EXPLAIN ANALYZE would run its statement unseen.",
        "Remove it.",
    ),
    "NotifyStmt": ("Who was told by NOTIFY cannot be untold.", "Remove it."),
    "SecLabelStmt": ("Security labels mean what a module of the server's makes of them.", BY_HAND),
    "VariableShowStmt": ("SHOW has no effect in a migration.", "Remove it."),
}

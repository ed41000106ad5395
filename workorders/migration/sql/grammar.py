"""Every statement of the grammar (Postgres 18) by an example: what becomes of it is read from the code."""

# ruff: noqa: E501 - SQL reads as SQL when a statement has one line

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from workorders.migration.errors import Refused
from workorders.migration.sql import script
from workorders.migration.sql.script import StatementClass

#: The parser's node type -> examples of it. Those that end otherwise than others of their type are there too.
EXAMPLES: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "AlterCollationStmt": ["ALTER COLLATION german REFRESH VERSION"],
        "AlterDatabaseRefreshCollStmt": ["ALTER DATABASE shop REFRESH COLLATION VERSION"],
        "AlterDatabaseSetStmt": ["ALTER DATABASE shop SET work_mem = '8MB'"],
        "AlterDatabaseStmt": ["ALTER DATABASE shop CONNECTION LIMIT 5"],
        "AlterDefaultPrivilegesStmt": ["ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader"],
        "AlterDomainStmt": ["ALTER DOMAIN price SET DEFAULT 0"],
        "AlterEnumStmt": ["ALTER TYPE mood ADD VALUE 'calm'", "ALTER TYPE mood RENAME VALUE 'ok' TO 'okay'"],
        "AlterEventTrigStmt": ["ALTER EVENT TRIGGER watch DISABLE"],
        "AlterExtensionContentsStmt": ["ALTER EXTENSION hstore ADD TABLE t"],
        "AlterExtensionStmt": ["ALTER EXTENSION hstore UPDATE"],
        "AlterFdwStmt": ["ALTER FOREIGN DATA WRAPPER w OPTIONS (ADD a 'b')"],
        "AlterForeignServerStmt": ["ALTER SERVER s OPTIONS (SET host 'h')"],
        "AlterFunctionStmt": ["ALTER FUNCTION f(int) COST 5"],
        "AlterObjectDependsStmt": ["ALTER FUNCTION f(int) DEPENDS ON EXTENSION hstore"],
        "AlterObjectSchemaStmt": ["ALTER TABLE t SET SCHEMA other"],
        "AlterOpFamilyStmt": ["ALTER OPERATOR FAMILY f USING btree ADD OPERATOR 1 < (int, int)"],
        "AlterOperatorStmt": ["ALTER OPERATOR === (int, int) SET (RESTRICT = eqsel)"],
        "AlterOwnerStmt": ["ALTER FUNCTION f(int) OWNER TO app"],
        "AlterPolicyStmt": ["ALTER POLICY own ON t USING (a > 0)"],
        "AlterPublicationStmt": ["ALTER PUBLICATION p ADD TABLE t", "ALTER PUBLICATION p SET (publish = 'insert')"],
        "AlterRoleSetStmt": ["ALTER ROLE app SET work_mem = '8MB'"],
        "AlterRoleStmt": ["ALTER ROLE app CREATEDB"],
        "AlterSeqStmt": ["ALTER SEQUENCE counter INCREMENT 5"],
        "AlterStatsStmt": ["ALTER STATISTICS s SET STATISTICS 100"],
        "AlterSubscriptionStmt": ["ALTER SUBSCRIPTION s DISABLE"],
        "AlterSystemStmt": ["ALTER SYSTEM SET work_mem = '8MB'"],
        "AlterTSConfigurationStmt": ["ALTER TEXT SEARCH CONFIGURATION c ADD MAPPING FOR word WITH simple"],
        "AlterTSDictionaryStmt": ["ALTER TEXT SEARCH DICTIONARY d (stopwords = other)"],
        "AlterTableMoveAllStmt": ["ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b"],
        "AlterTableSpaceOptionsStmt": ["ALTER TABLESPACE a SET (random_page_cost = 1)"],
        "AlterTableStmt": [
            "ALTER TABLE t ADD COLUMN a int",
            "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
            "ALTER VIEW v SET (security_invoker = true)",
        ],
        "AlterTypeStmt": ["ALTER TYPE base SET (STORAGE = plain)"],
        "AlterUserMappingStmt": ["ALTER USER MAPPING FOR app SERVER s OPTIONS (SET password 'x')"],
        "CallStmt": ["CALL work(3)"],
        "CheckPointStmt": ["CHECKPOINT"],
        "ClosePortalStmt": ["CLOSE c"],
        "ClusterStmt": ["CLUSTER t USING t_pkey"],
        "CommentStmt": ["COMMENT ON TABLE t IS 'x'"],
        "CompositeTypeStmt": ["CREATE TYPE pair AS (a int, b int)"],
        "ConstraintsSetStmt": ["SET CONSTRAINTS ALL DEFERRED"],
        "CopyStmt": ["COPY t FROM '/tmp/t.csv'"],
        "CreateAmStmt": ["CREATE ACCESS METHOD am TYPE INDEX HANDLER h"],
        "CreateCastStmt": ["CREATE CAST (int AS mood) WITH FUNCTION f(int)"],
        "CreateConversionStmt": ["CREATE CONVERSION c FOR 'LATIN1' TO 'UTF8' FROM f"],
        "CreateDomainStmt": ["CREATE DOMAIN price AS numeric CHECK (VALUE >= 0)"],
        "CreateEnumStmt": ["CREATE TYPE mood AS ENUM ('ok')"],
        "CreateEventTrigStmt": ["CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION f()"],
        "CreateExtensionStmt": ["CREATE EXTENSION hstore"],
        "CreateFdwStmt": ["CREATE FOREIGN DATA WRAPPER w"],
        "CreateForeignServerStmt": ["CREATE SERVER s FOREIGN DATA WRAPPER w"],
        "CreateForeignTableStmt": ["CREATE FOREIGN TABLE t (a int) SERVER s"],
        "CreateFunctionStmt": ["CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT a'"],
        "CreateOpClassStmt": ["CREATE OPERATOR CLASS c FOR TYPE int USING btree AS OPERATOR 1 <"],
        "CreateOpFamilyStmt": ["CREATE OPERATOR FAMILY f USING btree"],
        "CreatePLangStmt": ["CREATE LANGUAGE l HANDLER h"],
        "CreatePolicyStmt": ["CREATE POLICY own ON t USING (a > 0)"],
        "CreatePublicationStmt": ["CREATE PUBLICATION p FOR TABLE t"],
        "CreateRangeStmt": ["CREATE TYPE span AS RANGE (SUBTYPE = int)"],
        "CreateRoleStmt": ["CREATE ROLE app"],
        "CreateSchemaStmt": ["CREATE SCHEMA other"],
        "CreateSeqStmt": ["CREATE SEQUENCE counter"],
        "CreateStatsStmt": ["CREATE STATISTICS s ON a, b FROM t"],
        "CreateStmt": ["CREATE TABLE t (a int)"],
        "CreateSubscriptionStmt": ["CREATE SUBSCRIPTION s CONNECTION 'host=h' PUBLICATION p"],
        "CreateTableAsStmt": [
            "CREATE TABLE t AS SELECT 1 AS a",
            "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a",
            "SELECT 1 AS a INTO t",
        ],
        "CreateTableSpaceStmt": ["CREATE TABLESPACE a LOCATION '/disk'"],
        "CreateTransformStmt": [
            "CREATE TRANSFORM FOR mood LANGUAGE sql (FROM SQL WITH FUNCTION f(internal), TO SQL WITH FUNCTION g(internal))"
        ],
        "CreateTrigStmt": ["CREATE TRIGGER t BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()"],
        "CreateUserMappingStmt": ["CREATE USER MAPPING FOR app SERVER s"],
        "CreatedbStmt": ["CREATE DATABASE shop"],
        "DeallocateStmt": ["DEALLOCATE p"],
        "DeclareCursorStmt": ["DECLARE c CURSOR FOR SELECT 1"],
        "DefineStmt": ["CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int)"],
        "DeleteStmt": ["DELETE FROM t WHERE a = 1"],
        "DiscardStmt": ["DISCARD ALL"],
        "DoStmt": [
            "DO $$BEGIN UPDATE t SET a = 1; END$$",
            "DO $$BEGIN ALTER TABLE t ADD COLUMN a int; END$$",
            "DO $$BEGIN EXECUTE 'DROP TABLE t'; END$$",
            "DO LANGUAGE plpython3u $$pass$$",
        ],
        "DropOwnedStmt": ["DROP OWNED BY app"],
        "DropRoleStmt": ["DROP ROLE app"],
        "DropStmt": [
            *("DROP TABLE t", "DROP VIEW v", "DROP EVENT TRIGGER watch"),
            *("DROP SCHEMA other CASCADE", "DROP EXTENSION hstore", "DROP PUBLICATION p"),
        ],
        "DropSubscriptionStmt": ["DROP SUBSCRIPTION s"],
        "DropTableSpaceStmt": ["DROP TABLESPACE a"],
        "DropUserMappingStmt": ["DROP USER MAPPING FOR app SERVER s"],
        "DropdbStmt": ["DROP DATABASE shop"],
        "ExecuteStmt": ["EXECUTE p"],
        "ExplainStmt": ["EXPLAIN SELECT 1"],
        "FetchStmt": ["FETCH c"],
        "GrantRoleStmt": ["GRANT reader TO app"],
        "GrantStmt": ["GRANT SELECT ON t TO reader"],
        "ImportForeignSchemaStmt": ["IMPORT FOREIGN SCHEMA a FROM SERVER s INTO b"],
        "IndexStmt": ["CREATE INDEX ON t (a)"],
        "InsertStmt": ["INSERT INTO t VALUES (1)"],
        "ListenStmt": ["LISTEN news"],
        "LoadStmt": ["LOAD 'library'"],
        "LockStmt": ["LOCK TABLE t"],
        "MergeStmt": ["MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE"],
        "NotifyStmt": ["NOTIFY news"],
        "PrepareStmt": ["PREPARE p AS SELECT 1"],
        "ReassignOwnedStmt": ["REASSIGN OWNED BY a TO b"],
        "RefreshMatViewStmt": ["REFRESH MATERIALIZED VIEW m"],
        "ReindexStmt": ["REINDEX INDEX t_pkey"],
        "RenameStmt": [
            "ALTER TABLE t RENAME a TO b",
            "ALTER VIEW v RENAME TO w",
            "ALTER DATABASE shop RENAME TO store",
        ],
        "RuleStmt": ["CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING"],
        "SecLabelStmt": ["SECURITY LABEL ON TABLE t IS 'secret'"],
        "SelectStmt": ["SELECT fill_in(3)"],
        "TransactionStmt": ["COMMIT"],
        "TruncateStmt": ["TRUNCATE t"],
        "UnlistenStmt": ["UNLISTEN news"],
        "UpdateStmt": ["UPDATE t SET a = 1"],
        "VacuumStmt": ["VACUUM t", "ANALYZE t"],
        "VariableSetStmt": ["SET TimeZone = 'UTC'", "SET lock_timeout = '1s'", "SET ROLE app"],
        "VariableShowStmt": ["SHOW work_mem"],
        "ViewStmt": ["CREATE VIEW v AS SELECT 1 AS a"],
    }
)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What becomes of a statement when it is read."""

    #: None where it is left out, for Lockkeeper does it itself.
    statement_class: StatementClass | None
    #: Why it is refused; "" where it is not.
    reason: str = ""


def ending(sql: str) -> Ending:
    """Reads one statement by itself."""
    try:
        read = script.read(sql)
    except Refused as refused:
        return Ending(statement_class=StatementClass.REFUSED, reason=refused.problems[0].reason)
    return Ending(statement_class=read.statements[0].statement_class if read.statements else None)

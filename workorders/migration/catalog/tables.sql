-- name: names
-- What the relations below are called.
SELECT c.oid::int8, n.nspname::text, c.relname::text
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'lockkeeper')

-- name: tables
-- Relations with rows, and views.
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
       c.relpersistence::text AS persistence, r.rolname::text AS owner,
       c.relispartition AS is_partition, c.relispopulated AS is_populated,
       c.relrowsecurity AS has_row_security, c.relforcerowsecurity AS forces_row_security,
       c.relreplident::text AS replica_identity, c.reltuples::bigint AS estimated_rows,
       CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END AS partition_key,
       CASE WHEN c.relispartition THEN pg_catalog.pg_get_expr(c.relpartbound, c.oid) END AS partition_bound
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_roles r ON r.oid = c.relowner
 WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'lockkeeper')

-- name: inheritance
-- Which relation inherits from which, partitions included.
SELECT h.inhrelid AS child, h.inhparent AS parent
  FROM pg_catalog.pg_inherits h
 ORDER BY h.inhrelid, h.inhseqno

-- name: columns
-- Live columns in order.
SELECT a.attrelid AS relation, a.attnum::int AS attnum, a.attname::text AS name,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull AS not_null, k.conname::text AS not_null_name,
       coalesce(k.convalidated, true) AS is_not_null_validated,
       coalesce(k.conislocal OR c.relispartition, true) AS is_not_null_local,
       CASE WHEN d.oid IS NOT NULL THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END AS expression,
       a.attidentity::text AS identity, a.attgenerated::text AS generated,
       a.attinhcount > 0 AS is_inherited, a.attislocal OR c.relispartition AS is_local,
       CASE WHEN a.attcollation <> t.typcollation
            THEN pg_catalog.quote_ident(ln.nspname) || '.' || pg_catalog.quote_ident(l.collname)
       END AS collation,
       t.typtype = 'd' OR coalesce(et.typtype = 'd', false) AS is_domain,
       a.atttypid AS type_oid, e.description AS comment,
       CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text ELSE '' END AS storage,
       a.attcompression::text AS compression, -- from 14
       '' AS compression, -- before 14
       nullif(coalesce(a.attstattarget, -1), -1)::int AS statistics_target,
       ARRAY(SELECT option FROM pg_catalog.unnest(a.attoptions) option ORDER BY 1) AS options,
       (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('privilege', x.privilege_type, 'grantee', r.rolname,
                 'is_grantable', x.is_grantable) ORDER BY r.rolname, x.privilege_type)
          FROM pg_catalog.aclexplode(a.attacl) x LEFT JOIN pg_catalog.pg_roles r ON r.oid = x.grantee) AS grants
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_catalog.pg_type et ON et.oid = t.typelem AND t.typsubscript = 'pg_catalog.array_subscript_handler'::regproc
  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation AND a.attcollation <> t.typcollation
  LEFT JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace
  LEFT JOIN pg_catalog.pg_constraint k
    ON k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey[1] = a.attnum
  LEFT JOIN pg_catalog.pg_description e
    ON e.classoid = 'pg_catalog.pg_class'::regclass AND e.objoid = a.attrelid AND e.objsubid = a.attnum
 WHERE a.attnum > 0 AND NOT a.attisdropped
   AND c.relkind IN ('r', 'p', 'f', 'v', 'm') AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'lockkeeper')
 ORDER BY a.attrelid, a.attnum

-- name: not_null_domains
-- Domains through which a NULL is refused, at whatever depth.
WITH RECURSIVE refusing (oid) AS (
    SELECT t.oid FROM pg_catalog.pg_type t WHERE t.typtype = 'd' AND t.typnotnull
    UNION
    SELECT t.oid FROM pg_catalog.pg_type t JOIN refusing ON t.typbasetype = refusing.oid
     WHERE t.typtype = 'd'
)
SELECT oid FROM refusing

-- name: owned_sequences
-- Sequences that a column owns: serial ('a') and identity ('i').
SELECT d.refobjid AS relation, d.refobjsubid AS attnum, n.nspname::text AS schema, c.relname::text AS name
  FROM pg_catalog.pg_depend d
  JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind = 'S'
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
   AND d.objsubid = 0 AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
 ORDER BY 3, 4

-- name: constraints
-- Tables' constraints but NOT NULL; of a foreign key to a partitioned table, not its parts for each partition.
SELECT k.oid, k.conrelid AS relation, k.conname::text AS name, k.contype::text AS kind,
       pg_catalog.pg_get_constraintdef(k.oid) AS definition,
       k.conkey::int[] AS attnums, k.convalidated AS is_validated, k.connoinherit AS is_no_inherit,
       k.conenforced AS is_enforced, -- from 18
       true AS is_enforced, -- before 18
       k.condeferrable AS is_deferrable, k.condeferred AS is_initially_deferred,
       k.confmatchtype = 'f' AS is_match_full,
       k.coninhcount > 0 AS is_inherited, k.conislocal OR o.relispartition AS is_local,
       CASE WHEN k.contype IN ('p', 'u', 'x') THEN ic.relname::text END AS index,
       CASE WHEN k.contype = 'f' THEN ic.relname::text END AS referenced_index,
       k.confrelid AS referenced, k.confkey::int[] AS referenced_attnums,
       k.confdeltype::text AS on_delete, k.confupdtype::text AS on_update,
       c.description AS comment
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class o ON o.oid = k.conrelid
  LEFT JOIN pg_catalog.pg_class ic ON ic.oid = k.conindid
  LEFT JOIN pg_catalog.pg_description c
    ON c.classoid = 'pg_catalog.pg_constraint'::regclass AND c.objoid = k.oid AND c.objsubid = 0
 WHERE k.conrelid <> 0 AND k.contype <> 'n'
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint whole
                    WHERE whole.oid = k.conparentid AND k.contype = 'f' AND whole.conrelid = k.conrelid)
   AND k.connamespace NOT IN (SELECT oid FROM pg_catalog.pg_namespace
                               WHERE nspname ~ '^pg_' OR nspname IN ('information_schema', 'lockkeeper'))
 ORDER BY k.conrelid, k.conname

-- name: indexes
-- Tables' indexes; `attnums` holds 0 for an expression, `read` the columns of expressions and predicate.
SELECT i.indexrelid AS oid, i.indrelid AS relation, c.relname::text AS name,
       pg_catalog.pg_get_indexdef(i.indexrelid) AS definition,
       i.indkey::int2[]::int[] AS attnums, i.indnkeyatts::int AS key_count,
       CASE WHEN i.indexprs IS NOT NULL OR i.indpred IS NOT NULL THEN
         (SELECT pg_catalog.array_agg(DISTINCT d.refobjsubid ORDER BY d.refobjsubid)
            FROM pg_catalog.pg_depend d
           WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid
             AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = i.indrelid
             AND d.refobjsubid > 0) END AS read,
       i.indisunique AS is_unique, i.indisprimary AS is_primary, i.indisvalid AS is_valid,
       i.indisreplident AS is_replica_identity, i.indisclustered AS is_clustered,
       c.relispartition AS is_inherited, m.amname::text AS method,
       k.conname::text AS constraint, e.description AS comment,
       wn.nspname::text AS whole_schema, w.relname::text AS whole
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_am m ON m.oid = c.relam
  LEFT JOIN pg_catalog.pg_inherits h ON h.inhrelid = i.indexrelid
  LEFT JOIN pg_catalog.pg_class w ON w.oid = h.inhparent
  LEFT JOIN pg_catalog.pg_namespace wn ON wn.oid = w.relnamespace
  LEFT JOIN pg_catalog.pg_constraint k
    ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
  LEFT JOIN pg_catalog.pg_description e
    ON e.classoid = 'pg_catalog.pg_class'::regclass AND e.objoid = c.oid AND e.objsubid = 0
 WHERE c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'lockkeeper')
 ORDER BY i.indrelid, c.relname

-- name: triggers
-- Users' triggers, a partition's copies of its parent's included.
SELECT t.tgrelid AS relation, t.tgname::text AS name,
       pg_catalog.pg_get_triggerdef(t.oid) AS definition, t.tgenabled::text AS enabled,
       (t.tgtype & 1) = 1 AS is_row, t.tgfoid::regproc::text AS function,
       t.tgparentid <> 0 AS is_inherited
  FROM pg_catalog.pg_trigger t
  JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT t.tgisinternal AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'lockkeeper')
 ORDER BY t.tgrelid, t.tgname

-- name: statistics
-- Extended statistics objects with all columns that they read.
SELECT s.stxrelid AS relation, n.nspname::text AS schema, s.stxname::text AS name,
       pg_catalog.pg_get_statisticsobjdef(s.oid) AS definition, e.description AS comment,
       nullif(coalesce(s.stxstattarget, -1), -1)::int AS target,
       (SELECT pg_catalog.array_agg(DISTINCT d.refobjsubid ORDER BY d.refobjsubid)
          FROM pg_catalog.pg_depend d
         WHERE d.classid = 'pg_catalog.pg_statistic_ext'::regclass AND d.objid = s.oid
           AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = s.stxrelid
           AND d.refobjsubid > 0) AS attnums
  FROM pg_catalog.pg_statistic_ext s
  JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
  LEFT JOIN pg_catalog.pg_description e
    ON e.classoid = 'pg_catalog.pg_statistic_ext'::regclass AND e.objoid = s.oid AND e.objsubid = 0
 ORDER BY s.stxrelid, n.nspname, s.stxname

-- name: publications
-- Which publications carry a table: named, by its schema, or all of them.
SELECT c.oid AS relation, p.pubname::text AS name
  FROM pg_catalog.pg_publication p
  JOIN pg_catalog.pg_class c ON p.puballtables AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
   AND c.relnamespace IN (SELECT oid FROM pg_catalog.pg_namespace
                           WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'lockkeeper'))
UNION
SELECT r.prrelid, p.pubname::text
  FROM pg_catalog.pg_publication p
  JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid
UNION -- from 15
SELECT c.oid, p.pubname::text -- from 15
  FROM pg_catalog.pg_publication p -- from 15
  JOIN pg_catalog.pg_publication_namespace s ON s.pnpubid = p.oid -- from 15
  JOIN pg_catalog.pg_class c ON c.relnamespace = s.pnnspid -- from 15
   AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p' -- from 15
UNION
SELECT c.oid, t.pubname::text
  FROM pg_catalog.pg_publication_tables t
  JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
 ORDER BY 1, 2

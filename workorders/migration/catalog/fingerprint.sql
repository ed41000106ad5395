-- Each query gives: class, object and sub (an address in pg_depend's terms), `schema`, `relation`, `name` and
-- `arguments` (what the key is made of, where given), `of_schema` and `of_relation` (the relation that the
-- object belongs to), and then its attributes, of which NULL means absent. Texts are as a session with
-- an empty search path and pinned formats sees them. A kind's name is the query's, with spaces.

-- name: classes
-- The oid of pg_type, under which comments and privileges of types are known.
SELECT 'pg_catalog.pg_type'::regclass::oid AS types

-- name: members
-- What belongs to extensions, and is stood for by them.
SELECT d.classid AS class, d.objid AS object
  FROM pg_catalog.pg_depend d
 WHERE d.deptype = 'e' AND d.refclassid = 'pg_catalog.pg_extension'::regclass

-- name: comments
-- Comments on users' objects, and on the schemas and extensions that a new database has.
SELECT e.classoid AS class, e.objoid AS object, e.objsubid AS sub, e.description AS comment
  FROM pg_catalog.pg_description e
 WHERE e.objoid >= 16384
    OR e.classoid IN ('pg_catalog.pg_namespace'::regclass, 'pg_catalog.pg_extension'::regclass)

-- name: privileges
-- Who may what, where that is not what it is by default: `grantee: privilege`, `*` with grant
-- option, the grantor where it is not the owner. Sorted, so that the order of grants is nothing.
WITH granted (class, object, sub, kind, owner, acl) AS (
    SELECT 'pg_catalog.pg_class'::regclass::oid, oid, 0,
           CASE WHEN relkind = 'S' THEN 's' ELSE 'r' END::"char", relowner, relacl
      FROM pg_catalog.pg_class WHERE relacl IS NOT NULL
    UNION ALL
    SELECT 'pg_catalog.pg_class'::regclass::oid, a.attrelid, a.attnum, 'c', c.relowner, a.attacl
      FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
     WHERE a.attacl IS NOT NULL AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT 'pg_catalog.pg_proc'::regclass::oid, oid, 0, 'f', proowner, proacl
      FROM pg_catalog.pg_proc WHERE proacl IS NOT NULL
    UNION ALL
    SELECT 'pg_catalog.pg_namespace'::regclass::oid, oid, 0, 'n', nspowner, nspacl
      FROM pg_catalog.pg_namespace WHERE nspacl IS NOT NULL
    UNION ALL
    SELECT 'pg_catalog.pg_type'::regclass::oid, oid, 0, 'T', typowner, typacl
      FROM pg_catalog.pg_type WHERE typacl IS NOT NULL
    UNION ALL
    SELECT 'pg_catalog.pg_foreign_data_wrapper'::regclass::oid, oid, 0, 'F', fdwowner, fdwacl
      FROM pg_catalog.pg_foreign_data_wrapper WHERE fdwacl IS NOT NULL
    UNION ALL
    SELECT 'pg_catalog.pg_foreign_server'::regclass::oid, oid, 0, 'S', srvowner, srvacl
      FROM pg_catalog.pg_foreign_server WHERE srvacl IS NOT NULL
    UNION ALL
    SELECT 'pg_catalog.pg_language'::regclass::oid, oid, 0, 'l', lanowner, lanacl
      FROM pg_catalog.pg_language WHERE lanacl IS NOT NULL
    UNION ALL
    SELECT 'pg_catalog.pg_default_acl'::regclass::oid, oid, 0,
           CASE defaclobjtype WHEN 'S' THEN 's' ELSE defaclobjtype END::"char", defaclrole, defaclacl
      FROM pg_catalog.pg_default_acl
)
SELECT g.class, g.object, g.sub, told.privileges
  FROM granted g
 CROSS JOIN LATERAL (
    SELECT ARRAY(
        SELECT CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END
               || ': ' || x.privilege_type || CASE WHEN x.is_grantable THEN '*' ELSE '' END
               || CASE WHEN x.grantor = g.owner THEN ''
                       ELSE ' by ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantor)) END
          FROM pg_catalog.aclexplode(g.acl) x
         ORDER BY 1) AS privileges,
        ARRAY(
        SELECT CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END
               || ': ' || x.privilege_type || CASE WHEN x.is_grantable THEN '*' ELSE '' END
          FROM pg_catalog.aclexplode(pg_catalog.acldefault(g.kind, g.owner)) x
         ORDER BY 1) AS usual
 ) told
 WHERE g.class = 'pg_catalog.pg_default_acl'::regclass OR told.privileges <> told.usual

-- name: schema
-- Schemas.
SELECT 'pg_catalog.pg_namespace'::regclass::oid AS class, n.oid AS object, 0 AS sub,
       NULL AS schema, NULL AS relation, n.nspname::text AS name, NULL AS arguments,
       NULL AS of_schema, NULL AS of_relation,
       pg_catalog.pg_get_userbyid(n.nspowner)::text AS owner
  FROM pg_catalog.pg_namespace n
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'

-- name: extension
-- Extensions.
SELECT 'pg_catalog.pg_extension'::regclass::oid AS class, e.oid AS object, 0 AS sub,
       NULL AS schema, NULL AS relation, e.extname::text AS name, NULL AS arguments,
       NULL AS of_schema, NULL AS of_relation,
       e.extversion AS version, n.nspname::text AS installed_in
  FROM pg_catalog.pg_extension e
  JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace

-- name: table
-- Tables, views, materialised views, foreign tables, composite types: `kind` tells which.
SELECT 'pg_catalog.pg_class'::regclass::oid AS class, c.oid AS object, 0 AS sub,
       n.nspname::text AS schema, NULL AS relation, c.relname::text AS name, NULL AS arguments,
       n.nspname::text AS of_schema, c.relname::text AS of_relation,
       c.reltype AS row_type,
       CASE c.relkind WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
            WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'composite type' ELSE 'table' END AS kind,
       nullif(c.relpersistence::text, 'p') AS persistence,
       pg_catalog.pg_get_userbyid(c.relowner)::text AS owner,
       nullif(c.relrowsecurity, false) AS row_security,
       nullif(c.relforcerowsecurity, false) AS forced_row_security,
       CASE WHEN c.relkind IN ('r', 'p', 'm') THEN nullif(c.relreplident::text, 'd') END AS replica_identity,
       (SELECT pg_catalog.array_agg(o ORDER BY o) FROM pg_catalog.unnest(c.reloptions) o) AS options,
       (SELECT pg_catalog.array_agg(o ORDER BY o) FROM pg_catalog.unnest(x.reloptions) o) AS toast_options,
       s.spcname::text AS tablespace, nullif(m.amname::text, 'heap') AS access_method,
       CASE WHEN c.reloftype <> 0 THEN pg_catalog.format_type(c.reloftype, NULL) END AS of_type,
       CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END AS partition_key,
       CASE WHEN c.relispartition THEN pg_catalog.pg_get_expr(c.relpartbound, c.oid) END AS partition_bound,
       CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid) END AS definition,
       h.parents AS parents, fs.srvname::text AS server, ft.ftoptions AS foreign_options
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_class x ON x.oid = c.reltoastrelid
  LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace
  LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
  LEFT JOIN pg_catalog.pg_foreign_table ft ON ft.ftrelid = c.oid
  LEFT JOIN pg_catalog.pg_foreign_server fs ON fs.oid = ft.ftserver
  LEFT JOIN (SELECT i.inhrelid, pg_catalog.array_agg(i.inhparent::regclass::text ORDER BY i.inhseqno) AS parents
               FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
              WHERE NOT pg_catalog.starts_with(p.relname, 'lockkeeper_parent_') -- a stand-in of ours, until it is purged
              GROUP BY i.inhrelid) h ON h.inhrelid = c.oid
 WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c') AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'

-- name: column
-- Columns, attributes of composite types included. `attnum` gives the order and is then left out.
SELECT 'pg_catalog.pg_class'::regclass::oid AS class, a.attrelid AS object, a.attnum::int AS sub,
       n.nspname::text AS schema, c.relname::text AS relation, a.attname::text AS name, NULL AS arguments,
       n.nspname::text AS of_schema, c.relname::text AS of_relation,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
       nullif(a.attnotnull, false) AS not_null, k.conname::text AS not_null_name,
       nullif(k.convalidated, true) AS not_null_validated, nullif(k.connoinherit, false) AS not_null_no_inherit,
       CASE WHEN d.oid IS NOT NULL THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END AS expression,
       nullif(a.attidentity::text, '') AS identity, nullif(a.attgenerated::text, '') AS generated,
       CASE WHEN a.attcollation <> t.typcollation
            THEN pg_catalog.quote_ident(ln.nspname) || '.' || pg_catalog.quote_ident(l.collname)
       END AS collation,
       CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text END AS storage,
       nullif(a.attcompression::text, '') AS compression,
       nullif(coalesce(a.attstattarget, -1), -1)::int AS statistics_target,
       NULLIF(ARRAY(SELECT option FROM pg_catalog.unnest(a.attoptions) option
                     WHERE option NOT LIKE 'pg\_attver=%' ORDER BY 1), '{}') AS options, a.attfdwoptions AS foreign_options,
       -- Attaching clears it and PARTITION OF does not set it, so that for partitions it means nothing.
       CASE WHEN a.attinhcount > 0 AND NOT c.relispartition THEN a.attislocal END AS local_too
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation AND a.attcollation <> t.typcollation
  LEFT JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace
  LEFT JOIN pg_catalog.pg_constraint k
    ON k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey[1] = a.attnum
 WHERE a.attnum > 0 AND NOT a.attisdropped
   AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c') AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
 ORDER BY a.attrelid, a.attnum

-- name: constraint
-- Tables' constraints but NOT NULL, which is a column's. NOT VALID, NOT ENFORCED, DEFERRABLE and
-- NO INHERIT are in the definition.
SELECT 'pg_catalog.pg_constraint'::regclass::oid AS class, k.oid AS object, 0 AS sub,
       n.nspname::text AS schema, c.relname::text AS relation, k.conname::text AS name, NULL AS arguments,
       n.nspname::text AS of_schema, c.relname::text AS of_relation,
       pg_catalog.pg_get_constraintdef(k.oid) AS definition,
       CASE WHEN k.contype = 'c' AND NOT c.relispartition AND k.coninhcount > 0 THEN k.conislocal END AS local_too,
       nullif(k.conparentid <> 0, false) AS attached
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype <> 'n' AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'

-- name: index
-- Indexes.
SELECT 'pg_catalog.pg_class'::regclass::oid AS class, i.indexrelid AS object, 0 AS sub,
       n.nspname::text AS schema, NULL AS relation, c.relname::text AS name, NULL AS arguments,
       n.nspname::text AS of_schema, t.relname::text AS of_relation,
       pg_catalog.pg_get_indexdef(i.indexrelid) AS definition,
       nullif(i.indisvalid, true) AS valid, nullif(i.indisclustered, false) AS clustered,
       nullif(i.indisreplident, false) AS replica_identity, nullif(i.indisprimary, false) AS primary,
       nullif(i.indimmediate, true) AS immediate,
       s.spcname::text AS tablespace, h.inhparent::regclass::text AS attached_to,
       (SELECT pg_catalog.array_agg(a.attnum || ': ' || a.attstattarget ORDER BY a.attnum)
          FROM pg_catalog.pg_attribute a
         WHERE i.indexprs IS NOT NULL AND a.attrelid = i.indexrelid
           AND coalesce(a.attstattarget, -1) >= 0) AS statistics_targets
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace
  LEFT JOIN pg_catalog.pg_inherits h ON h.inhrelid = c.oid
 WHERE c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'

-- name: trigger
-- Users' triggers and whether they fire.
SELECT 'pg_catalog.pg_trigger'::regclass::oid AS class, t.oid AS object, 0 AS sub,
       n.nspname::text AS schema, c.relname::text AS relation, t.tgname::text AS name, NULL AS arguments,
       n.nspname::text AS of_schema, c.relname::text AS of_relation,
       pg_catalog.pg_get_triggerdef(t.oid) AS definition, nullif(t.tgenabled::text, 'O') AS enabled,
       nullif(t.tgparentid <> 0, false) AS attached
  FROM pg_catalog.pg_trigger t
  JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT t.tgisinternal AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'

-- name: rule
-- Rules other than those that make a view.
SELECT 'pg_catalog.pg_rewrite'::regclass::oid AS class, w.oid AS object, 0 AS sub,
       n.nspname::text AS schema, c.relname::text AS relation, w.rulename::text AS name, NULL AS arguments,
       n.nspname::text AS of_schema, c.relname::text AS of_relation,
       pg_catalog.pg_get_ruledef(w.oid) AS definition, nullif(w.ev_enabled::text, 'O') AS enabled
  FROM pg_catalog.pg_rewrite w
  JOIN pg_catalog.pg_class c ON c.oid = w.ev_class
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE w.rulename <> '_RETURN' AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'

-- name: policy
-- Row security policies.
SELECT 'pg_catalog.pg_policy'::regclass::oid AS class, p.oid AS object, 0 AS sub,
       n.nspname::text AS schema, c.relname::text AS relation, p.polname::text AS name, NULL AS arguments,
       n.nspname::text AS of_schema, c.relname::text AS of_relation,
       p.polcmd::text AS command, p.polpermissive AS permissive,
       ARRAY(SELECT CASE WHEN r = 0 THEN 'PUBLIC'
                         ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r)) END
               FROM pg_catalog.unnest(p.polroles) r ORDER BY 1) AS roles,
       pg_catalog.pg_get_expr(p.polqual, p.polrelid) AS "using",
       pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) AS with_check
  FROM pg_catalog.pg_policy p
  JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace

-- name: sequence
-- Sequences; how far they have counted is data.
SELECT 'pg_catalog.pg_class'::regclass::oid AS class, c.oid AS object, 0 AS sub,
       n.nspname::text AS schema, NULL AS relation, c.relname::text AS name, NULL AS arguments,
       tn.nspname::text AS of_schema, t.relname::text AS of_relation, a.attname::text AS of_column,
       nullif(d.deptype::text, 'a') AS ownership,
       nullif(c.relpersistence::text, 'p') AS persistence,
       pg_catalog.pg_get_userbyid(c.relowner)::text AS owner,
       pg_catalog.format_type(s.seqtypid, NULL) AS type, s.seqstart AS start, s.seqincrement AS increment,
       s.seqmin AS minimum, s.seqmax AS maximum, s.seqcache AS cache, nullif(s.seqcycle, false) AS cycles
  FROM pg_catalog.pg_sequence s
  JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_depend d
    ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
   AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
  LEFT JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
  LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
 WHERE c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'

-- name: statistics
-- Extended statistics objects.
SELECT 'pg_catalog.pg_statistic_ext'::regclass::oid AS class, s.oid AS object, 0 AS sub,
       n.nspname::text AS schema, NULL AS relation, s.stxname::text AS name, NULL AS arguments,
       tn.nspname::text AS of_schema, c.relname::text AS of_relation,
       pg_catalog.pg_get_statisticsobjdef(s.oid) AS definition,
       nullif(coalesce(s.stxstattarget, -1), -1)::int AS target,
       pg_catalog.pg_get_userbyid(s.stxowner)::text AS owner
  FROM pg_catalog.pg_statistic_ext s
  JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
  JOIN pg_catalog.pg_class c ON c.oid = s.stxrelid
  JOIN pg_catalog.pg_namespace tn ON tn.oid = c.relnamespace

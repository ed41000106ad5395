-- The kinds that belong to no relation; the columns are as in fingerprint.sql.

-- name: type
-- Enums with their labels in order, ranges, base types; composite types are relations.
SELECT 'pg_catalog.pg_type'::regclass::oid AS class, t.oid AS object, 0 AS sub,
       n.nspname::text AS schema, NULL AS relation, t.typname::text AS name, NULL AS arguments,
       NULL AS of_schema, NULL AS of_relation,
       t.typtype::text AS typtype, pg_catalog.pg_get_userbyid(t.typowner)::text AS owner,
       (SELECT pg_catalog.array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
          FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid) AS labels,
       pg_catalog.format_type(r.rngsubtype, NULL) AS subtype,
       (SELECT pg_catalog.quote_ident(o.opcname) FROM pg_catalog.pg_opclass o WHERE o.oid = r.rngsubopc) AS operator_class,
       nullif(r.rngcollation, 0)::regcollation::text AS collation,
       nullif(r.rngcanonical::oid, 0)::regproc::text AS canonical,
       nullif(r.rngsubdiff::oid, 0)::regproc::text AS subtype_diff,
       pg_catalog.format_type(r.rngmultitypid, NULL) AS multirange,
       CASE WHEN t.typtype = 'b' THEN t.typinput::regproc::text END AS input,
       CASE WHEN t.typtype = 'b' THEN t.typoutput::regproc::text END AS output,
       CASE WHEN t.typtype = 'b' THEN t.typlen::int END AS length,
       CASE WHEN t.typtype = 'b' THEN t.typstorage::text END AS storage
  FROM pg_catalog.pg_type t
  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
  LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND t.typtype IN ('e', 'r', 'b')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = t.oid)

-- name: domain
-- Domains with their constraints, sorted by name.
SELECT 'pg_catalog.pg_type'::regclass::oid AS class, t.oid AS object, 0 AS sub,
       n.nspname::text AS schema, NULL AS relation, t.typname::text AS name, NULL AS arguments,
       NULL AS of_schema, NULL AS of_relation,
       pg_catalog.pg_get_userbyid(t.typowner)::text AS owner,
       pg_catalog.format_type(t.typbasetype, t.typtypmod) AS type, nullif(t.typnotnull, false) AS not_null,
       CASE WHEN t.typdefaultbin IS NOT NULL THEN pg_catalog.pg_get_expr(t.typdefaultbin, 0) END AS "default",
       CASE WHEN t.typcollation <> b.typcollation THEN t.typcollation::regcollation::text END AS collation,
       (SELECT pg_catalog.array_agg(pg_catalog.quote_ident(k.conname) || ' '
                 || pg_catalog.pg_get_constraintdef(k.oid)
                 || coalesce(' -- ' || pg_catalog.obj_description(k.oid, 'pg_constraint'), '')
                 ORDER BY k.conname)
          FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid) AS constraints
  FROM pg_catalog.pg_type t
  JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
 WHERE t.typtype = 'd' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'

-- name: function
-- Functions and procedures.
SELECT 'pg_catalog.pg_proc'::regclass::oid AS class, p.oid AS object, 0 AS sub,
       n.nspname::text AS schema, NULL AS relation, p.proname::text AS name,
       pg_catalog.pg_get_function_identity_arguments(p.oid) AS arguments,
       NULL AS of_schema, NULL AS of_relation,
       pg_catalog.pg_get_functiondef(p.oid) AS definition,
       pg_catalog.pg_get_userbyid(p.proowner)::text AS owner
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
 WHERE p.prokind IN ('f', 'p', 'w') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')

-- name: aggregate
-- Aggregates, which have no definition to ask for.
SELECT 'pg_catalog.pg_proc'::regclass::oid AS class, p.oid AS object, 0 AS sub,
       n.nspname::text AS schema, NULL AS relation, p.proname::text AS name,
       pg_catalog.pg_get_function_identity_arguments(p.oid) AS arguments,
       NULL AS of_schema, NULL AS of_relation,
       pg_catalog.pg_get_function_result(p.oid) AS returns, p.proparallel::text AS parallel,
       pg_catalog.pg_get_userbyid(p.proowner)::text AS owner,
       a.aggkind::text AS aggregate_kind, a.aggtransfn::regprocedure::text AS transition,
       nullif(a.aggfinalfn::oid, 0)::regprocedure::text AS final,
       nullif(a.aggcombinefn::oid, 0)::regprocedure::text AS combine,
       nullif(a.aggserialfn::oid, 0)::regprocedure::text AS serial,
       nullif(a.aggdeserialfn::oid, 0)::regprocedure::text AS deserial,
       nullif(a.aggmtransfn::oid, 0)::regprocedure::text AS moving_transition,
       nullif(a.aggminvtransfn::oid, 0)::regprocedure::text AS moving_inverse,
       nullif(a.aggmfinalfn::oid, 0)::regprocedure::text AS moving_final,
       a.aggfinalextra AS final_extra, a.aggfinalmodify::text AS final_modify,
       a.aggmfinalextra AS moving_final_extra, a.aggmfinalmodify::text AS moving_final_modify,
       pg_catalog.format_type(a.aggtranstype, NULL) AS state, a.aggtransspace AS state_size,
       pg_catalog.format_type(nullif(a.aggmtranstype, 0), NULL) AS moving_state,
       a.aggmtransspace AS moving_state_size, a.agginitval AS initial, a.aggminitval AS moving_initial,
       nullif(a.aggsortop, 0)::regoperator::text AS sort_operator
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'

-- name: default_privileges
-- ALTER DEFAULT PRIVILEGES: for a role's new objects of a kind, everywhere or in a schema.
SELECT 'pg_catalog.pg_default_acl'::regclass::oid AS class, d.oid AS object, 0 AS sub,
       n.nspname::text AS schema,
       CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
            WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE d.defaclobjtype::text END AS relation,
       pg_catalog.pg_get_userbyid(d.defaclrole)::text AS name, NULL AS arguments,
       NULL AS of_schema, NULL AS of_relation
  FROM pg_catalog.pg_default_acl d
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace

-- name: publication
-- Publications.
SELECT 'pg_catalog.pg_publication'::regclass::oid AS class, p.oid AS object, 0 AS sub,
       NULL AS schema, NULL AS relation, p.pubname::text AS name, NULL AS arguments,
       NULL AS of_schema, NULL AS of_relation,
       pg_catalog.pg_get_userbyid(p.pubowner)::text AS owner, nullif(p.puballtables, false) AS all_tables,
       p.pubinsert AS inserts, p.pubupdate AS updates, p.pubdelete AS deletes, p.pubtruncate AS truncates,
       (SELECT pg_catalog.array_agg(n.nspname::text ORDER BY n.nspname) -- from 15
          FROM pg_catalog.pg_publication_namespace s -- from 15
          JOIN pg_catalog.pg_namespace n ON n.oid = s.pnnspid WHERE s.pnpubid = p.oid) AS schemas, -- from 15
       nullif(p.pubgencols::text, 'n') AS generated_columns, -- from 18
       nullif(p.pubviaroot, false) AS via_root
  FROM pg_catalog.pg_publication p

-- name: published_table
-- Tables that a publication names, with what it says of them.
SELECT 'pg_catalog.pg_publication_rel'::regclass::oid AS class, r.oid AS object, 0 AS sub,
       n.nspname::text AS schema, c.relname::text AS relation, p.pubname::text AS name, NULL AS arguments,
       pg_catalog.pg_get_expr(r.prqual, r.prrelid) AS "where", -- from 15
       (SELECT pg_catalog.array_agg(a.attname::text ORDER BY a.attname) FROM pg_catalog.pg_attribute a -- from 15
         WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)) AS columns, -- from 15
       n.nspname::text AS of_schema, c.relname::text AS of_relation
  FROM pg_catalog.pg_publication_rel r
  JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid
  JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace

-- name: session
-- Who reads, where, and what the role may.
SELECT pg_catalog.current_database()::text AS database,
       current_user::text AS role,
       pg_catalog.current_setting('server_version_num')::int AS server_version,
       r.rolsuper AS is_superuser,
       pg_catalog.has_parameter_privilege('session_replication_role', 'SET') AS sets_replication_role -- from 15
       r.rolsuper AS sets_replication_role -- before 15
  FROM pg_catalog.pg_roles r
 WHERE r.rolname = current_user

-- name: identity
-- The cluster's own number. PUBLIC may execute this unless someone has revoked it.
SELECT system_identifier::text AS system_identifier FROM pg_catalog.pg_control_system()

-- name: identity_without_control
-- What tells this database from others where pg_control_system is not allowed.
SELECT d.oid::text AS oid, d.datname::text AS name,
       pg_catalog.current_setting('data_checksums') AS checksums,
       pg_catalog.current_setting('server_version_num') AS version,
       (SELECT pg_catalog.string_agg(other.oid || ' ' || other.datname, ',' ORDER BY other.oid)
          FROM pg_catalog.pg_database other WHERE other.datistemplate) AS templates
  FROM pg_catalog.pg_database d
 WHERE d.datname = pg_catalog.current_database()

-- name: schemas
-- Every schema that is neither the system's nor ours.
SELECT nspname::text AS name
  FROM pg_catalog.pg_namespace
 WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'lockkeeper')

-- name: relation_names
-- Every name taken in pg_class.
SELECT n.nspname::text AS schema, c.relname::text AS name
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'lockkeeper')

-- name: constraint_names
-- Every constraint's name, NOT NULL and domains' included.
SELECT n.nspname::text AS schema, k.conname::text AS name
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace
 WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'lockkeeper')

-- name: volatility
-- The names of functions whose every overload is immutable, of those that may beside be the server's own
-- by settings (%(by_settings)s), of those with a stable one or with a volatile one, and of those in PL/pgSQL.
SELECT pg_catalog.array_agg(name) FILTER (WHERE is_immutable) AS immutable,
       pg_catalog.array_agg(name) FILTER (WHERE is_settled) AS settled,
       pg_catalog.array_agg(name) FILTER (WHERE is_stable) AS stable,
       pg_catalog.array_agg(name) FILTER (WHERE is_volatile) AS volatile,
       pg_catalog.array_agg(name) FILTER (WHERE is_procedural) AS procedural
  FROM (SELECT p.proname::text AS name,
               pg_catalog.bool_and(p.provolatile = 'i') AS is_immutable,
               pg_catalog.bool_and(p.provolatile = 'i' OR n.nspname = 'pg_catalog' AND p.provolatile = 's'
                                   AND p.proname = ANY (%(by_settings)s)) AS is_settled,
               pg_catalog.bool_or(p.provolatile = 's') AS is_stable,
               pg_catalog.bool_or(p.provolatile = 'v') AS is_volatile,
               pg_catalog.bool_or(l.lanname = 'plpgsql') AS is_procedural
          FROM pg_catalog.pg_proc p
          JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
          JOIN pg_catalog.pg_language l ON l.oid = p.prolang
         WHERE n.nspname <> 'lockkeeper'
         GROUP BY p.proname) named

-- name: constrained_domains
-- Domains that do not take every value of their base type, their own or an underlying domain's rules
-- deciding. NOT NULL stands in pg_type before 17 and after.
WITH RECURSIVE domains AS (
    SELECT t.oid, t.typname, t.typbasetype, t.typnotnull,
           EXISTS (SELECT FROM pg_catalog.pg_constraint c
                    WHERE c.contypid = t.oid AND c.contype = 'c') AS is_checked
      FROM pg_catalog.pg_type t WHERE t.typtype = 'd'
), reached AS (
    SELECT oid, typname, typnotnull FROM domains WHERE is_checked OR typnotnull
    UNION
    SELECT d.oid, d.typname, d.typnotnull OR r.typnotnull FROM domains d JOIN reached r ON d.typbasetype = r.oid
)
SELECT typname::text AS name, pg_catalog.bool_or(typnotnull) AS forbids_null FROM reached GROUP BY 1

-- name: settings
-- What the role and the database give every new session, of the settings that change SQL's meaning.
SELECT name, reset_val AS value
  FROM pg_catalog.pg_settings
 WHERE name = ANY (%(names)s)
UNION ALL
SELECT DISTINCT ON (pg_catalog.split_part(item, '=', 1))
       pg_catalog.split_part(item, '=', 1),
       pg_catalog.substr(item, pg_catalog.strpos(item, '=') + 1)
  FROM (SELECT s.setdatabase, s.setrole, pg_catalog.unnest(s.setconfig) AS item
          FROM pg_catalog.pg_db_role_setting s
         WHERE s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database
                                      WHERE datname = pg_catalog.current_database()))
           AND s.setrole IN (0, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user))
       ) custom
 -- The built-in ones are above; a name with a dot is an application's own.
 WHERE pg_catalog.strpos(pg_catalog.split_part(item, '=', 1), '.') > 0

-- name: types
-- Types that a column may have, arrays left out: how the server writes them, and a domain's base.
SELECT n.nspname::text AS schema, t.typname::text AS name, pg_catalog.format_type(t.oid, NULL) AS written,
       t.typcategory::text AS category,
       CASE WHEN t.typtype = 'd' THEN pg_catalog.format_type(t.typbasetype, NULL) END AS base
  FROM pg_catalog.pg_type t
  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
 WHERE (t.typtype IN ('b', 'd', 'e', 'r', 'm') OR EXISTS (SELECT FROM pg_catalog.pg_class c
                                                            WHERE c.oid = t.typrelid AND c.relkind = 'c'))
   AND t.typcategory <> 'A' AND n.nspname <> 'lockkeeper'

-- name: casts
-- Casts between types; `is_assigned` where an assignment makes them by itself, `is_free` where no bit changes.
SELECT pg_catalog.format_type(c.castsource, NULL) AS source, pg_catalog.format_type(c.casttarget, NULL) AS target,
       c.castcontext <> 'e' AS is_assigned, c.castmethod = 'b' AS is_free
  FROM pg_catalog.pg_cast c

-- name: enums
-- Enum types with their labels in order.
SELECT n.nspname::text AS schema, t.typname::text AS name,
       pg_catalog.array_agg(e.enumlabel::text ORDER BY e.enumsortorder) AS labels
  FROM pg_catalog.pg_type t
  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
  JOIN pg_catalog.pg_enum e ON e.enumtypid = t.oid
 WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'lockkeeper')
 GROUP BY 1, 2

-- name: sizes
-- Bytes of relations by oid: all of a table, an index alone. Takes ACCESS SHARE on each.
SELECT c.oid, coalesce(i.indrelid, c.oid) AS relation,
       CASE WHEN c.relkind = 'i' THEN pg_catalog.pg_relation_size(c.oid)
            ELSE pg_catalog.pg_total_relation_size(c.oid) END AS size_bytes
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
 WHERE c.relkind IN ('r', 'm', 'i') AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'lockkeeper')

-- name: sizes_of
-- Bytes of the named tables (heap, TOAST and indexes) or indexes.
SELECT n.nspname::text AS schema, c.relname::text AS name,
       CASE WHEN c.relkind IN ('i', 'I') THEN pg_catalog.pg_relation_size(c.oid)
            ELSE pg_catalog.pg_total_relation_size(c.oid) END AS size_bytes
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN ROWS FROM (pg_catalog.unnest(%(schemas)s::text[]), pg_catalog.unnest(%(names)s::text[])) AS wanted (schema, name)
    ON n.nspname = wanted.schema AND c.relname = wanted.name

-- name: estimated_sizes
-- The same from the last VACUUM or ANALYZE, without any lock: where `sizes` cannot have one.
SELECT c.oid,
       (c.relpages::bigint
        + CASE WHEN c.relkind = 'i' THEN 0 ELSE
            (SELECT coalesce(pg_catalog.sum(ic.relpages), 0) FROM pg_catalog.pg_index i
               JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid WHERE i.indrelid = c.oid)
            + coalesce(t.relpages, 0) END)
       * pg_catalog.current_setting('block_size')::bigint AS size_bytes
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_class t ON t.oid = c.reltoastrelid
 WHERE c.relkind IN ('r', 'm', 'i') AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'lockkeeper')

-- name: creatable_extensions
-- Extensions of these names that the server has, and whether the role may create them by the server's own rules.
SELECT v.name::text AS name,
       NOT v.superuser OR r.rolsuper
       OR v.trusted AND pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') AS may
  FROM pg_catalog.pg_available_extensions e
  JOIN pg_catalog.pg_available_extension_versions v ON v.name = e.name AND v.version = e.default_version
 CROSS JOIN pg_catalog.pg_roles r
 WHERE r.rolname = current_user AND v.name::text = ANY (%(extensions)s)

-- name: extension_members
-- What belongs to extensions, or stands on what does, and can be named.
SELECT e.extname::text AS extension, m.kind, n.nspname::text AS schema, m.name
  FROM pg_catalog.pg_extension e
  JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.refobjid = e.oid
   AND d.deptype = 'e'
 CROSS JOIN LATERAL (
    SELECT 'TYPE' AS kind, t.typnamespace AS namespace, t.typname::text AS name
      FROM pg_catalog.pg_type t WHERE d.classid = 'pg_catalog.pg_type'::regclass AND t.oid = d.objid
    UNION ALL
    SELECT 'FUNCTION', p.pronamespace, p.proname::text
      FROM pg_catalog.pg_proc p WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND p.oid = d.objid
    UNION ALL
    SELECT 'OPERATOR', o.oprnamespace, o.oprname::text
      FROM pg_catalog.pg_operator o WHERE d.classid = 'pg_catalog.pg_operator'::regclass AND o.oid = d.objid
    UNION ALL
    SELECT 'OPERATOR CLASS', c.opcnamespace, c.opcname::text
      FROM pg_catalog.pg_opclass c WHERE d.classid = 'pg_catalog.pg_opclass'::regclass AND c.oid = d.objid
    UNION ALL
    -- What stands on an operator class, which pg_dump tells of indexes alone; named as pg_dump does.
    SELECT 'CONSTRAINT', r.relnamespace, r.relname::text || ' ' || k.conname
      FROM pg_catalog.pg_index i
      JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
      JOIN pg_catalog.pg_class r ON r.oid = k.conrelid
     WHERE d.classid = 'pg_catalog.pg_opclass'::regclass AND d.objid = ANY (i.indclass::oid[])
 ) m
  JOIN pg_catalog.pg_namespace n ON n.oid = m.namespace
 WHERE e.extname = ANY (%(extensions)s)
 ORDER BY 1, 2, 3, 4

-- name: publications
-- Which there are, and whether their subscribers are told of changed rows.
SELECT p.pubname::text AS name, p.pubupdate OR p.pubdelete AS publishes_changes FROM pg_catalog.pg_publication p

-- name: before
-- What the session has, before its settings are pinned.
SELECT pg_catalog.current_schemas(false)::text[] AS search_path,
       (SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'lock_timeout') AS lock_timeout_ms

-- name: pin
-- A setting until the end of the transaction.
SELECT pg_catalog.set_config(%(name)s, %(value)s, true)

-- name: holders
-- Who holds a relation of this database so that nobody else can read it; `since` only where the
-- role may see it.
SELECT n.nspname || '.' || c.relname AS relation, l.pid,
       pg_catalog.to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') AS since
  FROM pg_catalog.pg_locks l
  JOIN pg_catalog.pg_class c ON c.oid = l.relation
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.granted
   AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
   AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
 ORDER BY a.xact_start, 1
 LIMIT 3

-- name: lock_schema
-- One migration of our schema at a time.
SELECT pg_advisory_xact_lock(%(key)s);

-- name: make_ledger
-- Which files have been applied.
CREATE TABLE IF NOT EXISTS schema_files (
    source text NOT NULL CHECK (source IN ('lockkeeper', 'procrastinate')),
    name text NOT NULL,
    sha256 text NOT NULL,
    version text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, name)
);

-- name: has_ledger
-- Whether anything was ever applied here.
SELECT to_regclass('schema_files') IS NOT NULL AS found;

-- name: applied_files
-- What was applied.
SELECT source, name, sha256 FROM schema_files;

-- name: insert_file
-- One more file was applied, and by which version of its source.
INSERT INTO schema_files (source, name, sha256, version)
VALUES (%(source)s, %(name)s, %(sha256)s, %(version)s);

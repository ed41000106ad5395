-- name: put_database
-- Binds a name to a sealed connection string, or gives it a new one.
INSERT INTO databases (name, sealed, key_id) VALUES (%(name)s, %(sealed)s, %(key_id)s)
ON CONFLICT (name) DO UPDATE SET sealed = EXCLUDED.sealed, key_id = EXCLUDED.key_id;

-- name: put_database_repository
-- One more repository whose orders may name the target.
INSERT INTO database_repositories (database, repository_id, full_name)
VALUES (%(database)s, %(repository_id)s, %(full_name)s)
ON CONFLICT (database, repository_id) DO UPDATE SET full_name = EXCLUDED.full_name;

-- name: read_database
-- A target's sealed connection string.
SELECT name, sealed, key_id FROM databases WHERE name = %(name)s;

-- name: all_databases
-- Every target, by name, with its repositories.
SELECT name, key_id,
    array(SELECT repository_id FROM database_repositories WHERE database = name ORDER BY repository_id)
        AS repository_ids,
    array(SELECT full_name FROM database_repositories WHERE database = name ORDER BY repository_id)
        AS full_names
FROM databases ORDER BY name;

-- name: databases_of
-- The names of the targets that a repository's orders may name.
SELECT database AS name FROM database_repositories WHERE repository_id = %(repository_id)s ORDER BY database;

-- name: delete_database
-- Forgets a target and its connection string.
DELETE FROM databases WHERE name = %(name)s RETURNING name;

-- name: lock_databases
-- Every sealed connection string, for rotation.
SELECT name, sealed, key_id FROM databases ORDER BY name FOR UPDATE;

-- name: put_secret
-- Stores a sealed secret, or a new one in its place.
INSERT INTO secrets (name, sealed, key_id) VALUES (%(name)s, %(sealed)s, %(key_id)s)
ON CONFLICT (name) DO UPDATE SET sealed = EXCLUDED.sealed, key_id = EXCLUDED.key_id, stored_at = now();

-- name: read_secret
-- A sealed secret.
SELECT name, sealed, key_id FROM secrets WHERE name = %(name)s;

-- name: lock_secrets
-- Every sealed secret, for rotation.
SELECT name, sealed, key_id FROM secrets ORDER BY name FOR UPDATE;

-- name: put_secret_once
-- Stores a sealed secret unless there is one of this name.
INSERT INTO secrets (name, sealed, key_id) VALUES (%(name)s, %(sealed)s, %(key_id)s)
ON CONFLICT (name) DO NOTHING;

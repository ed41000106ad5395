-- name: install
-- Our schema in a target. Idempotent; each table has a primary key, so that a publication
-- FOR ALL TABLES can carry it.
CREATE SCHEMA IF NOT EXISTS lockkeeper;
CREATE TABLE IF NOT EXISTS lockkeeper.lease (
    only_one   boolean PRIMARY KEY DEFAULT true CHECK (only_one), -- one migration per target at a time
    token      bigint NOT NULL,          -- grows with every holder: what an older one holds is void
    run        text,                     -- NULL: nobody holds it
    holder     text NOT NULL,
    renewed_at timestamptz NOT NULL
);
INSERT INTO lockkeeper.lease (token, holder, renewed_at) VALUES (0, 'nobody', now()) ON CONFLICT DO NOTHING;
CREATE TABLE IF NOT EXISTS lockkeeper.runs (
    run        text PRIMARY KEY,
    script     text NOT NULL,
    sha256     text NOT NULL,            -- of the script: counts its earlier runs here
    digest     text NOT NULL,
    steps      jsonb NOT NULL,           -- rendered: a later version can finish or undo them
    tables     text[] NOT NULL,          -- what it touches: rollbacks go last in, first out
    state      text NOT NULL CHECK (state IN
        ('executing', 'executed', 'failed', 'rolling_back', 'rolled_back', 'finished', 'purging', 'purged')),
    problem    text NOT NULL DEFAULT '',
    position   bigint GENERATED ALWAYS AS IDENTITY,
    begun_at   timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS lockkeeper.journal (
    run          text NOT NULL REFERENCES lockkeeper.runs,
    direction    text NOT NULL CHECK (direction IN ('forth', 'back', 'purge')),
    step         int NOT NULL,
    action       int NOT NULL,
    is_done      boolean NOT NULL,       -- false: begun, or in the middle of its batches
    cursor       text[],                 -- the next batch's low key
    batches      int NOT NULL DEFAULT 0,
    milliseconds double precision NOT NULL DEFAULT 0,
    lsn          pg_lsn,
    timeline     int,
    at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run, direction, step, action)
);

-- name: earlier_runs
-- How often a script has been run here: part of the next run's name.
SELECT count(*) FROM lockkeeper.runs WHERE sha256 = %(sha256)s;

-- name: add_run
-- A run begins; its steps are stored as they will be sent.
INSERT INTO lockkeeper.runs (run, script, sha256, digest, steps, tables, state)
VALUES (%(run)s, %(script)s, %(sha256)s, %(digest)s, %(steps)s, %(tables)s, 'executing')
ON CONFLICT (run) DO NOTHING;

-- name: get_run
-- One run with all that is needed to finish or undo it.
SELECT run, script, sha256, digest, steps, tables, state, problem FROM lockkeeper.runs WHERE run = %(run)s;

-- name: set_state
-- A run moves on.
UPDATE lockkeeper.runs SET state = %(state)s, problem = %(problem)s, changed_at = now() WHERE run = %(run)s;

-- name: later_runs
-- Runs begun after this one that still stand, on a table that this one touches.
SELECT later.run FROM lockkeeper.runs this JOIN lockkeeper.runs later
    ON later.position > this.position AND later.tables && this.tables
WHERE this.run = %(run)s AND later.state IN ('executing', 'executed', 'failed', 'rolling_back', 'finished')
ORDER BY later.position DESC;

-- name: renamed_since
-- Other names that later runs have given and not taken back, in their order.
SELECT s.step -> 'renamed' FROM lockkeeper.runs this JOIN lockkeeper.runs later ON later.position > this.position
    CROSS JOIN LATERAL jsonb_array_elements(later.steps) WITH ORDINALITY AS s (step, number)
WHERE this.run = %(run)s AND jsonb_typeof(s.step -> 'renamed') = 'object'
    AND EXISTS (SELECT FROM lockkeeper.journal j WHERE j.run = later.run AND j.direction = 'forth'
        AND j.step = s.number - 1 AND j.is_done)
    AND NOT EXISTS (SELECT FROM lockkeeper.journal j WHERE j.run = later.run AND j.direction = 'back'
        AND j.step = s.number - 1 AND j.is_done)
ORDER BY later.position, s.number;

-- name: entries
-- What a run has done so far, in every direction.
SELECT direction, step, action, is_done, cursor, batches, milliseconds
FROM lockkeeper.journal WHERE run = %(run)s ORDER BY at, step, action;

-- name: write
-- An action has begun, has come to a batch's end, or is done. In the action's own transaction.
INSERT INTO lockkeeper.journal
    (run, direction, step, action, is_done, cursor, batches, milliseconds, lsn, timeline)
VALUES (%(run)s, %(direction)s, %(step)s, %(action)s, %(is_done)s, %(cursor)s, %(batches)s, %(milliseconds)s,
    pg_current_wal_insert_lsn(), ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int)
ON CONFLICT (run, direction, step, action) DO UPDATE SET
    is_done = EXCLUDED.is_done, cursor = EXCLUDED.cursor, batches = EXCLUDED.batches,
    milliseconds = EXCLUDED.milliseconds, lsn = EXCLUDED.lsn, timeline = EXCLUDED.timeline, at = now();

-- name: withdraw
-- What was announced has failed and left nothing behind.
DELETE FROM lockkeeper.journal
WHERE run = %(run)s AND direction = %(direction)s AND step = %(step)s AND action = %(action)s AND NOT is_done;

-- name: lock_lease
-- The lease, locked until the transaction ends; waits for a step that is under way elsewhere.
SELECT token, run, holder, extract(epoch FROM clock_timestamp() - renewed_at)::float8 AS seconds
FROM lockkeeper.lease FOR UPDATE;

-- name: take_lease
-- A new holder: its token is higher than any before it.
UPDATE lockkeeper.lease SET token = token + 1, run = %(run)s, holder = %(holder)s, renewed_at = now()
RETURNING token;

-- name: renew_lease
-- The holder is alive.
UPDATE lockkeeper.lease SET renewed_at = now() WHERE token = %(token)s;

-- name: free_lease
-- Nobody holds it.
UPDATE lockkeeper.lease SET run = NULL WHERE token = %(token)s;

-- name: check_token
-- Locks the lease for the transaction and says that its holder is alive; no row where it is another's.
UPDATE lockkeeper.lease SET renewed_at = clock_timestamp() WHERE token = %(token)s RETURNING token;

-- name: try_advisory_lock
-- Asked again and again rather than waited for: a waiting statement has a snapshot, and an index
-- that is being built concurrently under this lock would wait for that.
SELECT pg_catalog.pg_try_advisory_xact_lock(%(key)s);

-- name: end_our_backends
-- Ends what an earlier, dead worker of the same run may still be running.
SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
WHERE application_name = %(name)s AND pid <> pg_catalog.pg_backend_pid()
    AND datname = pg_catalog.current_database();

-- name: our_backends
-- How many sessions of the same run there are beside this one.
SELECT count(*) FROM pg_catalog.pg_stat_activity
WHERE application_name = %(name)s AND pid <> pg_catalog.pg_backend_pid()
    AND datname = pg_catalog.current_database();

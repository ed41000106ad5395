-- Orders, their history, deliveries, and what is remembered.

-- What GitHub sent, stored before it is answered.
CREATE TABLE deliveries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- GitHub's X-GitHub-Delivery. Unique: a redelivery bears the same one, and is handled once.
    guid text NOT NULL UNIQUE CHECK (length(guid) BETWEEN 1 AND 100),
    event text NOT NULL,
    -- The text as received: jsonb refuses \u0000, which GitHub's JSON may hold. Removed after 30 days.
    payload json,
    state text NOT NULL DEFAULT 'received' CHECK (state IN (
        'received',  -- to be handled at due_at
        'handled',
        'failed'     -- given up after too many attempts; the log has the reference
    )),
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT now(),
    received_at timestamptz NOT NULL DEFAULT now(),
    handled_at timestamptz,
    reference text NOT NULL DEFAULT '',
    -- What is over has a time at which it was.
    CHECK ((state = 'received') = (handled_at IS NULL))
);
-- Serves deliveries_due: the sweep for deliveries without a job.
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE state = 'received';
-- Serves forget_payloads and forget_deliveries.
CREATE INDEX deliveries_received_at ON deliveries (received_at);

-- One row for each command that was carried out or refused. The key holds repository, comment and
-- line: a command is obeyed once, through however many hooks and redeliveries its comment comes.
CREATE TABLE handled_tasks (
    key text PRIMARY KEY,
    handled_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    repository_id bigint NOT NULL,
    full_name text NOT NULL,
    installation_id bigint NOT NULL,
    -- NULL until the outbox has opened the issue.
    issue_number integer,
    -- The issue or pull request on which it was asked for; NULL from a terminal.
    asked_on integer,
    definition text NOT NULL,
    definition_text text NOT NULL,
    target text NOT NULL,
    sql text NOT NULL,
    sql_origin text NOT NULL,
    title text NOT NULL,
    state text NOT NULL CHECK (state IN (
        'analysing', 'changes_requested', 'preparing', 'reviewing', 'awaiting_approval', 'approved',
        'executing', 'paused', 'validating', 'soaking', 'failed', 'rolling_back', 'rolled_back',
        'done', 'cancelled'
    )),
    -- Counts every change; perform compares it with the one decided on.
    version integer NOT NULL DEFAULT 1 CHECK (version > 0),
    digest text NOT NULL DEFAULT '',
    -- When the digest was set; there is one exactly where there is a digest.
    reviewed_at timestamptz CHECK ((reviewed_at IS NULL) = (digest = '')),
    run text NOT NULL DEFAULT '',
    opened_at timestamptz NOT NULL,
    -- When the link to the issue was posted where the order was asked for.
    linked_at timestamptz,
    -- When the worker is to look at it unasked; NULL: when asked.
    due_at timestamptz,
    -- Failed tries in a row of the job that works on it.
    attempts integer NOT NULL DEFAULT 0,
    -- An issue is one order's; serves order_by_issue.
    CONSTRAINT orders_issue UNIQUE (repository_id, issue_number)
);
-- Serves orders_asked_on, lock_place and orders_of_repository. Not unique: that a pull request has one
-- open order of a kind is decided by the handler on what it saw, and perform checks that it saw all.
CREATE INDEX orders_asked_on ON orders (repository_id, asked_on);
-- Serves orders_to_link.
CREATE INDEX orders_to_link ON orders (id) WHERE linked_at IS NULL AND asked_on IS NOT NULL;
-- Serves orders_due: the sweep for orders that nobody works on.
CREATE INDEX orders_due ON orders (due_at) WHERE due_at IS NOT NULL;
-- Serves orders_of_target: whose turn it is, and what has soaked on the target before.
CREATE INDEX orders_target ON orders (target, id);

-- Everyone who may not approve. Operators share id 0, so the login is part of the key.
CREATE TABLE order_authors (
    order_id bigint NOT NULL REFERENCES orders,
    person_id bigint NOT NULL,
    login text NOT NULL,
    is_bot boolean NOT NULL,
    position integer GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (order_id, person_id, login)
);

CREATE TABLE approvals (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint NOT NULL REFERENCES orders,
    person_id bigint NOT NULL,
    login text NOT NULL,
    digest text NOT NULL CHECK (digest <> ''),
    accepted text[] NOT NULL DEFAULT '{}',
    approved_at timestamptz NOT NULL,
    voided_at timestamptz,
    void_reason text NOT NULL DEFAULT '',
    -- An operator at a terminal has id 0, and never approves.
    CHECK (person_id > 0)
);
-- A person approves a digest once; serves approvals_of.
CREATE UNIQUE INDEX approvals_once ON approvals (order_id, person_id, digest) WHERE voided_at IS NULL;

CREATE TABLE criteria (
    order_id bigint NOT NULL REFERENCES orders,
    number integer NOT NULL CHECK (number > 0),
    text text NOT NULL,
    holds boolean NOT NULL DEFAULT false,
    evidence text NOT NULL DEFAULT '',
    PRIMARY KEY (order_id, number),
    -- Nothing is ticked without what ticked it.
    CHECK (NOT holds OR evidence <> '')
);

-- The order's history. Each row holds the hash of the one before, and a hash over itself.
CREATE TABLE events (
    order_id bigint NOT NULL REFERENCES orders,
    -- 1, 2, 3 ... within the order, without a gap.
    number integer NOT NULL CHECK (number > 0),
    at timestamptz NOT NULL,
    kind text NOT NULL,
    -- NULL: Lockkeeper itself. 0: an operator at a terminal.
    person_id bigint,
    login text NOT NULL DEFAULT '',
    comment_hash text NOT NULL DEFAULT '',
    digest text NOT NULL DEFAULT '',
    -- The state after it.
    result text NOT NULL,
    -- json, not jsonb: the hash is over the letters.
    detail json NOT NULL,
    previous_hash text NOT NULL,
    hash text NOT NULL,
    PRIMARY KEY (order_id, number),
    -- The first has no predecessor, and no two have the same one.
    UNIQUE (order_id, previous_hash),
    CHECK ((number = 1) = (previous_hash = ''))
);

CREATE FUNCTION events_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are only appended' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER events_stay BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION events_stay();
CREATE TRIGGER events_stay_all BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION events_stay();

-- What a role found in a phase, for later phases; the newest only.
CREATE TABLE reports (
    order_id bigint NOT NULL REFERENCES orders,
    phase integer NOT NULL CHECK (phase > 0),
    name text NOT NULL,
    found jsonb NOT NULL,
    saved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_id, phase, name)
);

-- What orders taught.
CREATE TABLE memory (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint NOT NULL REFERENCES orders,
    target text NOT NULL,
    tables text[] NOT NULL,
    summary text NOT NULL,
    facts jsonb NOT NULL,
    remembered_at timestamptz NOT NULL DEFAULT now()
);
-- Serves remembered: what is known of these tables on this target.
CREATE INDEX memory_tables ON memory USING gin (tables);

-- Targets by name, their connection strings encrypted.
CREATE TABLE databases (
    name text PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    -- Nonce and AES-GCM text; the name is the associated data.
    sealed bytea NOT NULL,
    -- Which key sealed it, for rotation.
    key_id text NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now()
);
-- The repositories whose orders may name the target.
CREATE TABLE database_repositories (
    database text NOT NULL REFERENCES databases ON DELETE CASCADE,
    repository_id bigint NOT NULL,
    full_name text NOT NULL,
    PRIMARY KEY (database, repository_id)
);
-- Serves databases_of: the targets of a repository.
CREATE INDEX database_repositories_repository ON database_repositories (repository_id);

-- Other secrets, such as the App's credentials from its registration.
CREATE TABLE secrets (
    -- With a slash, which no target's name has: neither can be put in the other's place.
    name text PRIMARY KEY CHECK (name LIKE '%/%'),
    sealed bytea NOT NULL,
    key_id text NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now()
);

-- Targets on which nothing new begins.
CREATE TABLE freezes (
    target text PRIMARY KEY,
    login text NOT NULL,
    reason text NOT NULL DEFAULT '',
    frozen_at timestamptz NOT NULL DEFAULT now()
);

-- Fencing tokens: each lease on a target gets a higher one than any before it.
CREATE SEQUENCE fencing_tokens AS bigint;

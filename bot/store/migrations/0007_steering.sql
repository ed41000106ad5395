-- How fast the order's backfills go, in percent of their usual speed.
ALTER TABLE orders ADD COLUMN speed_percent integer NOT NULL DEFAULT 100;
ALTER TABLE orders ADD CONSTRAINT orders_speed CHECK (speed_percent BETWEEN 10 AND 400);

-- Sessions of a target that a supervisor has asked to end. A worker looks whether one blocks the order's run.
CREATE TABLE endings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint NOT NULL REFERENCES orders,
    pid integer NOT NULL CHECK (pid > 0),
    -- Of the comment that says what came of it.
    key text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    answered_at timestamptz
);
-- Serves endings_due: the sweep for those that have lost their job.
CREATE INDEX endings_due ON endings (asked_at) WHERE answered_at IS NULL;

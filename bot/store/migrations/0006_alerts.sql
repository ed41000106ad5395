-- What people are told by other ways than GitHub: one row for each thing, written with the decision that
-- raises it.
CREATE TABLE alerts (
    -- The order in which they were raised.
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- What a receiver knows it by, however often it is sent.
    id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    order_id bigint NOT NULL REFERENCES orders,
    -- What raised it; the same thing raises it once.
    key text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('escalation', 'approval_wanted', 'monitor')),
    -- The order's when it was raised.
    order_state text NOT NULL,
    summary text NOT NULL,
    people text[] NOT NULL,
    raised_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN (
        'waiting',   -- to be sent, once its order's issue is open
        'sent',      -- waiting -> sent; the receiver has it
        'given_up',  -- waiting -> given_up; refused, or tried too often
        'outdated'   -- waiting -> outdated; a day has passed
    )),
    -- Counted before each try, since it may kill the worker.
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (order_id, key)
);
-- Serves begin_alert, alerts_due and the pauses.
CREATE INDEX alerts_waiting ON alerts (due_at) WHERE state = 'waiting';

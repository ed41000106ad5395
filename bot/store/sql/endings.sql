-- name: insert_ending
-- Somebody asks for the end of a session.
INSERT INTO endings (order_id, pid, key) VALUES (%(order_id)s, %(pid)s, %(key)s) RETURNING id;

-- name: read_ending
-- One that was not answered yet, and how long ago it was asked for.
SELECT id, order_id, pid, key, extract(epoch FROM now() - asked_at)::float8 AS seconds
FROM endings WHERE id = %(id)s AND answered_at IS NULL;

-- name: answer_ending
-- What came of it has been said.
UPDATE endings SET answered_at = now() WHERE id = %(id)s AND answered_at IS NULL RETURNING id;

-- name: endings_due
-- Those without an answer and without a job; after an hour nobody waits for one any more.
SELECT id FROM endings
WHERE answered_at IS NULL AND asked_at > now() - interval '1 hour' AND NOT EXISTS (
    SELECT FROM procrastinate_jobs
    WHERE queueing_lock = 'ending:' || endings.id AND status IN ('todo', 'doing')
)
ORDER BY asked_at LIMIT 100;

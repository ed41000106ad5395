-- name: enqueue
-- Puts a job into the queue, as procrastinate does.
SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(
    %(queue)s, %(task)s, %(priority)s, %(lock)s, %(waits_once)s, %(arguments)s::jsonb, NULL
)::procrastinate_job_to_defer_v1]);

-- name: rescue
-- doing -> todo, for jobs of workers without a sign of life. Where the like of a job waits
-- already, the job is over: doing -> failed.
WITH stalled AS (
    SELECT job.id, EXISTS (
        SELECT FROM procrastinate_jobs AS other
        WHERE other.status = 'todo' AND other.queueing_lock = job.queueing_lock
    ) AS waits_already
    FROM procrastinate_jobs AS job LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
    WHERE job.status = 'doing' AND (
        worker.id IS NULL
        OR worker.last_heartbeat < now() - make_interval(secs => %(stalled_after_seconds)s)
    )
    FOR UPDATE OF job SKIP LOCKED
)
UPDATE procrastinate_jobs AS job
SET status = CASE WHEN waits_already THEN 'failed' ELSE 'todo' END::procrastinate_job_status,
    attempts = attempts + 1, worker_id = NULL, abort_requested = false
FROM stalled WHERE job.id = stalled.id
RETURNING job.id;

-- name: try_housekeeping
-- One process at a time rescues and sweeps.
SELECT pg_try_advisory_xact_lock(7810776158964346721) AS is_ours;

-- name: forget_jobs
-- Jobs that ended over a day ago.
DELETE FROM procrastinate_jobs WHERE id IN (
    SELECT job_id FROM procrastinate_events
    WHERE type IN ('succeeded', 'failed', 'cancelled', 'aborted') AND at < now() - interval '1 day'
) AND status IN ('succeeded', 'failed', 'cancelled', 'aborted');

-- name: outbox_due
-- Installations with something to send now and no job that sends it.
SELECT installation_id FROM outbox_writers
WHERE next_at <= now() AND EXISTS (
    SELECT FROM outbox LEFT JOIN orders ON orders.id = outbox.order_id
    WHERE outbox.installation_id = outbox_writers.installation_id AND outbox.state IN ('waiting', 'sending')
        AND (outbox.kind = 'issue' OR coalesce(outbox.number, orders.issue_number) IS NOT NULL)
) AND NOT EXISTS (
    SELECT FROM procrastinate_jobs
    WHERE queueing_lock = 'outbox:' || outbox_writers.installation_id AND status IN ('todo', 'doing')
);

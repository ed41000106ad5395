-- name: insert_delivery
-- Stores a delivery; gives no row where its GUID is known.
INSERT INTO deliveries (guid, event, payload) VALUES (%(guid)s, %(event)s, %(payload)s)
ON CONFLICT (guid) DO NOTHING
RETURNING id;

-- name: known_deliveries
-- Those of the GUIDs that are stored.
SELECT guid FROM deliveries WHERE guid = ANY(%(guids)s);

-- name: begin_delivery
-- One more attempt, counted before it is made, since it may kill the worker; no row if it is over.
UPDATE deliveries SET attempts = attempts + 1 WHERE id = %(id)s AND state = 'received'
RETURNING id, guid, event, payload::text AS payload, attempts, received_at;

-- name: handled_delivery
-- received -> handled
UPDATE deliveries SET state = 'handled', handled_at = now() WHERE id = %(id)s AND state = 'received';

-- name: postponed_delivery
-- received -> received, later. A wait for somebody else takes its attempt back.
UPDATE deliveries
SET attempts = attempts - %(taken_back)s, due_at = now() + make_interval(secs => %(pause_seconds)s),
    reference = %(reference)s
WHERE id = %(id)s AND state = 'received';

-- name: failed_delivery
-- received -> failed
UPDATE deliveries
SET state = 'failed', handled_at = now(), reference = %(reference)s
WHERE id = %(id)s AND state = 'received';

-- name: deliveries_due
-- Deliveries whose time has come and that no job is about to handle.
SELECT id FROM deliveries
WHERE state = 'received' AND due_at <= now() AND NOT EXISTS (
    SELECT FROM procrastinate_jobs
    WHERE queueing_lock = 'delivery:' || deliveries.id AND status IN ('todo', 'doing')
)
ORDER BY due_at LIMIT 100;

-- name: forget_payloads
-- Payloads are kept 30 days.
UPDATE deliveries SET payload = NULL
WHERE payload IS NOT NULL AND state <> 'received' AND received_at < now() - interval '30 days';

-- name: forget_deliveries
-- Delivery ids are kept 90 days.
DELETE FROM deliveries WHERE state <> 'received' AND received_at < now() - interval '90 days';

-- name: insert_handled_task
-- Marks a task as carried out; gives no row where it was before.
INSERT INTO handled_tasks (key) VALUES (%(key)s) ON CONFLICT DO NOTHING RETURNING key;

-- name: is_task_handled
-- Whether a task was carried out.
SELECT EXISTS (SELECT FROM handled_tasks WHERE key = %(key)s) AS found;

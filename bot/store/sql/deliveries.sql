-- insert_delivery --
-- Stores a delivery; gives no row where its GUID is known.
INSERT INTO deliveries (guid, event, payload) VALUES (%(guid)s, %(event)s, %(payload)s)
ON CONFLICT (guid) DO NOTHING
RETURNING id;

-- lock_delivery --
-- The delivery, for us alone until the end of the transaction; no row if another has it or it is over.
SELECT id, guid, event, payload::text AS payload, attempts
FROM deliveries WHERE id = %(id)s AND state = 'received'
FOR UPDATE SKIP LOCKED;

-- handled_delivery --
-- received -> handled
UPDATE deliveries SET state = 'handled', handled_at = now() WHERE id = %(id)s AND state = 'received';

-- postponed_delivery --
-- received -> received, later. A wait for somebody else counts no attempt.
UPDATE deliveries
SET attempts = attempts + %(counts)s, due_at = now() + make_interval(secs => %(pause_seconds)s),
    reference = %(reference)s
WHERE id = %(id)s AND state = 'received';

-- failed_delivery --
-- received -> failed
UPDATE deliveries
SET state = 'failed', attempts = attempts + 1, handled_at = now(), reference = %(reference)s
WHERE id = %(id)s AND state = 'received';

-- deliveries_due --
-- Deliveries whose time has come and that no job is about to handle.
SELECT id FROM deliveries
WHERE state = 'received' AND due_at <= now() AND NOT EXISTS (
    SELECT FROM procrastinate_jobs
    WHERE queueing_lock = 'delivery:' || deliveries.id AND status IN ('todo', 'doing')
)
ORDER BY due_at LIMIT 100;

-- forget_payloads --
-- Payloads are kept 30 days.
UPDATE deliveries SET payload = NULL
WHERE payload IS NOT NULL AND state <> 'received' AND received_at < now() - interval '30 days';

-- forget_deliveries --
-- Delivery ids are kept 90 days.
DELETE FROM deliveries WHERE state <> 'received' AND received_at < now() - interval '90 days';

-- insert_handled_command --
-- Marks a comment's line as obeyed; gives no row where it was before.
INSERT INTO handled_commands (repository_id, comment_id, line)
VALUES (%(repository_id)s, %(comment_id)s, %(line)s)
ON CONFLICT DO NOTHING
RETURNING line;

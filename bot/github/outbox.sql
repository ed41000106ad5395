-- name: post
-- Wants a text for a thing; the same text as is wanted already changes nothing, unless it is forced.
INSERT INTO outbox AS o (
    installation_id, repository_id, full_name, order_id, number, kind, key, part,
    title, body, comment_id, is_urgent, mark
) VALUES (
    %(installation_id)s, %(repository_id)s, %(full_name)s, %(order_id)s, %(number)s, %(kind)s, %(key)s, %(part)s,
    %(title)s, %(body)s, %(comment_id)s, %(is_urgent)s, %(mark)s
)
ON CONFLICT (repository_id, (coalesce(order_id, 0)), (coalesce(number, 0)), kind, key, part) DO UPDATE SET
    installation_id = excluded.installation_id,
    full_name = excluded.full_name,
    title = excluded.title,
    body = excluded.body,
    is_urgent = excluded.is_urgent OR (o.is_urgent AND o.state IN ('waiting', 'sending')),
    wanted = o.wanted + 1,
    sent_hash = CASE WHEN %(is_forced)s THEN '' ELSE o.sent_hash END,
    position = CASE
        WHEN o.state IN ('sent', 'refused')
            -- What an open issue shows comes after what was said before it: nobody may see a state
            -- whose report is still to come.
            OR (o.state = 'waiting' AND (o.kind = 'label' OR (o.kind = 'issue' AND o.remote_id IS NOT NULL)))
        THEN nextval(pg_get_serial_sequence('outbox', 'position'))
        ELSE o.position
    END,
    state = CASE WHEN o.state = 'sending' THEN 'sending' ELSE 'waiting' END,
    reason = ''
WHERE %(is_forced)s OR (o.title, o.body) IS DISTINCT FROM (excluded.title, excluded.body);

-- name: parts_beyond
-- The later parts of a text that has become shorter.
SELECT part FROM outbox
WHERE repository_id = %(repository_id)s AND order_id IS NOT DISTINCT FROM %(order_id)s
    AND number IS NOT DISTINCT FROM %(number)s AND kind = 'comment' AND key = %(key)s AND part >= %(count)s;

-- name: issue_title
-- The title of the order's issue as it is wanted.
SELECT title FROM outbox WHERE order_id = %(order_id)s AND kind = 'issue';

-- name: add_writer
-- An installation has something to write.
INSERT INTO outbox_writers (installation_id) VALUES (%(installation_id)s) ON CONFLICT DO NOTHING;

-- name: take_writer
-- An installation with something to send now, locked until this transaction ends.
SELECT w.installation_id, w.failures FROM outbox_writers w
WHERE w.next_at <= %(now)s AND coalesce(w.installation_id = %(only)s, true) AND EXISTS (
    SELECT FROM outbox o LEFT JOIN orders r ON r.id = o.order_id
    WHERE o.installation_id = w.installation_id AND o.state IN ('waiting', 'sending')
        AND (o.kind = 'issue' OR coalesce(o.number, r.issue_number) IS NOT NULL)
)
ORDER BY w.next_at, w.installation_id LIMIT 1
FOR UPDATE OF w SKIP LOCKED;

-- name: next_message
-- What an installation is to send first. A thing whose order has no issue yet is not ready.
SELECT o.*, coalesce(o.number, r.issue_number) AS place
FROM outbox o LEFT JOIN orders r ON r.id = o.order_id
WHERE o.installation_id = %(installation_id)s AND o.state IN ('waiting', 'sending')
    AND (o.kind = 'issue' OR coalesce(o.number, r.issue_number) IS NOT NULL)
ORDER BY o.is_urgent DESC, o.position LIMIT 1;

-- name: begin
-- The request goes out next; committed before it does.
UPDATE outbox SET state = 'sending', sending = %(wanted)s, sending_hash = %(hash)s, sending_at = %(now)s
WHERE id = %(id)s;

-- name: end_sent
-- GitHub shows what was sent; a text that has come since is sent next.
UPDATE outbox SET
    state = CASE WHEN wanted = sending THEN 'sent' ELSE 'waiting' END,
    remote_id = coalesce(%(remote_id)s, remote_id),
    sent_hash = sending_hash,
    sending = NULL, sending_at = NULL, reason = ''
WHERE id = %(id)s AND state = 'sending';

-- name: end_refused
-- GitHub will not have it; a text that has come since is tried all the same.
UPDATE outbox SET
    state = CASE WHEN wanted = sending THEN 'refused' ELSE 'waiting' END,
    reason = %(reason)s, sending = NULL, sending_at = NULL
WHERE id = %(id)s AND state = 'sending';

-- name: end_again
-- It was not performed, and is to be sent again.
UPDATE outbox SET state = 'waiting', sending = NULL, sending_at = NULL WHERE id = %(id)s AND state = 'sending';

-- name: end_gone
-- The comment was deleted on GitHub; it is written anew, under a new mark.
UPDATE outbox SET
    state = 'waiting', remote_id = NULL, sent_hash = '', mark = %(mark)s, sending = NULL, sending_at = NULL
WHERE id = %(id)s AND state = 'sending';

-- name: pause_writer
-- Nothing more is sent through the installation before.
UPDATE outbox_writers SET next_at = %(next_at)s, failures = %(failures)s
WHERE installation_id = %(installation_id)s;

-- name: add_write
-- Counts one write.
INSERT INTO outbox_writes (installation_id, written_at) VALUES (%(installation_id)s, %(now)s);

-- name: forget_writes
-- Those that no limit looks at any more.
DELETE FROM outbox_writes WHERE installation_id = %(installation_id)s AND written_at <= %(before)s;

-- name: count_writes
-- How many there were since, and when the first of the newest `limit` was.
SELECT count(*) AS writes, min(written_at) AS first_at FROM (
    SELECT written_at FROM outbox_writes
    WHERE installation_id = %(installation_id)s AND written_at > %(since)s
    ORDER BY written_at DESC LIMIT %(limit)s
) newest;

-- name: next_due
-- When there will be something to send, as far as is known now.
SELECT min(w.next_at) AS next_at FROM outbox_writers w
WHERE coalesce(w.installation_id = %(only)s, true) AND EXISTS (
    SELECT FROM outbox o LEFT JOIN orders r ON r.id = o.order_id
    WHERE o.installation_id = w.installation_id AND o.state IN ('waiting', 'sending')
        AND (o.kind = 'issue' OR coalesce(o.number, r.issue_number) IS NOT NULL)
);

-- name: set_aside
-- What GitHub refused for good, newest first.
SELECT full_name, order_id, number, kind, key, reason FROM outbox
WHERE state = 'refused' ORDER BY position DESC LIMIT %(limit)s;

-- name: insert_order
-- Opens an order.
INSERT INTO orders (
    repository_id, full_name, installation_id, asked_on, definition, definition_text, target,
    sql, sql_origin, title, state, opened_at, pull_request, head, sql_files, changed_files
) VALUES (
    %(repository_id)s, %(full_name)s, %(installation_id)s, %(asked_on)s, %(definition)s, %(definition_text)s,
    %(target)s, %(sql)s, %(sql_origin)s, %(title)s, %(state)s, %(opened_at)s,
    %(pull_request)s, %(head)s, %(sql_files)s, %(changed_files)s
) RETURNING id;

-- name: read_order
-- One order with its authors, approvals that count and criteria.
SELECT orders.*,
    (SELECT json_agg(json_build_object('id', person_id, 'login', login, 'is_bot', is_bot) ORDER BY position)
     FROM order_authors WHERE order_id = orders.id) AS authors,
    (SELECT json_agg(json_build_object('id', person_id, 'login', login, 'digest', digest,
                                       'accepted', accepted, 'approved_at', approved_at) ORDER BY id)
     FROM approvals WHERE order_id = orders.id AND voided_at IS NULL) AS approvals,
    (SELECT json_agg(json_build_object('number', number, 'text', text, 'holds', holds, 'fails', fails,
                                       'evidence', evidence) ORDER BY number)
     FROM criteria WHERE order_id = orders.id) AS criteria,
    -- What a newer execution drops is kept again, and a newer approval waits for its own command.
    (SELECT kind FROM events WHERE order_id = orders.id AND kind IN ('purge', 'purged', 'turn_came')
     ORDER BY number DESC LIMIT 1) AS quarantine,
    (SELECT kind FROM events WHERE order_id = orders.id AND kind IN ('commanded', 'approved')
     ORDER BY number DESC LIMIT 1) AS command,
    (SELECT json_agg(found ORDER BY phase) FROM reports WHERE order_id = orders.id AND name = 'people')
        AS phase_reports
FROM orders WHERE id = ANY(%(ids)s) ORDER BY id;

-- name: lock_order
-- The version of an order, which nobody else can change until the end of the transaction.
SELECT version FROM orders WHERE id = %(id)s FOR UPDATE;

-- name: order_by_issue
-- The order whose issue this is.
SELECT id FROM orders WHERE repository_id = %(repository_id)s AND issue_number = %(number)s;

-- name: orders_numbered
-- The orders whose issue has this number, in whichever repository.
SELECT id FROM orders WHERE issue_number = %(number)s ORDER BY id;

-- name: orders_asked_on
-- The orders that were asked for on an issue or pull request, oldest first.
SELECT id FROM orders WHERE repository_id = %(repository_id)s AND asked_on = %(number)s ORDER BY id;

-- name: lock_place
-- Nobody else opens an order on this issue or pull request until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('place:' || %(repository_id)s || ':' || %(number)s, 0));

-- name: newest_asked_on
-- The newest order that was asked for there; 0 where none was.
SELECT coalesce(max(id), 0) AS id FROM orders
WHERE repository_id = %(repository_id)s AND asked_on = %(number)s;

-- name: orders_of_target
-- All orders on a target, oldest first.
SELECT id FROM orders WHERE target = %(target)s ORDER BY id;

-- name: orders_of_repository
-- All orders of a repository, oldest first.
SELECT id FROM orders WHERE repository_id = %(repository_id)s ORDER BY id;

-- name: all_orders
-- The newest orders first.
SELECT id FROM orders ORDER BY id DESC LIMIT %(limit)s;

-- name: advance_version
-- One more change of the order; whoever decided on the version before must decide again.
UPDATE orders SET version = version + 1 WHERE id = %(id)s RETURNING version;

-- name: set_state
-- Moved.
UPDATE orders SET state = %(state)s WHERE id = %(id)s;

-- name: set_script
-- The script is replaced, and no review speaks of it yet.
UPDATE orders SET sql = %(sql)s, sql_origin = %(sql_origin)s, head = %(head)s, sql_files = %(sql_files)s,
    changed_files = %(changed_files)s, digest = '', reviewed_at = NULL
WHERE id = %(id)s;

-- name: set_reading
-- The same script was found again at another commit.
UPDATE orders SET sql_origin = %(sql_origin)s, head = %(head)s, sql_files = %(sql_files)s,
    changed_files = %(changed_files)s
WHERE id = %(id)s;

-- name: orders_of_pull_request
-- All orders of a pull request, oldest first.
SELECT id FROM orders WHERE repository_id = %(repository_id)s AND pull_request = %(number)s ORDER BY id;

-- name: orders_with_script
-- All orders that bring the same script to a target, oldest first.
SELECT id FROM orders WHERE target = %(target)s AND repository_id = %(repository_id)s AND sql = %(sql)s
ORDER BY id;

-- name: set_digest
-- The newest review's digest.
UPDATE orders SET digest = %(digest)s, reviewed_at = CASE WHEN %(digest)s <> '' THEN %(at)s::timestamptz END
WHERE id = %(id)s;

-- name: set_run
-- The run in the target that carries the order out.
UPDATE orders SET run = %(run)s WHERE id = %(id)s;

-- name: set_speed
-- In percent of the usual speed of a backfill.
UPDATE orders SET speed_percent = %(percent)s WHERE id = %(id)s;

-- name: steered
-- What a run asks at each checkpoint.
SELECT state, speed_percent FROM orders WHERE id = %(id)s;

-- name: set_issue
-- The issue has been opened; no decision depends on that. A second number is refused by giving no row.
UPDATE orders SET issue_number = %(number)s
WHERE id = %(id)s AND (issue_number IS NULL OR issue_number = %(number)s)
RETURNING id;

-- name: insert_author
-- One more person who may not approve.
INSERT INTO order_authors (order_id, person_id, login, is_bot)
VALUES (%(order_id)s, %(person_id)s, %(login)s, %(is_bot)s) ON CONFLICT DO NOTHING;

-- name: insert_approval
-- One more approval; gives no row where the person has approved this digest already.
INSERT INTO approvals (order_id, person_id, login, digest, accepted, approved_at)
VALUES (%(order_id)s, %(person_id)s, %(login)s, %(digest)s, %(accepted)s, %(approved_at)s)
ON CONFLICT (order_id, person_id, digest) WHERE voided_at IS NULL
DO UPDATE SET accepted = EXCLUDED.accepted, approved_at = EXCLUDED.approved_at
RETURNING id;

-- name: void_approvals
-- Those so far count no longer.
UPDATE approvals SET voided_at = %(at)s, void_reason = %(reason)s
WHERE order_id = %(order_id)s AND voided_at IS NULL;

-- name: delete_criteria
-- Makes room for the criteria as they stand now.
DELETE FROM criteria WHERE order_id = %(order_id)s;

-- name: insert_criterion
-- A criterion as it stands now.
INSERT INTO criteria (order_id, number, text, holds, fails, evidence)
VALUES (%(order_id)s, %(number)s, %(text)s, %(holds)s, %(fails)s, %(evidence)s);

-- name: look_again
-- When the worker is to look at the order unasked; NULL: when asked.
UPDATE orders SET due_at = %(at)s WHERE id = %(id)s;

-- name: due_now
-- Work was asked for; lasts until it was done, whatever becomes of its job.
UPDATE orders SET due_at = now() WHERE id = %(id)s;

-- name: call_line
-- Whoever waits for their turn on the target looks again, now that one has left it.
UPDATE orders SET due_at = now() WHERE target = %(target)s AND state = 'approved';

-- name: begin_work
-- One more attempt, counted before it is made, since it may kill the worker.
UPDATE orders SET attempts = attempts + 1, due_at = now() WHERE id = %(id)s RETURNING attempts;

-- name: order_worked
-- The job that works on the order has ended well, or waits: the next failure is the first again. It is
-- looked at after the pause, never if that is NULL, unless a time to come was set meanwhile.
UPDATE orders SET attempts = 0, due_at = CASE
    WHEN due_at > now() THEN due_at ELSE now() + make_interval(secs => %(pause_seconds)s)
END
WHERE id = %(id)s;

-- name: orders_due
-- Orders whose time has come and that no job is about to work on.
SELECT id, target FROM orders
WHERE due_at <= now() AND NOT EXISTS (
    SELECT FROM procrastinate_jobs
    WHERE queueing_lock = 'order:' || orders.id AND status IN ('todo', 'doing')
)
ORDER BY due_at LIMIT 100;

-- name: has_order_job
-- Whether a job about the order waits or runs.
SELECT EXISTS (
    SELECT FROM procrastinate_jobs
    WHERE queueing_lock = 'order:' || %(id)s::bigint AND status IN ('todo', 'doing')
) AS found;

-- name: put_report
-- What a role found in a phase, instead of what it found before.
INSERT INTO reports (order_id, phase, name, found) VALUES (%(order_id)s, %(phase)s, %(name)s, %(found)s)
ON CONFLICT (order_id, phase, name) DO UPDATE SET found = EXCLUDED.found, saved_at = now();

-- name: forget_later_phases
-- A phase that is reported again makes those after it open.
DELETE FROM reports WHERE order_id = %(order_id)s AND phase > %(phase)s AND name = 'people';

-- name: get_report
-- What a role found in a phase.
SELECT found FROM reports WHERE order_id = %(order_id)s AND phase = %(phase)s AND name = %(name)s;

-- name: insert_memory
-- What an order taught.
INSERT INTO memory (order_id, target, tables, summary, facts)
VALUES (%(order_id)s, %(target)s, %(tables)s, %(summary)s, %(facts)s);

-- name: remembered
-- What earlier orders taught about any of these tables on this target, newest first.
SELECT order_id, target, tables, summary, facts, remembered_at FROM memory
WHERE tables && %(tables)s::text[] AND target = %(target)s ORDER BY id DESC LIMIT 20;

-- name: next_fencing_token
-- A number higher than any given before.
SELECT nextval('fencing_tokens') AS token;

-- name: freeze
-- Nothing new begins on the target.
INSERT INTO freezes (target, login, reason) VALUES (%(target)s, %(login)s, %(reason)s)
ON CONFLICT (target) DO NOTHING;

-- name: unfreeze
-- It may begin again.
DELETE FROM freezes WHERE target = %(target)s RETURNING target;

-- name: read_freeze
-- Who froze the target, and since when.
SELECT target, login, reason, frozen_at FROM freezes WHERE target = %(target)s;

-- name: orders_to_link
-- Orders whose issue is open, and that were asked for elsewhere, where nobody was told yet.
UPDATE orders SET linked_at = now()
WHERE linked_at IS NULL AND asked_on IS NOT NULL AND issue_number IS NOT NULL
RETURNING id, asked_on;

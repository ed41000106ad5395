-- name: insert_alert
-- Raises an alert; gives no row where the same thing has raised one already.
INSERT INTO alerts (order_id, key, kind, order_state, summary, people, raised_at)
VALUES (%(order_id)s, %(key)s, %(kind)s, %(order_state)s, %(summary)s, %(people)s, %(raised_at)s)
ON CONFLICT (order_id, key) DO NOTHING
RETURNING id;

-- name: begin_alert
-- The next alert whose time has come, with one more attempt counted. The least tried goes first, so that one
-- which is never taken holds up none of the others.
UPDATE alerts SET attempts = alerts.attempts + 1 FROM orders
WHERE orders.id = alerts.order_id AND alerts.number = (
    SELECT waiting.number FROM alerts AS waiting JOIN orders ON orders.id = waiting.order_id
    WHERE waiting.state = 'waiting' AND waiting.due_at <= now() AND orders.issue_number IS NOT NULL
        AND waiting.raised_at > now() - interval '1 day'
    ORDER BY waiting.attempts, waiting.number LIMIT 1 FOR UPDATE OF waiting SKIP LOCKED
)
RETURNING alerts.number, alerts.id, alerts.kind, alerts.order_state, alerts.summary, alerts.people,
    alerts.raised_at, alerts.attempts, orders.full_name, orders.issue_number, orders.target, orders.title;

-- name: end_alert
-- waiting -> sent or given_up
UPDATE alerts SET state = %(state)s WHERE number = %(number)s AND state = 'waiting';

-- name: pause_alerts
-- waiting -> waiting, later: the receiver does not take anything now, so all of them wait.
UPDATE alerts SET due_at = greatest(due_at, now() + make_interval(secs => %(pause_seconds)s))
WHERE state = 'waiting';

-- name: alerts_due
-- Whether there is something to send now and no job that sends it.
SELECT EXISTS (
    SELECT FROM alerts JOIN orders ON orders.id = alerts.order_id
    WHERE alerts.state = 'waiting' AND alerts.due_at <= now() AND orders.issue_number IS NOT NULL
        AND alerts.raised_at > now() - interval '1 day'
) AND NOT EXISTS (
    SELECT FROM procrastinate_jobs WHERE queueing_lock = 'alerts' AND status IN ('todo', 'doing')
) AS are_due;

-- name: outdate_alerts
-- waiting -> outdated, after a day.
UPDATE alerts SET state = 'outdated' WHERE state = 'waiting' AND raised_at <= now() - interval '1 day';

-- name: forget_alerts
-- Alerts are kept 30 days.
DELETE FROM alerts WHERE raised_at < now() - interval '30 days';

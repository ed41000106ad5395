-- name: last_event
-- The end of an order's chain. The order's row is locked by the caller, so nobody else appends.
SELECT number, hash FROM events WHERE order_id = %(order_id)s ORDER BY number DESC LIMIT 1;

-- name: insert_event
-- Appends to the chain.
INSERT INTO events (
    order_id, number, at, kind, person_id, login, comment_hash, digest, result, detail, previous_hash, hash
) VALUES (
    %(order_id)s, %(number)s, %(at)s, %(kind)s, %(person_id)s, %(login)s, %(comment_hash)s, %(digest)s,
    %(result)s, %(detail)s, %(previous_hash)s, %(hash)s
);

-- name: events_of
-- An order's history, oldest first.
SELECT order_id, number, at, kind, person_id, login, comment_hash, digest, result,
    detail::text AS detail, previous_hash, hash
FROM events WHERE order_id = %(order_id)s ORDER BY number;

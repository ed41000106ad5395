-- A check run of a commit is one more kind of thing in the outbox.
ALTER TABLE outbox DROP CONSTRAINT outbox_kind_check;
ALTER TABLE outbox ADD CONSTRAINT outbox_kind_check
    CHECK (kind IN ('issue', 'comment', 'state', 'label', 'reaction', 'check'));

-- The pull request to which an order belongs; NULL for none.
ALTER TABLE orders ADD COLUMN pull_request integer;
-- Where in the pull request the script was read: the commit, the files that the script is made of
-- ({"path", "first_line"} each), and the migrations that were changed beside them.
ALTER TABLE orders ADD COLUMN head text NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN sql_files jsonb NOT NULL DEFAULT '[]';
ALTER TABLE orders ADD COLUMN changed_files jsonb NOT NULL DEFAULT '[]';
-- No file without the commit at which it was read.
ALTER TABLE orders ADD CONSTRAINT orders_files_have_a_head
    CHECK (head <> '' OR (sql_files = '[]' AND changed_files = '[]'));
-- Serves orders_of_pull_request.
CREATE INDEX orders_pull_request ON orders (repository_id, pull_request) WHERE pull_request IS NOT NULL;

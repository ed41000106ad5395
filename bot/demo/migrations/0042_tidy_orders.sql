-- The old checkout is gone, and with it the last reader of legacy_reference.
ALTER TABLE orders DROP COLUMN legacy_reference;

-- What the code has always taken for granted.
ALTER TABLE orders ALTER COLUMN placed_at SET NOT NULL;
ALTER TABLE orders ADD CONSTRAINT orders_total_not_negative CHECK (total_cents >= 0);

-- "Orders of the last minutes" reads the whole table today.
CREATE INDEX orders_placed_at_idx ON orders (placed_at);

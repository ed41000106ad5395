ALTER TABLE customers ADD COLUMN tier text DEFAULT 'standard';
UPDATE customers SET tier = 'gold' WHERE lifetime_cents >= 300000;
ALTER TABLE customers ALTER COLUMN tier SET NOT NULL;

"""The database that the commands' tests migrate."""

SCHEMA = """
CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, email text, points int);
INSERT INTO customers SELECT g, 'name ' || g, 'mail' || g, g FROM generate_series(1, 300) g;
CREATE TABLE visits (id int PRIMARY KEY, customer_id int REFERENCES customers);
INSERT INTO visits SELECT g, g FROM generate_series(1, 20) g;
"""

KEYS = {"run", "state", "digest", "statements", "steps", "proofs", "problems", "notes"}

#: Succeeds on every sample, and fails on the target: a sample has at most 200 of its rows.
FAILS_ON_THE_TARGET = (
    "ALTER TABLE customers ADD COLUMN half int;\nUPDATE customers SET half = 1 / (points - 290);"
)

#: Changes when anybody changes any row.
ROWS = "SELECT md5(string_agg(c::text, ',' ORDER BY c.id)) FROM customers c"

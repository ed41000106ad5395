-- A criterion that a check has measured and found wanting: nobody can confirm it.
ALTER TABLE criteria ADD COLUMN fails boolean NOT NULL DEFAULT false;
ALTER TABLE criteria ADD CONSTRAINT criteria_hold_or_fail CHECK (NOT (holds AND fails));

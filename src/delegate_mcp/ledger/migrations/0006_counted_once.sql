-- A call is learned from once, and a call of an experiment may be answered by others than the models of its arm.

ALTER TABLE calls ADD COLUMN learned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN beyond_arm INTEGER NOT NULL DEFAULT 0;

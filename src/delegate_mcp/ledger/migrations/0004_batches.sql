-- Batches: whose each is and how far it is. What was asked and answered stands in private files beside this one.

CREATE TABLE batches (
    batch_id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('running', 'done', 'cancelled')),
    created_at REAL NOT NULL,
    ended_at REAL,
    total INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    owner TEXT NOT NULL,
    lease_until REAL NOT NULL,
    expected_at REAL,
    waits_until REAL
) WITHOUT ROWID;

-- Batches: whose each is and how far it is. What was asked and answered stands in private files of its machine.

CREATE TABLE delegate_mcp.batches (
    batch_id text COLLATE "C" PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('running', 'done', 'cancelled')),
    created_at float8 NOT NULL,
    ended_at float8,
    total bigint NOT NULL,
    answered bigint NOT NULL,
    failed bigint NOT NULL,
    owner text NOT NULL,
    lease_until float8 NOT NULL,
    expected_at float8,
    waits_until float8
);

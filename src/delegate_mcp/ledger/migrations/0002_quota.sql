-- Exact windows, cooldowns that grow, breakers, keys refused, models gone, and the line of calls that wait.

-- When and with how many tokens the service counted an attempt; NULL: under way, or not counted.
ALTER TABLE attempts ADD COLUMN counted_at REAL;
ALTER TABLE attempts ADD COLUMN counted_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempts ADD COLUMN reserved_nano_usd INTEGER NOT NULL DEFAULT 0;
UPDATE attempts SET
    counted_at = started_at + coalesce(first_token_ms, latency_ms) / 1000, counted_tokens = input_tokens + output_tokens
WHERE outcome <> 'running';

DROP INDEX attempts_by_start;
DROP INDEX attempts_under_way;

-- Each of these holds all that its question needs. The first serves the sliding minute.
CREATE INDEX attempts_counted ON attempts (provider, model, counted_at, counted_tokens) WHERE counted_at IS NOT NULL;
CREATE INDEX attempts_under_way ON attempts (provider, model, lease_until, started_at, reserved_tokens)
WHERE outcome = 'running';
CREATE INDEX attempts_paid_under_way ON attempts (lease_until, reserved_nano_usd)
WHERE outcome = 'running' AND tier = 'paid';
CREATE INDEX attempts_paid ON attempts (ended_at, cost_nano_usd) WHERE ended_at IS NOT NULL AND tier = 'paid';
CREATE INDEX attempts_answered ON attempts (
    provider, model, ended_at, first_token_ms, reserved_tokens, counted_tokens
) WHERE outcome = 'ok';

-- A limit or a cooldown of a whole account stands under the model '*'.
ALTER TABLE limits ADD COLUMN elsewhere INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cooldowns ADD COLUMN strikes INTEGER NOT NULL DEFAULT 1;

CREATE TABLE breakers (
    provider TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    until REAL,
    probe TEXT,
    probe_until REAL NOT NULL
) WITHOUT ROWID;

-- The mark tells one key from another without being it.
CREATE TABLE provider_off (
    provider TEXT PRIMARY KEY,
    key_mark TEXT NOT NULL,
    since REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE tombstones (
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    since REAL NOT NULL,
    PRIMARY KEY (provider, model)
) WITHOUT ROWID;

CREATE TABLE waiters (
    ticket_id TEXT PRIMARY KEY,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    since REAL NOT NULL,
    lease_until REAL NOT NULL
) WITHOUT ROWID;

CREATE INDEX waiters_in_line ON waiters (provider, model, since, ticket_id, lease_until);

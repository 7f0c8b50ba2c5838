-- Calls, attempts, what services told of their limits, and the use of models by the hour.
-- Times are Unix seconds; money is whole nano-dollars (1 USD = 1,000,000,000). No prompt, file or answer is kept.

PRAGMA application_id = 1684825971;  -- "dlgs": tells our file from another program's

CREATE TABLE calls (
    seq INTEGER PRIMARY KEY,
    call_id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('running', 'ok', 'failed', 'cancelled')),
    started_at REAL NOT NULL,
    ended_at REAL,
    tool TEXT NOT NULL,
    task_type TEXT NOT NULL,
    complexity TEXT NOT NULL,
    rule TEXT NOT NULL,
    reason TEXT NOT NULL,
    private INTEGER NOT NULL,
    connection TEXT NOT NULL,
    conversation TEXT,
    parent TEXT,
    pid INTEGER NOT NULL,
    brief_tokens INTEGER NOT NULL,
    provider TEXT,
    model TEXT,
    tier TEXT,
    input_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    cache_read_tokens INTEGER NOT NULL DEFAULT 0,
    usage_estimated INTEGER NOT NULL DEFAULT 0,
    cost_nano_usd INTEGER NOT NULL DEFAULT 0,
    saved_nano_usd INTEGER NOT NULL DEFAULT 0,
    director_input_tokens INTEGER NOT NULL DEFAULT 0,
    director_output_tokens INTEGER NOT NULL DEFAULT 0,
    error TEXT
);

CREATE INDEX calls_by_start ON calls (started_at);
CREATE INDEX calls_by_connection ON calls (connection, started_at);

CREATE TABLE attempts (
    seq INTEGER PRIMARY KEY,
    call_id TEXT NOT NULL REFERENCES calls (call_id),
    number INTEGER NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    tier TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('running', 'ok', 'failed', 'cancelled')),
    started_at REAL NOT NULL,
    ended_at REAL,
    reserved_tokens INTEGER NOT NULL,
    lease_until REAL NOT NULL,
    error_kind TEXT,
    status INTEGER,
    message TEXT,
    latency_ms REAL NOT NULL DEFAULT 0,
    first_token_ms REAL,
    input_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    cache_read_tokens INTEGER NOT NULL DEFAULT 0,
    usage_estimated INTEGER NOT NULL DEFAULT 0,
    cost_nano_usd INTEGER NOT NULL DEFAULT 0,
    retry_after_s REAL,
    UNIQUE (call_id, number)
);

-- The sliding minute is read from this index alone.
CREATE INDEX attempts_by_start ON attempts (started_at, outcome, provider, model, input_tokens, output_tokens);
-- Reservations: holds only what is under way.
CREATE INDEX attempts_under_way ON attempts (lease_until) WHERE outcome = 'running';

-- Ended attempts by the hour in which they began, so that a day is a sum over few rows however busy it was.
CREATE TABLE use_by_hour (
    hour INTEGER NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    requests INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    PRIMARY KEY (hour, provider, model)
) WITHOUT ROWID;

CREATE TABLE limits (
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    metric TEXT NOT NULL,
    period TEXT NOT NULL,
    "limit" INTEGER NOT NULL,
    remaining INTEGER,
    reset_s REAL,
    source TEXT NOT NULL,
    seen_at REAL NOT NULL,
    PRIMARY KEY (provider, model, metric, period)
) WITHOUT ROWID;

CREATE TABLE cooldowns (
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    until REAL NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (provider, model)
) WITHOUT ROWID;

-- Calls, attempts, what services told of their limits, what is held against them, and the line of calls that wait.
-- Times are Unix seconds; money is whole nano-dollars (1 USD = 1,000,000,000). No prompt, file or answer is kept.
-- Names sort by their bytes ("C"), as everywhere else in the program.

CREATE TABLE delegate_mcp.calls (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    call_id text COLLATE "C" NOT NULL UNIQUE,
    state text NOT NULL CHECK (state IN ('running', 'ok', 'failed', 'cancelled')),
    started_at float8 NOT NULL,
    ended_at float8,
    tool text NOT NULL,
    task_type text NOT NULL,
    complexity text NOT NULL,
    rule text NOT NULL,
    reason text NOT NULL,
    private boolean NOT NULL,
    connection text NOT NULL,
    conversation text,
    parent text,
    machine text NOT NULL,  -- a process id says something only on its own machine
    pid bigint NOT NULL,
    brief_tokens bigint NOT NULL,
    provider text,
    model text,
    tier text,
    input_tokens bigint NOT NULL DEFAULT 0,
    output_tokens bigint NOT NULL DEFAULT 0,
    cache_read_tokens bigint NOT NULL DEFAULT 0,
    usage_estimated boolean NOT NULL DEFAULT false,
    cost_nano_usd bigint NOT NULL DEFAULT 0,
    saved_nano_usd bigint NOT NULL DEFAULT 0,
    director_input_tokens bigint NOT NULL DEFAULT 0,
    director_output_tokens bigint NOT NULL DEFAULT 0,
    error text
);

CREATE INDEX calls_by_start ON delegate_mcp.calls (started_at, seq);
CREATE INDEX calls_by_connection ON delegate_mcp.calls (connection, started_at);

CREATE TABLE delegate_mcp.attempts (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    call_id text COLLATE "C" NOT NULL REFERENCES delegate_mcp.calls (call_id),
    number bigint NOT NULL,
    provider text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    tier text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('running', 'ok', 'failed', 'cancelled')),
    started_at float8 NOT NULL,
    ended_at float8,
    reserved_tokens bigint NOT NULL,
    reserved_nano_usd bigint NOT NULL,
    lease_until float8 NOT NULL,
    counted_at float8,  -- by when the service certainly had it; NULL: under way, or released
    counted_tokens bigint NOT NULL DEFAULT 0,
    error_kind text,
    status bigint,
    message text,
    latency_ms float8 NOT NULL DEFAULT 0,
    first_token_ms float8,
    input_tokens bigint NOT NULL DEFAULT 0,
    output_tokens bigint NOT NULL DEFAULT 0,
    cache_read_tokens bigint NOT NULL DEFAULT 0,
    usage_estimated boolean NOT NULL DEFAULT false,
    cost_nano_usd bigint NOT NULL DEFAULT 0,
    retry_after_s float8,
    UNIQUE (call_id, number)
);

-- The sliding minute is read from this index alone.
CREATE INDEX attempts_counted ON delegate_mcp.attempts (provider, counted_at) INCLUDE (model, counted_tokens)
    WHERE counted_at IS NOT NULL;
CREATE INDEX attempts_by_count ON delegate_mcp.attempts (counted_at) WHERE counted_at IS NOT NULL;
-- Reservations: holds only what is under way.
CREATE INDEX attempts_under_way ON delegate_mcp.attempts (lease_until) WHERE outcome = 'running';
CREATE INDEX attempts_paid ON delegate_mcp.attempts (ended_at) INCLUDE (cost_nano_usd) WHERE tier = 'paid';
CREATE INDEX attempts_answered ON delegate_mcp.attempts (provider, model, ended_at, seq)
    INCLUDE (first_token_ms, reserved_tokens, counted_tokens) WHERE outcome = 'ok';

-- Counted attempts by the hour, so that a day is a sum over few rows however busy it was.
CREATE TABLE delegate_mcp.use_by_hour (
    hour bigint NOT NULL,
    provider text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    requests bigint NOT NULL,
    tokens bigint NOT NULL,
    PRIMARY KEY (hour, provider, model)
);

-- The model '*' stands for all models of the provider, here and in cooldowns.
CREATE TABLE delegate_mcp.limits (
    provider text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    metric text COLLATE "C" NOT NULL,
    period text COLLATE "C" NOT NULL,
    "limit" bigint NOT NULL,
    remaining bigint,
    reset_s float8,
    source text NOT NULL,
    seen_at float8 NOT NULL,
    elsewhere bigint NOT NULL,  -- what the service had counted beyond our own count: somebody else's use of the key
    PRIMARY KEY (provider, model, metric, period)
);

CREATE TABLE delegate_mcp.cooldowns (
    provider text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    until float8 NOT NULL,
    why text NOT NULL,
    strikes bigint NOT NULL,
    PRIMARY KEY (provider, model)
);

CREATE TABLE delegate_mcp.breakers (
    provider text COLLATE "C" PRIMARY KEY,
    failures bigint NOT NULL,
    until float8,  -- NULL: closed
    probe text,
    probe_until float8 NOT NULL
);

CREATE TABLE delegate_mcp.provider_off (
    provider text COLLATE "C" PRIMARY KEY,
    key_mark text NOT NULL,
    since float8 NOT NULL
);

CREATE TABLE delegate_mcp.tombstones (
    provider text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    since float8 NOT NULL,
    PRIMARY KEY (provider, model)
);

CREATE TABLE delegate_mcp.waiters (
    ticket_id text COLLATE "C" PRIMARY KEY,
    provider text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    since float8 NOT NULL,
    lease_until float8 NOT NULL
);

CREATE INDEX waiters_in_line ON delegate_mcp.waiters (provider, model, since, ticket_id);

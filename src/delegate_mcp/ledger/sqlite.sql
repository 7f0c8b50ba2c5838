-- Every statement of the SQLite ledger. Each begins with a line `-- name: …` under which `sqlite.py` finds it.

-- name: begin_call
INSERT INTO calls (
    call_id, state, started_at, tool, task_type, complexity, rule, reason, private, connection, conversation, parent,
    pid, brief_tokens
) VALUES (
    :call_id, 'running', :started_at, :tool, :task_type, :complexity, :rule, :reason, :private, :connection,
    :conversation, :parent, :pid, :input_tokens
);

-- name: ensure_call
-- A call whose beginning was lost with a broken file is recorded from its first word in the new one.
INSERT INTO calls (
    call_id, state, started_at, tool, task_type, complexity, rule, reason, private, connection, pid, brief_tokens
) VALUES (
    :call_id, 'running', :at, 'unknown', 'unknown', 'unknown', 'unknown', 'its beginning was lost', 0, '', :pid, 0
) ON CONFLICT (call_id) DO NOTHING;

-- name: begin_attempt
INSERT INTO attempts (
    call_id, number, provider, model, tier, outcome, started_at, reserved_tokens, lease_until
) VALUES (
    :call_id, :number, :provider, :model, :tier, 'running', :started_at, :reserved_tokens, :lease_until
);

-- name: find_attempt
SELECT outcome, started_at FROM attempts WHERE call_id = :call_id AND number = :number;

-- name: settle_attempt
UPDATE attempts SET
    outcome = :outcome, ended_at = :ended_at, error_kind = :error_kind, status = :status, message = :message,
    latency_ms = :latency_ms, first_token_ms = :first_token_ms, input_tokens = :input_tokens,
    output_tokens = :output_tokens, cache_read_tokens = :cache_read_tokens, usage_estimated = :usage_estimated,
    cost_nano_usd = :cost_nano_usd, retry_after_s = :retry_after_s
WHERE call_id = :call_id AND number = :number;

-- name: count_use
INSERT INTO use_by_hour (hour, provider, model, requests, tokens) VALUES (:hour, :provider, :model, 1, :tokens)
ON CONFLICT (hour, provider, model) DO UPDATE SET requests = requests + 1, tokens = tokens + excluded.tokens;

-- name: learn_limit
INSERT INTO limits (provider, model, metric, period, "limit", remaining, reset_s, source, seen_at)
VALUES (:provider, :model, :metric, :period, :limit, :remaining, :reset_s, :source, :seen_at)
ON CONFLICT (provider, model, metric, period) DO UPDATE SET
    "limit" = excluded."limit", remaining = excluded.remaining, reset_s = excluded.reset_s, source = excluded.source,
    seen_at = excluded.seen_at
WHERE excluded.seen_at >= limits.seen_at;

-- name: cool_down
INSERT INTO cooldowns (provider, model, until, why) VALUES (:provider, :model, :until, :why)
ON CONFLICT (provider, model) DO UPDATE SET until = excluded.until, why = excluded.why
WHERE excluded.until >= cooldowns.until;

-- name: end_call
UPDATE calls SET
    state = :state, ended_at = :ended_at, provider = :provider, model = :model, tier = :tier,
    input_tokens = :input_tokens, output_tokens = :output_tokens, cache_read_tokens = :cache_read_tokens,
    usage_estimated = :usage_estimated, cost_nano_usd = :cost_nano_usd, saved_nano_usd = :saved_nano_usd,
    director_input_tokens = :director_input_tokens, director_output_tokens = :director_output_tokens, error = :error
WHERE call_id = :call_id AND state = 'running';

-- name: call
SELECT calls.*, (SELECT max(lease_until) FROM attempts WHERE attempts.call_id = calls.call_id) AS lease_until
FROM calls WHERE call_id = :call_id;

-- name: recent_calls
SELECT calls.*, (SELECT max(lease_until) FROM attempts WHERE attempts.call_id = calls.call_id) AS lease_until
FROM calls ORDER BY started_at DESC, seq DESC LIMIT :limit;

-- name: attempts
SELECT * FROM attempts WHERE call_id = :call_id AND outcome <> 'running' ORDER BY number;

-- name: use_in_minute
SELECT provider, model, count(*) AS requests, sum(input_tokens + output_tokens) AS tokens, min(started_at) AS oldest
FROM attempts WHERE started_at > :minute_start AND outcome <> 'running' GROUP BY provider, model;

-- name: reserved
SELECT
    provider, model, count(*) AS requests, sum(reserved_tokens) AS tokens,
    min(CASE WHEN started_at > :minute_start THEN started_at END) AS oldest
FROM attempts WHERE outcome = 'running' AND lease_until > :now GROUP BY provider, model;

-- name: use_by_hour
SELECT provider, model, hour, requests, tokens FROM use_by_hour WHERE hour >= :hour;

-- name: use_between
-- The first hours of a day that does not begin on the hour.
SELECT provider, model, count(*) AS requests, sum(input_tokens + output_tokens) AS tokens
FROM attempts
WHERE started_at >= :start AND started_at < :end AND outcome <> 'running' AND provider = :provider
GROUP BY provider, model;

-- name: limits
SELECT * FROM limits ORDER BY provider, model, metric, period;

-- name: cooldowns
SELECT * FROM cooldowns WHERE until > :now ORDER BY provider, model;

-- name: calls_by_tier
SELECT
    tier, count(*) AS calls, sum(state = 'failed') AS failed_calls, sum(saved_nano_usd) AS saved_nano_usd,
    sum(director_input_tokens) AS director_input_tokens, sum(director_output_tokens) AS director_output_tokens
FROM calls WHERE started_at >= :since GROUP BY tier;

-- name: calls_by_tier_of_connection
SELECT
    tier, count(*) AS calls, sum(state = 'failed') AS failed_calls, sum(saved_nano_usd) AS saved_nano_usd,
    sum(director_input_tokens) AS director_input_tokens, sum(director_output_tokens) AS director_output_tokens
FROM calls WHERE connection = :connection AND started_at >= :since GROUP BY tier;

-- name: attempts_by_tier
SELECT
    attempts.tier, count(*) AS attempts, sum(attempts.input_tokens) AS input_tokens,
    sum(attempts.output_tokens) AS output_tokens, sum(attempts.cost_nano_usd) AS cost_nano_usd
FROM calls JOIN attempts USING (call_id) WHERE calls.started_at >= :since GROUP BY attempts.tier;

-- name: attempts_by_tier_of_connection
SELECT
    attempts.tier, count(*) AS attempts, sum(attempts.input_tokens) AS input_tokens,
    sum(attempts.output_tokens) AS output_tokens, sum(attempts.cost_nano_usd) AS cost_nano_usd
FROM calls JOIN attempts USING (call_id)
WHERE calls.connection = :connection AND calls.started_at >= :since GROUP BY attempts.tier;

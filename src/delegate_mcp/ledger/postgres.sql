-- Every statement of the PostgreSQL ledger, by name; `postgres_statements.py` finds it by its `-- name:` line.
-- Names and columns are those of `sqlite.sql`, so that `sqlite_rows.py` reads both.

-- name: lock
SELECT pg_advisory_xact_lock(%(family)s, %(key)s);

-- name: notify
SELECT pg_notify('delegate_mcp_ledger', %(whose)s);

-- name: clock
SELECT extract(epoch FROM clock_timestamp())::float8 AS now;

-- name: begin_call
-- An earlier try may have been committed, only its answer lost; or more is known of the call's work now.
INSERT INTO calls (
    call_id, state, started_at, tool, task_type, complexity, rule, reason, private, connection, conversation, parent,
    machine, pid, brief_tokens, project, arm
) VALUES (
    %(call_id)s, 'running', %(started_at)s, %(tool)s, %(task_type)s, %(complexity)s, %(rule)s, %(reason)s, %(private)s,
    %(connection)s, %(conversation)s, %(parent)s, %(machine)s, %(pid)s, %(input_tokens)s,
    %(project)s, %(arm)s
) ON CONFLICT (call_id) DO UPDATE SET
    task_type = excluded.task_type, complexity = excluded.complexity, rule = excluded.rule, reason = excluded.reason,
    private = excluded.private, brief_tokens = excluded.brief_tokens, arm = excluded.arm
WHERE calls.state = 'running';

-- name: ensure_call
-- A call whose beginning was lost is recorded from its first word.
INSERT INTO calls (
    call_id, state, started_at, tool, task_type, complexity, rule, reason, private, connection, machine, pid,
    brief_tokens
) VALUES (
    %(call_id)s, 'running', %(at)s, 'unknown', 'unknown', 'unknown', 'unknown', 'its beginning was lost', false, '',
    %(machine)s, %(pid)s, 0
) ON CONFLICT (call_id) DO NOTHING;

-- name: end_call
-- What the director spent on it while it ran was charged before.
UPDATE calls SET
    state = %(state)s, ended_at = %(ended_at)s, provider = %(provider)s, model = %(model)s, tier = %(tier)s,
    input_tokens = %(input_tokens)s, output_tokens = %(output_tokens)s, cache_read_tokens = %(cache_read_tokens)s,
    usage_estimated = %(usage_estimated)s, cost_nano_usd = %(cost_nano_usd)s,
    saved_nano_usd = saved_nano_usd + %(saved_nano_usd)s,
    director_input_tokens = director_input_tokens + %(director_input_tokens)s,
    director_output_tokens = director_output_tokens + %(director_output_tokens)s,
    director_listing_tokens = %(director_listing_tokens)s, spared_input_tokens = %(spared_input_tokens)s,
    spared_output_tokens = %(spared_output_tokens)s, error = %(error)s,
    beyond_arm = %(beyond_arm)s
WHERE call_id = %(call_id)s AND state = 'running';

-- name: health
-- What is held against a model, its account and its provider; no row where all is well.
SELECT 'off' AS what, since AS at, key_mark AS word, 0 AS number, NULL::float8 AS until
FROM provider_off WHERE provider = %(provider)s
UNION ALL
SELECT 'gone', since, NULL, 0, NULL FROM tombstones WHERE provider = %(provider)s AND model = %(model)s
UNION ALL
SELECT 'breaker', until, probe, failures, probe_until FROM breakers WHERE provider = %(provider)s
UNION ALL
SELECT CASE model WHEN '*' THEN 'account' ELSE 'model' END, until, why, strikes, NULL
FROM cooldowns WHERE provider = %(provider)s AND model IN (%(model)s, '*');

-- name: limits_of
SELECT * FROM limits WHERE provider = %(provider)s AND model IN (%(model)s, '*');

-- name: use_of_model
SELECT * FROM (
    SELECT
        count(*) AS requests_minute, coalesce(sum(counted_tokens), 0)::bigint AS tokens_minute,
        min(counted_at) AS oldest
    FROM attempts
    WHERE provider = %(provider)s AND model = %(model)s AND counted_at > %(minute_start)s AND counted_at <= %(ahead)s
) AS of_minute, (
    SELECT
        coalesce(sum(requests), 0)::bigint AS requests_day, coalesce(sum(tokens), 0)::bigint AS tokens_day
    FROM use_by_hour WHERE hour >= %(hour)s AND provider = %(provider)s AND model = %(model)s
) AS of_day, (
    SELECT
        count(*) AS reserved_requests, coalesce(sum(reserved_tokens), 0)::bigint AS reserved_tokens,
        min(started_at) FILTER (WHERE started_at > %(minute_start)s) AS oldest_under_way
    FROM attempts WHERE outcome = 'running' AND provider = %(provider)s AND model = %(model)s AND lease_until > %(now)s
) AS under_way;

-- name: use_of_account
SELECT * FROM (
    SELECT
        count(*) AS requests_minute, coalesce(sum(counted_tokens), 0)::bigint AS tokens_minute,
        min(counted_at) AS oldest
    FROM attempts WHERE provider = %(provider)s AND counted_at > %(minute_start)s AND counted_at <= %(ahead)s
) AS of_minute, (
    SELECT
        coalesce(sum(requests), 0)::bigint AS requests_day, coalesce(sum(tokens), 0)::bigint AS tokens_day
    FROM use_by_hour WHERE hour >= %(hour)s AND provider = %(provider)s
) AS of_day, (
    SELECT
        count(*) AS reserved_requests, coalesce(sum(reserved_tokens), 0)::bigint AS reserved_tokens,
        min(started_at) FILTER (WHERE started_at > %(minute_start)s) AS oldest_under_way
    FROM attempts WHERE outcome = 'running' AND provider = %(provider)s AND lease_until > %(now)s
) AS under_way;

-- name: spent
SELECT counted_at AS at, counted_tokens AS tokens, model = %(model)s AS own, false AS under_way
FROM attempts WHERE provider = %(provider)s AND counted_at > %(minute_start)s AND counted_at <= %(ahead)s
UNION ALL
SELECT started_at, reserved_tokens, model = %(model)s, true
FROM attempts WHERE outcome = 'running' AND provider = %(provider)s AND lease_until > %(now)s;

-- name: given_back
-- What the answers that came since then had reserved beyond what they used.
SELECT
    coalesce(sum(greatest(0, reserved_tokens - counted_tokens)), 0)::bigint AS account,
    coalesce(
        sum(greatest(0, reserved_tokens - counted_tokens)) FILTER (WHERE model = %(model)s), 0
    )::bigint AS model
FROM attempts WHERE outcome = 'ok' AND provider = %(provider)s AND ended_at > %(asked)s;

-- name: paid
SELECT (
    (SELECT coalesce(sum(cost_nano_usd), 0) FROM attempts WHERE tier = 'paid' AND ended_at >= %(day_start)s)
    + (
        SELECT coalesce(sum(reserved_nano_usd), 0) FROM attempts
        WHERE tier = 'paid' AND outcome = 'running' AND lease_until > %(now)s
    )
)::bigint AS nano_usd;

-- name: ahead
SELECT count(*) AS calls FROM waiters
WHERE provider = %(provider)s AND model = %(model)s AND (since, ticket_id) < (%(since)s, %(ticket_id)s)
    AND lease_until > %(now)s;

-- name: stand_in_line
INSERT INTO waiters (ticket_id, provider, model, since, lease_until)
VALUES (%(ticket_id)s, %(provider)s, %(model)s, %(since)s, %(lease_until)s)
ON CONFLICT (ticket_id) DO UPDATE SET
    provider = excluded.provider, model = excluded.model, since = excluded.since, lease_until = excluded.lease_until
WHERE excluded.lease_until >= waiters.lease_until + %(renewed_s)s;

-- name: leave_line
DELETE FROM waiters WHERE ticket_id = %(ticket_id)s;

-- name: forget_the_dead
DELETE FROM waiters WHERE provider = %(provider)s AND model = %(model)s AND lease_until <= %(now)s;

-- name: reserve
INSERT INTO attempts (
    call_id, number, provider, model, tier, outcome, started_at, reserved_tokens, reserved_nano_usd, lease_until
) VALUES (
    %(call_id)s, %(number)s, %(provider)s, %(model)s, %(tier)s, 'running', %(started_at)s, %(reserved_tokens)s,
    %(reserved_nano_usd)s, %(lease_until)s
);

-- name: find_attempt
SELECT outcome, started_at FROM attempts WHERE call_id = %(call_id)s AND number = %(number)s;

-- name: settle
UPDATE attempts SET
    outcome = %(outcome)s, ended_at = %(ended_at)s, error_kind = %(error_kind)s, status = %(status)s,
    message = %(message)s, latency_ms = %(latency_ms)s, first_token_ms = %(first_token_ms)s,
    input_tokens = %(input_tokens)s, output_tokens = %(output_tokens)s, cache_read_tokens = %(cache_read_tokens)s,
    usage_estimated = %(usage_estimated)s, cost_nano_usd = %(cost_nano_usd)s, retry_after_s = %(retry_after_s)s,
    counted_at = %(counted_at)s, counted_tokens = %(counted_tokens)s
WHERE call_id = %(call_id)s AND number = %(number)s;

-- name: count_use
INSERT INTO use_by_hour AS so_far (hour, provider, model, requests, tokens)
VALUES (%(hour)s, %(provider)s, %(model)s, 1, %(tokens)s)
ON CONFLICT (hour, provider, model) DO UPDATE SET
    requests = so_far.requests + 1, tokens = so_far.tokens + excluded.tokens;

-- name: learn_limit
INSERT INTO limits (provider, model, metric, period, "limit", remaining, reset_s, source, seen_at, elsewhere)
VALUES (
    %(provider)s, %(model)s, %(metric)s, %(period)s, %(limit)s, %(remaining)s, %(reset_s)s, %(source)s, %(seen_at)s,
    %(elsewhere)s
)
ON CONFLICT (provider, model, metric, period) DO UPDATE SET
    "limit" = excluded."limit", remaining = excluded.remaining, reset_s = excluded.reset_s, source = excluded.source,
    seen_at = excluded.seen_at, elsewhere = excluded.elsewhere
WHERE excluded.seen_at >= limits.seen_at;

-- name: keep_off
INSERT INTO provider_off (provider, key_mark, since) VALUES (%(provider)s, %(key_mark)s, %(since)s)
ON CONFLICT (provider) DO UPDATE SET key_mark = excluded.key_mark, since = excluded.since;

-- name: drop_off
DELETE FROM provider_off WHERE provider = %(provider)s;

-- name: keep_gone
INSERT INTO tombstones (provider, model, since) VALUES (%(provider)s, %(model)s, %(since)s)
ON CONFLICT (provider, model) DO UPDATE SET since = excluded.since;

-- name: drop_gone
DELETE FROM tombstones WHERE provider = %(provider)s AND model = %(model)s;

-- name: keep_breaker
INSERT INTO breakers (provider, failures, until, probe, probe_until)
VALUES (%(provider)s, %(failures)s, %(until)s, %(probe)s, %(probe_until)s)
ON CONFLICT (provider) DO UPDATE SET
    failures = excluded.failures, until = excluded.until, probe = excluded.probe, probe_until = excluded.probe_until;

-- name: half_open
UPDATE breakers SET until = %(now)s
WHERE provider = %(provider)s AND until = %(until)s AND failures = %(failures)s RETURNING provider;

-- name: drop_breaker
DELETE FROM breakers WHERE provider = %(provider)s;

-- name: keep_cooldown
INSERT INTO cooldowns (provider, model, until, why, strikes)
VALUES (%(provider)s, %(model)s, %(until)s, %(why)s, %(strikes)s)
ON CONFLICT (provider, model) DO UPDATE SET
    until = excluded.until, why = excluded.why, strikes = excluded.strikes;

-- name: drop_cooldown
DELETE FROM cooldowns WHERE provider = %(provider)s AND model = %(model)s;

-- name: forget_attempts
-- What a window or the daily sum of money still counts stays.
DELETE FROM attempts
WHERE outcome <> 'running' AND coalesce(counted_at, 0) <= %(minute_start)s
    AND NOT (tier = 'paid' AND ended_at >= %(day_start)s);

-- name: forget_calls
DELETE FROM calls
WHERE state <> 'running' AND NOT EXISTS (SELECT 1 FROM attempts WHERE attempts.call_id = calls.call_id)
RETURNING call_id;

-- name: forget_words_of_attempts
UPDATE attempts SET message = NULL WHERE outcome <> 'running';

-- name: forget_words_of_calls
UPDATE calls SET reason = '', conversation = NULL, project = NULL, error = NULL, arm = '', beyond_arm = false
WHERE state <> 'running';

-- name: oldest_calls
SELECT call_id FROM calls
WHERE started_at < %(before)s AND (state <> 'running' OR started_at < %(stuck_before)s)
ORDER BY started_at LIMIT %(most)s;

-- name: drop_attempts_of
DELETE FROM attempts WHERE call_id = %(call_id)s;

-- name: drop_call
DELETE FROM calls WHERE call_id = %(call_id)s;

-- name: drop_hours
DELETE FROM use_by_hour WHERE hour < %(hour)s;

-- name: drop_batches
DELETE FROM batches WHERE ended_at < %(before)s;

-- name: call
SELECT calls.*, (SELECT max(lease_until) FROM attempts WHERE attempts.call_id = calls.call_id) AS lease_until
FROM calls WHERE call_id = %(call_id)s;

-- name: recent_calls
SELECT calls.*, (SELECT max(lease_until) FROM attempts WHERE attempts.call_id = calls.call_id) AS lease_until
FROM calls ORDER BY started_at DESC, seq DESC LIMIT %(limit)s;

-- name: attempts
SELECT * FROM attempts WHERE call_id = %(call_id)s AND outcome <> 'running' ORDER BY number;

-- name: first_tokens
SELECT first_token_ms FROM attempts
WHERE provider = %(provider)s AND model = %(model)s AND outcome = 'ok' AND first_token_ms IS NOT NULL
ORDER BY ended_at DESC, seq DESC LIMIT %(answers)s;

-- name: limits
SELECT * FROM limits ORDER BY provider, model, metric, period;

-- name: cooldowns
SELECT * FROM cooldowns WHERE until > %(now)s ORDER BY provider, model;

-- name: open_breakers
SELECT * FROM breakers WHERE until IS NOT NULL ORDER BY provider;

-- name: providers_off
SELECT * FROM provider_off ORDER BY provider;

-- name: gone
SELECT * FROM tombstones WHERE since > %(gone_since)s ORDER BY provider, model;

-- name: waiting
SELECT provider, model, count(*) AS calls FROM waiters WHERE lease_until > %(now)s GROUP BY provider, model;

-- name: use_in_minute
SELECT provider, model, count(*) AS requests, sum(counted_tokens)::bigint AS tokens, min(counted_at) AS oldest
FROM attempts WHERE counted_at > %(minute_start)s AND counted_at <= %(ahead)s GROUP BY provider, model;

-- name: reserved
SELECT
    provider, model, count(*) AS requests, sum(reserved_tokens)::bigint AS tokens,
    min(started_at) FILTER (WHERE started_at > %(minute_start)s) AS oldest
FROM attempts WHERE outcome = 'running' AND lease_until > %(now)s GROUP BY provider, model;

-- name: use_in_day
-- Whole hours from their sums, the first part of a day that does not begin on the hour from its attempts.
WITH begins AS (SELECT * FROM unnest(%(providers)s::text[], %(starts)s::float8[]) AS given (provider, start)),
parts AS (
    SELECT provider, model, requests, tokens FROM use_by_hour LEFT JOIN begins USING (provider)
    WHERE hour >= %(first_hour)s AND hour * 3600 >= coalesce(start, %(utc_start)s)
    UNION ALL
    SELECT provider, model, 1, counted_tokens FROM attempts JOIN begins USING (provider)
    WHERE counted_at >= start AND counted_at < ceil(start / 3600) * 3600
)
SELECT provider, model, sum(requests)::bigint AS requests, sum(tokens)::bigint AS tokens
FROM parts GROUP BY provider, model;

-- name: calls_by_tier
SELECT
    tier, count(*) AS calls, count(*) FILTER (WHERE state = 'failed') AS failed_calls,
    sum(saved_nano_usd)::bigint AS saved_nano_usd, sum(director_input_tokens)::bigint AS director_input_tokens,
    sum(director_output_tokens)::bigint AS director_output_tokens,
    sum(director_listing_tokens)::bigint AS director_listing_tokens
FROM calls
WHERE started_at >= %(since)s AND (%(connection)s::text IS NULL OR connection = %(connection)s) GROUP BY tier;

-- name: attempts_by_tier
SELECT
    attempts.tier, count(*) AS attempts, sum(attempts.input_tokens)::bigint AS input_tokens,
    sum(attempts.output_tokens)::bigint AS output_tokens, sum(attempts.cost_nano_usd)::bigint AS cost_nano_usd
FROM calls JOIN attempts USING (call_id)
WHERE calls.started_at >= %(since)s AND (%(connection)s::text IS NULL OR connection = %(connection)s)
GROUP BY attempts.tier;

-- name: begin_batch
INSERT INTO batches (
    batch_id, state, created_at, ended_at, total, answered, failed, owner, lease_until, expected_at, waits_until
) VALUES (
    %(batch_id)s, %(state)s, %(created_at)s, %(ended_at)s, %(total)s, %(answered)s, %(failed)s, %(owner)s,
    %(lease_until)s, %(expected_at)s, %(waits_until)s
) ON CONFLICT (batch_id) DO NOTHING;

-- name: hold_batch
UPDATE batches SET
    state = %(state)s, ended_at = %(ended_at)s, answered = %(answered)s, failed = %(failed)s, owner = %(owner)s,
    lease_until = %(lease_until)s, expected_at = %(expected_at)s, waits_until = %(waits_until)s
WHERE batch_id = %(batch_id)s AND state = 'running'
    AND (owner = %(owner)s OR owner = %(dead)s OR lease_until <= %(now)s)
RETURNING batch_id;

-- name: batch
SELECT * FROM batches WHERE batch_id = %(batch_id)s;

-- name: forget_batches
DELETE FROM batches WHERE state <> 'running';

-- name: charge
UPDATE calls SET
    director_input_tokens = director_input_tokens + %(written)s,
    director_output_tokens = director_output_tokens + %(read)s, saved_nano_usd = saved_nano_usd - %(nano_usd)s
WHERE call_id = %(call_id)s;

-- name: saved_by
SELECT saved_nano_usd FROM calls WHERE call_id = %(call_id)s;

-- name: records
SELECT calls.*, (SELECT max(lease_until) FROM attempts WHERE attempts.call_id = calls.call_id) AS lease_until,
    verdicts.verdict
FROM calls LEFT JOIN verdicts USING (call_id)
WHERE started_at >= %(since)s AND started_at < %(until)s ORDER BY started_at, seq;

-- name: attempts_of_records
SELECT attempts.* FROM calls JOIN attempts USING (call_id)
WHERE calls.started_at >= %(since)s AND calls.started_at < %(until)s AND attempts.outcome <> 'running'
ORDER BY attempts.number;

-- name: learn_once
UPDATE calls SET learned = true WHERE call_id = %(call_id)s AND NOT learned RETURNING call_id;

-- name: turn_back_standings
UPDATE standing SET worth_at = least(worth_at, %(now)s), presence_at = least(presence_at, %(now)s)
WHERE greatest(worth_at, presence_at) > %(ahead)s;

-- name: begin_standing
INSERT INTO standing (provider, model, task_type) VALUES (%(provider)s, %(model)s, %(task_type)s)
ON CONFLICT (provider, model, task_type) DO NOTHING;

-- name: standing
SELECT * FROM standing
WHERE provider = %(provider)s AND model = %(model)s AND task_type = %(task_type)s FOR UPDATE;

-- name: keep_standing
UPDATE standing SET
    worth_good = %(worth_good)s, worth_bad = %(worth_bad)s, worth_at = %(worth_at)s,
    presence_good = %(presence_good)s, presence_bad = %(presence_bad)s, presence_at = %(presence_at)s
WHERE provider = %(provider)s AND model = %(model)s AND task_type = %(task_type)s;

-- name: standings
SELECT * FROM standing;

-- name: forget_standings
DELETE FROM standing;

-- name: drop_standings
DELETE FROM standing WHERE greatest(worth_at, presence_at) < %(before)s;

-- name: answered_by
SELECT provider, model, task_type FROM calls
WHERE call_id = %(call_id)s AND state = 'ok' AND provider IS NOT NULL;

-- name: verdict
SELECT * FROM verdicts WHERE call_id = %(call_id)s FOR UPDATE;

-- name: keep_verdict
INSERT INTO verdicts (call_id, verdict, why, at) VALUES (%(call_id)s, %(verdict)s, %(why)s, %(at)s)
ON CONFLICT (call_id) DO UPDATE SET verdict = excluded.verdict, why = excluded.why, at = excluded.at;

-- name: verdicts
SELECT verdicts.*, calls.provider, calls.model, calls.task_type FROM verdicts JOIN calls USING (call_id)
ORDER BY verdicts.at;

-- name: forget_verdicts
DELETE FROM verdicts;

-- name: drop_verdict
DELETE FROM verdicts WHERE call_id = %(call_id)s;

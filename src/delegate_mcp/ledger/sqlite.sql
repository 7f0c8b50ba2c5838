-- Every statement of the SQLite ledger. Each begins with a line `-- name: …` under which
-- `sqlite_statements.py` finds it.

-- name: begin_call
-- A call that is under way got another route once more was known of its work.
INSERT INTO calls (
    call_id, state, started_at, tool, task_type, complexity, rule, reason, private, connection, conversation, parent,
    pid, brief_tokens, project, arm
) VALUES (
    :call_id, 'running', :started_at, :tool, :task_type, :complexity, :rule, :reason, :private, :connection,
    :conversation, :parent, :pid, :input_tokens, :project, :arm
) ON CONFLICT (call_id) DO UPDATE SET
    task_type = excluded.task_type, complexity = excluded.complexity, rule = excluded.rule, reason = excluded.reason,
    private = excluded.private, brief_tokens = excluded.brief_tokens, arm = excluded.arm
WHERE calls.state = 'running';

-- name: ensure_call
-- A call whose beginning was lost with a broken file is recorded from its first word in the new one.
INSERT INTO calls (
    call_id, state, started_at, tool, task_type, complexity, rule, reason, private, connection, pid, brief_tokens
) VALUES (
    :call_id, 'running', :at, 'unknown', 'unknown', 'unknown', 'unknown', 'its beginning was lost', 0, '', :pid, 0
) ON CONFLICT (call_id) DO NOTHING;

-- name: health
-- What is held against a model, its account and its provider; no row where all is well.
SELECT 'off' AS what, since AS at, key_mark AS word, 0 AS number, NULL AS until
FROM provider_off WHERE provider = :provider
UNION ALL
SELECT 'gone', since, NULL, 0, NULL FROM tombstones WHERE provider = :provider AND model = :model
UNION ALL
SELECT 'breaker', until, probe, failures, probe_until FROM breakers WHERE provider = :provider
UNION ALL
SELECT CASE model WHEN '*' THEN 'account' ELSE 'model' END, until, why, strikes, NULL
FROM cooldowns WHERE provider = :provider AND model IN (:model, '*');

-- name: limits_of
SELECT * FROM limits WHERE provider = :provider AND model IN (:model, '*');

-- name: use_of_model
SELECT * FROM (
    SELECT
        count(*) AS requests_minute, coalesce(sum(counted_tokens), 0) AS tokens_minute, min(counted_at) AS oldest
    FROM attempts WHERE provider = :provider AND model = :model AND counted_at > :minute_start AND counted_at <= :ahead
), (
    SELECT coalesce(sum(requests), 0) AS requests_day, coalesce(sum(tokens), 0) AS tokens_day
    FROM use_by_hour WHERE hour >= :hour AND provider = :provider AND model = :model
), (
    SELECT
        count(*) AS reserved_requests, coalesce(sum(reserved_tokens), 0) AS reserved_tokens,
        min(CASE WHEN started_at > :minute_start THEN started_at END) AS oldest_under_way
    FROM attempts
    WHERE outcome = 'running' AND provider = :provider AND model = :model AND lease_until > :now
);

-- name: use_of_account
-- Whatever was counted in the minute was counted in its hours, so those name the models to look at.
SELECT * FROM (
    SELECT
        count(*) AS requests_minute, coalesce(sum(counted_tokens), 0) AS tokens_minute, min(counted_at) AS oldest
    FROM attempts
    WHERE provider = :provider AND counted_at > :minute_start AND counted_at <= :ahead
        AND model IN (SELECT model FROM use_by_hour WHERE hour >= :minute_hour AND provider = :provider)
), (
    SELECT coalesce(sum(requests), 0) AS requests_day, coalesce(sum(tokens), 0) AS tokens_day
    FROM use_by_hour WHERE hour >= :hour AND provider = :provider
), (
    SELECT
        count(*) AS reserved_requests, coalesce(sum(reserved_tokens), 0) AS reserved_tokens,
        min(CASE WHEN started_at > :minute_start THEN started_at END) AS oldest_under_way
    FROM attempts
    WHERE outcome = 'running' AND provider = :provider AND lease_until > :now
);

-- name: spent
SELECT counted_at AS at, counted_tokens AS tokens, model = :model AS own, 0 AS under_way
FROM attempts
WHERE provider = :provider AND counted_at > :minute_start AND counted_at <= :ahead
    AND model IN (SELECT model FROM use_by_hour WHERE hour >= :minute_hour AND provider = :provider)
UNION ALL
SELECT started_at, reserved_tokens, model = :model, 1
FROM attempts WHERE outcome = 'running' AND provider = :provider AND lease_until > :now;

-- name: given_back
-- What the answers that came since then had reserved beyond what they used.
SELECT
    coalesce(sum(max(0, reserved_tokens - counted_tokens)), 0) AS account,
    coalesce(sum(CASE WHEN model = :model THEN max(0, reserved_tokens - counted_tokens) END), 0) AS model
FROM attempts
WHERE outcome = 'ok' AND provider = :provider AND ended_at > :asked
    AND model IN (SELECT model FROM use_by_hour WHERE hour >= :minute_hour AND provider = :provider);

-- name: paid
SELECT
    (SELECT coalesce(sum(cost_nano_usd), 0) FROM attempts WHERE tier = 'paid' AND ended_at >= :day_start)
    + (
        SELECT coalesce(sum(reserved_nano_usd), 0) FROM attempts
        WHERE outcome = 'running' AND tier = 'paid' AND lease_until > :now
    ) AS nano_usd;

-- name: ahead
SELECT count(*) AS calls FROM waiters
WHERE provider = :provider AND model = :model AND (since, ticket_id) < (:since, :ticket_id) AND lease_until > :now;

-- name: stand_in_line
INSERT INTO waiters (ticket_id, provider, model, since, lease_until)
VALUES (:ticket_id, :provider, :model, :since, :lease_until)
ON CONFLICT (ticket_id) DO UPDATE SET lease_until = excluded.lease_until
WHERE excluded.lease_until >= lease_until + :renewed_s;

-- name: leave_line
DELETE FROM waiters WHERE ticket_id = :ticket_id;

-- name: forget_the_dead
DELETE FROM waiters WHERE lease_until <= :now;

-- name: reserve
INSERT INTO attempts (
    call_id, number, provider, model, tier, outcome, started_at, reserved_tokens, reserved_nano_usd, lease_until
) VALUES (
    :call_id, :number, :provider, :model, :tier, 'running', :started_at, :reserved_tokens, :reserved_nano_usd,
    :lease_until
);

-- name: find_attempt
SELECT outcome, started_at FROM attempts WHERE call_id = :call_id AND number = :number;

-- name: settle
UPDATE attempts SET
    outcome = :outcome, ended_at = :ended_at, error_kind = :error_kind, status = :status, message = :message,
    latency_ms = :latency_ms, first_token_ms = :first_token_ms, input_tokens = :input_tokens,
    output_tokens = :output_tokens, cache_read_tokens = :cache_read_tokens, usage_estimated = :usage_estimated,
    cost_nano_usd = :cost_nano_usd, retry_after_s = :retry_after_s, counted_at = :counted_at,
    counted_tokens = :counted_tokens
WHERE call_id = :call_id AND number = :number;

-- name: count_use
INSERT INTO use_by_hour (hour, provider, model, requests, tokens) VALUES (:hour, :provider, :model, 1, :tokens)
ON CONFLICT (hour, provider, model) DO UPDATE SET requests = requests + 1, tokens = tokens + excluded.tokens;

-- name: learn_limit
INSERT INTO limits (provider, model, metric, period, "limit", remaining, reset_s, source, seen_at, elsewhere)
VALUES (:provider, :model, :metric, :period, :limit, :remaining, :reset_s, :source, :seen_at, :elsewhere)
ON CONFLICT (provider, model, metric, period) DO UPDATE SET
    "limit" = excluded."limit", remaining = excluded.remaining, reset_s = excluded.reset_s, source = excluded.source,
    seen_at = excluded.seen_at, elsewhere = excluded.elsewhere
WHERE excluded.seen_at >= limits.seen_at;

-- name: keep_off
INSERT OR REPLACE INTO provider_off (provider, key_mark, since) VALUES (:provider, :key_mark, :since);

-- name: drop_off
DELETE FROM provider_off WHERE provider = :provider;

-- name: keep_gone
INSERT OR REPLACE INTO tombstones (provider, model, since) VALUES (:provider, :model, :since);

-- name: drop_gone
DELETE FROM tombstones WHERE provider = :provider AND model = :model;

-- name: keep_breaker
INSERT OR REPLACE INTO breakers (provider, failures, until, probe, probe_until)
VALUES (:provider, :failures, :until, :probe, :probe_until);

-- name: half_open
UPDATE breakers SET until = :now
WHERE provider = :provider AND until = :until AND failures = :failures RETURNING provider;

-- name: drop_breaker
DELETE FROM breakers WHERE provider = :provider;

-- name: keep_cooldown
INSERT OR REPLACE INTO cooldowns (provider, model, until, why, strikes)
VALUES (:provider, :model, :until, :why, :strikes);

-- name: drop_cooldown
DELETE FROM cooldowns WHERE provider = :provider AND model = :model;

-- name: first_tokens
SELECT first_token_ms FROM attempts
WHERE provider = :provider AND model = :model AND outcome = 'ok' AND first_token_ms IS NOT NULL
ORDER BY ended_at DESC, seq DESC LIMIT :answers;

-- name: end_call
-- What the director spent on it while it ran was charged before.
UPDATE calls SET
    state = :state, ended_at = :ended_at, provider = :provider, model = :model, tier = :tier,
    input_tokens = :input_tokens, output_tokens = :output_tokens, cache_read_tokens = :cache_read_tokens,
    usage_estimated = :usage_estimated, cost_nano_usd = :cost_nano_usd,
    saved_nano_usd = saved_nano_usd + :saved_nano_usd,
    director_input_tokens = director_input_tokens + :director_input_tokens,
    director_output_tokens = director_output_tokens + :director_output_tokens,
    director_listing_tokens = :director_listing_tokens, spared_input_tokens = :spared_input_tokens,
    spared_output_tokens = :spared_output_tokens, error = :error, beyond_arm = :beyond_arm
WHERE call_id = :call_id AND state = 'running';

-- name: forget_attempts
-- What a window or the daily sum of money still counts stays.
DELETE FROM attempts
WHERE outcome <> 'running' AND coalesce(counted_at, 0) <= :minute_start
    AND NOT (tier = 'paid' AND ended_at >= :day_start);

-- name: forget_calls
DELETE FROM calls
WHERE state <> 'running' AND NOT EXISTS (SELECT 1 FROM attempts WHERE attempts.call_id = calls.call_id)
RETURNING call_id;

-- name: forget_words_of_attempts
UPDATE attempts SET message = NULL WHERE outcome <> 'running';

-- name: forget_words_of_calls
UPDATE calls SET reason = '', conversation = NULL, project = NULL, error = NULL, arm = '', beyond_arm = 0
WHERE state <> 'running';

-- name: oldest_calls
SELECT call_id FROM calls
WHERE started_at < :before AND (state <> 'running' OR started_at < :stuck_before)
ORDER BY started_at LIMIT :most;

-- name: drop_attempts_of
DELETE FROM attempts WHERE call_id = :call_id;

-- name: drop_call
DELETE FROM calls WHERE call_id = :call_id;

-- name: drop_hours
DELETE FROM use_by_hour WHERE hour < :hour;

-- name: drop_batches
DELETE FROM batches WHERE ended_at < :before;

-- name: call
SELECT calls.*, (SELECT max(lease_until) FROM attempts WHERE attempts.call_id = calls.call_id) AS lease_until
FROM calls WHERE call_id = :call_id;

-- name: recent_calls
SELECT calls.*, (SELECT max(lease_until) FROM attempts WHERE attempts.call_id = calls.call_id) AS lease_until
FROM calls ORDER BY started_at DESC, seq DESC LIMIT :limit;

-- name: attempts
SELECT * FROM attempts WHERE call_id = :call_id AND outcome <> 'running' ORDER BY number;

-- name: use_in_minute
SELECT provider, model, count(*) AS requests, sum(counted_tokens) AS tokens, min(counted_at) AS oldest
FROM (SELECT DISTINCT provider, model FROM use_by_hour WHERE hour >= :minute_hour)
CROSS JOIN attempts USING (provider, model)
WHERE counted_at > :minute_start AND counted_at <= :ahead GROUP BY provider, model;

-- name: reserved
SELECT
    provider, model, count(*) AS requests, sum(reserved_tokens) AS tokens,
    min(CASE WHEN started_at > :minute_start THEN started_at END) AS oldest
FROM attempts WHERE outcome = 'running' AND lease_until > :now GROUP BY provider, model;

-- name: use_by_hour
SELECT provider, model, hour, requests, tokens FROM use_by_hour WHERE hour >= :hour;

-- name: use_between
-- The first hours of a day that does not begin on the hour.
SELECT provider, model, count(*) AS requests, sum(counted_tokens) AS tokens
FROM attempts WHERE provider = :provider AND counted_at >= :start AND counted_at < :end GROUP BY provider, model;

-- name: limits
SELECT * FROM limits ORDER BY provider, model, metric, period;

-- name: cooldowns
SELECT * FROM cooldowns WHERE until > :now ORDER BY provider, model;

-- name: open_breakers
SELECT provider, until, failures FROM breakers WHERE until IS NOT NULL ORDER BY provider;

-- name: providers_off
SELECT * FROM provider_off ORDER BY provider;

-- name: gone
SELECT * FROM tombstones WHERE since > :gone_since ORDER BY provider, model;

-- name: waiting
SELECT provider, model, count(*) AS calls FROM waiters WHERE lease_until > :now GROUP BY provider, model;

-- name: calls_by_tier
SELECT
    tier, count(*) AS calls, sum(state = 'failed') AS failed_calls, sum(saved_nano_usd) AS saved_nano_usd,
    sum(director_input_tokens) AS director_input_tokens, sum(director_output_tokens) AS director_output_tokens,
    sum(director_listing_tokens) AS director_listing_tokens
FROM calls WHERE started_at >= :since GROUP BY tier;

-- name: calls_by_tier_of_connection
SELECT
    tier, count(*) AS calls, sum(state = 'failed') AS failed_calls, sum(saved_nano_usd) AS saved_nano_usd,
    sum(director_input_tokens) AS director_input_tokens, sum(director_output_tokens) AS director_output_tokens,
    sum(director_listing_tokens) AS director_listing_tokens
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

-- name: begin_batch
INSERT INTO batches (
    batch_id, state, created_at, ended_at, total, answered, failed, owner, lease_until, expected_at, waits_until
) VALUES (
    :batch_id, :state, :created_at, :ended_at, :total, :answered, :failed, :owner, :lease_until, :expected_at,
    :waits_until
) ON CONFLICT (batch_id) DO NOTHING;

-- name: hold_batch
UPDATE batches SET
    state = :state, ended_at = :ended_at, answered = :answered, failed = :failed, owner = :owner,
    lease_until = :lease_until, expected_at = :expected_at, waits_until = :waits_until
WHERE batch_id = :batch_id AND state = 'running' AND (owner = :owner OR owner = :dead OR lease_until <= :now);

-- name: batch
SELECT * FROM batches WHERE batch_id = :batch_id;

-- name: forget_batches
DELETE FROM batches WHERE state <> 'running';

-- name: charge
UPDATE calls SET
    director_input_tokens = director_input_tokens + :written, director_output_tokens = director_output_tokens + :read,
    saved_nano_usd = saved_nano_usd - :nano_usd
WHERE call_id = :call_id;

-- name: saved_by
SELECT saved_nano_usd FROM calls WHERE call_id = :call_id;

-- name: records
SELECT calls.*, (SELECT max(lease_until) FROM attempts WHERE attempts.call_id = calls.call_id) AS lease_until,
    verdicts.verdict
FROM calls LEFT JOIN verdicts USING (call_id)
WHERE started_at >= :since AND started_at < :until ORDER BY started_at, seq;

-- name: attempts_of_records
SELECT attempts.* FROM calls JOIN attempts USING (call_id)
WHERE calls.started_at >= :since AND calls.started_at < :until AND attempts.outcome <> 'running'
ORDER BY attempts.number;

-- name: learn_once
UPDATE calls SET learned = 1 WHERE call_id = :call_id AND NOT learned RETURNING call_id;

-- name: turn_back_standings
UPDATE standing SET worth_at = min(worth_at, :now), presence_at = min(presence_at, :now)
WHERE max(worth_at, presence_at) > :ahead;

-- name: begin_standing
INSERT INTO standing (provider, model, task_type) VALUES (:provider, :model, :task_type)
ON CONFLICT (provider, model, task_type) DO NOTHING;

-- name: standing
SELECT * FROM standing
WHERE provider = :provider AND model = :model AND task_type = :task_type;

-- name: keep_standing
UPDATE standing SET
    worth_good = :worth_good, worth_bad = :worth_bad, worth_at = :worth_at,
    presence_good = :presence_good, presence_bad = :presence_bad, presence_at = :presence_at
WHERE provider = :provider AND model = :model AND task_type = :task_type;

-- name: standings
SELECT * FROM standing;

-- name: forget_standings
DELETE FROM standing;

-- name: drop_standings
DELETE FROM standing WHERE max(worth_at, presence_at) < :before;

-- name: answered_by
SELECT provider, model, task_type FROM calls
WHERE call_id = :call_id AND state = 'ok' AND provider IS NOT NULL;

-- name: verdict
SELECT * FROM verdicts WHERE call_id = :call_id;

-- name: keep_verdict
INSERT INTO verdicts (call_id, verdict, why, at) VALUES (:call_id, :verdict, :why, :at)
ON CONFLICT (call_id) DO UPDATE SET verdict = excluded.verdict, why = excluded.why, at = excluded.at;

-- name: verdicts
SELECT verdicts.*, calls.provider, calls.model, calls.task_type FROM verdicts JOIN calls USING (call_id)
ORDER BY verdicts.at;

-- name: forget_verdicts
DELETE FROM verdicts;

-- name: drop_verdict
DELETE FROM verdicts WHERE call_id = :call_id;

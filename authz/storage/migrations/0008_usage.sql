-- What was served. A minute's row is one process's, and its numbers only grow: whoever writes them
-- twice, or late, changes nothing. Hours are sums over all processes, kept for ever.

CREATE TABLE usage_minutes (
    minute             timestamptz NOT NULL,
    account_id         uuid   NOT NULL,
    key_id             uuid   NOT NULL,
    model              text   NOT NULL,
    writer             uuid   NOT NULL,
    requests           bigint NOT NULL CHECK (requests >= 0),
    tokens             bigint NOT NULL CHECK (tokens >= 0),
    failures           bigint NOT NULL CHECK (failures >= 0),
    refunded_requests  bigint NOT NULL CHECK (refunded_requests BETWEEN 0 AND requests),
    refunded_tokens    bigint NOT NULL CHECK (refunded_tokens BETWEEN 0 AND tokens),
    returned_tokens    bigint NOT NULL CHECK (returned_tokens BETWEEN 0 AND refunded_tokens),
    PRIMARY KEY (minute, account_id, key_id, model, writer)
) PARTITION BY RANGE (minute);
COMMENT ON COLUMN usage_minutes.writer IS 'The journal that these numbers come from.';
COMMENT ON COLUMN usage_minutes.requests IS 'Charged: refunds are not taken off.';
COMMENT ON COLUMN usage_minutes.failures IS 'Requests that went to the model and came back without vectors.';
COMMENT ON COLUMN usage_minutes.returned_tokens IS 'Of refunded_tokens, those that no lease took back: the month does.';

CREATE TABLE usage_hours (
    hour               timestamptz NOT NULL,
    account_id         uuid   NOT NULL,
    key_id             uuid   NOT NULL,
    model              text   NOT NULL,
    requests           bigint NOT NULL,
    tokens             bigint NOT NULL,
    failures           bigint NOT NULL,
    refunded_requests  bigint NOT NULL,
    refunded_tokens    bigint NOT NULL,
    PRIMARY KEY (account_id, hour, key_id, model)
) PARTITION BY RANGE (hour);

-- A journal tells what its numbers are, as often as it likes: the larger of what is there and what is
-- told is kept, and hours and the month are moved by the difference, in the same transaction. So a
-- statement that is repeated, late, or of which nobody knows whether it was committed is harmless.
CREATE FUNCTION merge_usage(
    minutes timestamptz[], account_ids uuid[], key_ids uuid[], models text[], writers uuid[],
    requests bigint[], tokens bigint[], failures bigint[],
    refunded_requests bigint[], refunded_tokens bigint[], returned_tokens bigint[],
    OUT server text, OUT refused bigint[]
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_column
DECLARE
    -- What is older may have been counted in a partition that is gone, and would count twice.
    oldest    timestamptz := date_trunc('day', clock_timestamp()) - interval '33 days';
    newest    timestamptz := date_trunc('day', clock_timestamp()) + interval '2 days';
    returned  jsonb;
BEGIN
    -- Whoever is told that this was merged forgets it.
    SET LOCAL synchronous_commit = on;
    -- A server that was started anew may be another, which never got the last commits.
    server := pg_postmaster_start_time()::text;
    SELECT coalesce(array_agg(place ORDER BY place) FILTER (WHERE minute NOT BETWEEN oldest AND newest),
                    '{}')
      INTO refused FROM unnest(minutes) WITH ORDINALITY AS told (minute, place);
    -- After an outage, or where nobody has made them ahead of time.
    PERFORM make_usage_partition(parent, minute)
       FROM (SELECT DISTINCT date_trunc('day', minute) FROM unnest(minutes) AS told (minute)
              WHERE minute BETWEEN oldest AND newest) AS days (minute),
            unnest(ARRAY['usage_minutes', 'usage_hours']) AS parent
      WHERE to_regclass(usage_partition(parent, minute)) IS NULL;
    -- Sorted at each step, and the steps in one order, so that no two of these wait for each other.
    WITH merged AS (
        INSERT INTO usage_minutes AS known
               (minute, account_id, key_id, model, writer, requests, tokens, failures,
                refunded_requests, refunded_tokens, returned_tokens)
        SELECT minute, account_id, key_id, model, writer, requests, tokens, failures,
               refunded_requests, refunded_tokens, returned_tokens
          FROM unnest(minutes, account_ids, key_ids, models, writers, requests, tokens, failures,
                      refunded_requests, refunded_tokens, returned_tokens)
            AS told (minute, account_id, key_id, model, writer, requests, tokens, failures,
                     refunded_requests, refunded_tokens, returned_tokens)
         WHERE minute BETWEEN oldest AND newest
         ORDER BY minute, account_id, key_id, model, writer
        ON CONFLICT (minute, account_id, key_id, model, writer) DO UPDATE
           SET requests = greatest(known.requests, excluded.requests),
               tokens = greatest(known.tokens, excluded.tokens),
               failures = greatest(known.failures, excluded.failures),
               refunded_requests = greatest(known.refunded_requests, excluded.refunded_requests),
               refunded_tokens = greatest(known.refunded_tokens, excluded.refunded_tokens),
               returned_tokens = greatest(known.returned_tokens, excluded.returned_tokens)
         WHERE excluded.requests > known.requests
            OR excluded.tokens > known.tokens
            OR excluded.failures > known.failures
            OR excluded.refunded_requests > known.refunded_requests
            OR excluded.refunded_tokens > known.refunded_tokens
            OR excluded.returned_tokens > known.returned_tokens
        RETURNING new.minute, new.account_id, new.key_id, new.model,
                  new.requests - coalesce(old.requests, 0) AS requests,
                  new.tokens - coalesce(old.tokens, 0) AS tokens,
                  new.failures - coalesce(old.failures, 0) AS failures,
                  new.refunded_requests - coalesce(old.refunded_requests, 0) AS refunded_requests,
                  new.refunded_tokens - coalesce(old.refunded_tokens, 0) AS refunded_tokens,
                  new.returned_tokens - coalesce(old.returned_tokens, 0) AS returned_tokens
    ), summed AS (
        INSERT INTO usage_hours AS known
               (hour, account_id, key_id, model, requests, tokens, failures, refunded_requests,
                refunded_tokens)
        SELECT date_trunc('hour', minute), account_id, key_id, model, sum(requests), sum(tokens),
               sum(failures), sum(refunded_requests), sum(refunded_tokens)
          FROM merged
         GROUP BY date_trunc('hour', minute), account_id, key_id, model
         ORDER BY account_id, date_trunc('hour', minute), key_id, model
        ON CONFLICT (account_id, hour, key_id, model) DO UPDATE
           SET requests = known.requests + excluded.requests,
               tokens = known.tokens + excluded.tokens,
               failures = known.failures + excluded.failures,
               refunded_requests = known.refunded_requests + excluded.refunded_requests,
               refunded_tokens = known.refunded_tokens + excluded.refunded_tokens
    )
    SELECT jsonb_agg(jsonb_build_object('minute', minute, 'account_id', account_id,
                                        'key_id', key_id, 'tokens', returned_tokens))
      INTO returned FROM merged WHERE returned_tokens > 0;
    IF returned IS NOT NULL THEN
        PERFORM return_to_month(returned);
    END IF;
END $$;

-- Tokens that no lease took back, each to the month in which they were charged, while that runs.
CREATE FUNCTION return_to_month(returned jsonb) RETURNS void LANGUAGE sql AS $$
    WITH told AS (
        SELECT each.budget, (extract(epoch FROM minute) * 1000000)::bigint AS at, tokens
          FROM jsonb_to_recordset(returned)
            AS told (minute timestamptz, account_id uuid, key_id uuid, tokens bigint),
               unnest(ARRAY[account_id, key_id]) AS each (budget)
    ), locked AS (
        SELECT budget, month_starts, month_ends FROM quotas
         WHERE budget IN (SELECT budget FROM told)
         ORDER BY budget FOR NO KEY UPDATE
    ), sums AS (
        SELECT budget, sum(tokens) AS tokens FROM told JOIN locked USING (budget)
         WHERE at >= month_starts AND at < month_ends
         GROUP BY budget
    )
    UPDATE quotas SET month_spent = greatest(0, month_spent - sums.tokens)
      FROM sums WHERE quotas.budget = sums.budget
$$;

-- The name of the partition that a time is in.
CREATE FUNCTION usage_partition(parent text, at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE
RETURN parent || to_char(at AT TIME ZONE 'UTC',
                         CASE parent WHEN 'usage_minutes' THEN '_YYYY_MM_DD' ELSE '_YYYY_MM' END);

CREATE FUNCTION make_usage_partition(parent text, at timestamptz) RETURNS void
    LANGUAGE plpgsql SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
DECLARE
    child  text := usage_partition(parent, at);
    unit   text := CASE parent WHEN 'usage_minutes' THEN 'day' ELSE 'month' END;
    starts timestamptz := date_trunc(unit, at);
BEGIN
    -- One at a time; and only who has locked a table looks for what others have made of it.
    EXECUTE format('LOCK TABLE %I IN SHARE UPDATE EXCLUSIVE MODE', parent);
    IF to_regclass(child) IS NOT NULL THEN
        RETURN;
    END IF;
    -- Attached, and not made in its place: that would wait for all who read or write.
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL) WITH (fillfactor = 70)', child, parent);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   parent, child, starts, starts + ('1 ' || unit)::interval);
END $$;

-- Both functions run as the tables' owner and take no arguments, so that who may call them can do
-- nothing else. They give up rather than keep writers waiting behind them.
CREATE FUNCTION make_usage_partitions() RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT make_usage_partition(parent, clock_timestamp() + ahead * interval '1 day')
      FROM generate_series(0, 3) AS ahead, unnest(ARRAY['usage_minutes', 'usage_hours']) AS parent
$$;

-- Minutes only: hours are kept.
CREATE FUNCTION drop_usage_partitions() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC'
    SET lock_timeout = '2s' AS $$
DECLARE
    child   text;
    dropped integer := 0;
BEGIN
    LOCK TABLE usage_minutes IN SHARE UPDATE EXCLUSIVE MODE;
    FOR child IN
        SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
         WHERE inhparent = 'usage_minutes'::regclass
           AND relname < usage_partition('usage_minutes', clock_timestamp() - interval '35 days')
         ORDER BY relname
    LOOP
        EXECUTE format('DROP TABLE %I', child);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;

REVOKE EXECUTE ON FUNCTION
    merge_usage(timestamptz[], uuid[], uuid[], text[], uuid[], bigint[], bigint[], bigint[],
                bigint[], bigint[], bigint[]),
    return_to_month(jsonb), usage_partition(text, timestamptz),
    make_usage_partition(text, timestamptz), make_usage_partitions(), drop_usage_partitions()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    merge_usage(timestamptz[], uuid[], uuid[], text[], uuid[], bigint[], bigint[], bigint[],
                bigint[], bigint[], bigint[])
    TO tessera_data;
GRANT EXECUTE ON FUNCTION make_usage_partitions(), drop_usage_partitions() TO tessera_admin;
GRANT SELECT ON usage_minutes, usage_hours TO tessera_data, tessera_admin;

SELECT make_usage_partitions();

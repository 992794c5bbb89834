-- The ledger of authz/domain/quota/ledger.py: what each budget has spent, and what is leased of it.
-- What is done here is told there, and a test holds one against the other, to the last grain.

-- Times are microseconds since 1970. What was spent of a minute's limit is in grains, of which a unit
-- has sixty million, as in authz/domain/quota/bucket.py. Pages are half empty and nothing that an ask
-- changes is indexed, so that an update stays on its page. Logged: what was granted and forgotten
-- would be granted again.
CREATE TABLE quotas (
    budget            uuid   PRIMARY KEY,
    at                bigint NOT NULL,
    requests_limit    bigint NOT NULL,
    requests_spent    bigint NOT NULL CHECK (requests_spent >= 0),
    requests_reserved bigint NOT NULL CHECK (requests_reserved >= 0),
    tokens_limit      bigint NOT NULL,
    tokens_spent      bigint NOT NULL CHECK (tokens_spent >= 0),
    tokens_reserved   bigint NOT NULL CHECK (tokens_reserved >= 0),
    month_limit       bigint NOT NULL,
    month_spent       bigint NOT NULL CHECK (month_spent >= 0),
    month_starts      bigint NOT NULL,
    month_ends        bigint NOT NULL,
    leases_from       bigint NOT NULL,
    leases_until      bigint NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
COMMENT ON COLUMN quotas.budget IS 'An account, or a key with limits of its own.';
COMMENT ON COLUMN quotas.at IS 'When requests_spent and tokens_spent, in grains, were as they are.';
COMMENT ON COLUMN quotas.tokens_reserved IS 'Whole tokens, set aside of the minute and of the month.';
COMMENT ON COLUMN quotas.leases_from IS 'No lease ends before this, nor after leases_until.';

CREATE TABLE leases (
    budget            uuid   NOT NULL,
    holder            text   NOT NULL,
    number            bigint NOT NULL,
    open_requests     bigint NOT NULL CHECK (open_requests >= 0),
    open_tokens       bigint NOT NULL CHECK (open_tokens >= 0),
    spent_requests    bigint NOT NULL,
    spent_tokens      bigint NOT NULL,
    released_requests bigint NOT NULL,
    released_tokens   bigint NOT NULL,
    ends_at           bigint NOT NULL,
    PRIMARY KEY (budget, holder, number)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
COMMENT ON COLUMN leases.open_requests IS
    'Granted and not accounted for; with what was spent and released, all that was ever granted.';

CREATE TABLE ledger_history (
    singleton    boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    history      text    NOT NULL,
    trusted_from bigint  NOT NULL
);
COMMENT ON TABLE ledger_history IS 'The history of which server the ledger is of; see is_learning().';

CREATE TYPE lease_ask AS (
    budget            uuid,
    holder            text,
    number            bigint,
    spent_requests    bigint,
    spent_tokens      bigint,
    released_requests bigint,
    released_tokens   bigint,
    needed_requests   bigint,
    needed_tokens     bigint,
    wanted_requests   bigint,
    wanted_tokens     bigint,
    refilled_requests bigint,
    refilled_tokens   bigint,
    opens             boolean,
    closes            boolean,
    place             bigint
);
COMMENT ON TYPE lease_ask IS 'Ask of authz/domain/quota/lease_messages.py, at a place in its batch.';

CREATE TYPE lease_answer AS (
    place    bigint,
    outcome  text,
    requests bigint,
    tokens   bigint,
    extended boolean,
    quota    quotas
);
COMMENT ON TYPE lease_answer IS
    'Outcome: granted, so much in total; gone; unlimited, where there is no such budget; learning.';

CREATE FUNCTION time_now() RETURNS bigint LANGUAGE sql VOLATILE
RETURN (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;

CREATE FUNCTION month_of(now bigint) RETURNS timestamp LANGUAGE sql IMMUTABLE
RETURN date_trunc('month', timestamp 'epoch' + now * interval '1 microsecond');

CREATE FUNCTION microseconds(at timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE
RETURN (extract(epoch FROM at) * 1000000)::bigint;

-- The product is at most what was spent, so it does not overflow.
CREATE FUNCTION refill(spent bigint, per_microsecond bigint, elapsed bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN elapsed <= 0 THEN spent
            WHEN elapsed > spent / per_microsecond THEN 0
            ELSE spent - elapsed * per_microsecond END;

-- A sum stops at what no limit comes near, and below what a bigint holds.
CREATE FUNCTION spend(spent bigint, units bigint, grains bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN units > (9000000000000000000 - spent) / grains THEN 9000000000000000000
            ELSE spent + units * grains END;

CREATE FUNCTION unspend(spent bigint, units bigint) RETURNS bigint LANGUAGE sql IMMUTABLE
RETURN CASE WHEN units > spent / 60000000 THEN 0 ELSE spent - units * 60000000 END;

-- Whole units that a minute's limit leaves; less than none where it was lowered.
CREATE FUNCTION room(per_minute bigint, spent bigint, reserved bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE
RETURN per_minute - reserved - spent / 60000000 - (spent % 60000000 > 0)::integer;

-- An account's limits, or a key's, where it has any: what it does not limit takes the tier's.
CREATE FUNCTION find_limits(budget uuid)
RETURNS TABLE (requests bigint, tokens bigint, month bigint) LANGUAGE sql STABLE AS $$
    SELECT coalesce(own.requests, tiers.requests_per_minute),
           coalesce(own.tokens, tiers.tokens_per_minute),
           tiers.tokens_per_month
      FROM (SELECT id, NULL, NULL FROM accounts WHERE id = budget
             UNION ALL
            SELECT account_id, requests_per_minute, tokens_per_minute FROM keys
             WHERE id = budget
               AND (requests_per_minute IS NOT NULL OR tokens_per_minute IS NOT NULL)
           ) AS own (account_id, requests, tokens)
      JOIN accounts ON accounts.id = own.account_id
      JOIN tiers ON tiers.name = accounts.tier
$$;

-- Until the transaction ends, nobody else has this row. One that is made here has used nothing.
CREATE FUNCTION lock_quota(wanted uuid) RETURNS quotas LANGUAGE plpgsql AS $$
DECLARE
    quota quotas;
BEGIN
    SELECT * INTO quota FROM quotas WHERE budget = wanted FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        INSERT INTO quotas
        SELECT wanted, 0, requests, 0, 0, tokens, 0, 0, month, 0, 0, 0, 9223372036854775807, 0
          FROM find_limits(wanted)
            ON CONFLICT (budget) DO UPDATE SET at = quotas.at -- somebody was faster
        RETURNING * INTO quota;
    END IF;
    RETURN quota;
END $$;

CREATE FUNCTION store_quota(quota quotas) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE quotas
       SET at = quota.at,
           requests_limit = quota.requests_limit,
           requests_spent = quota.requests_spent,
           requests_reserved = quota.requests_reserved,
           tokens_limit = quota.tokens_limit,
           tokens_spent = quota.tokens_spent,
           tokens_reserved = quota.tokens_reserved,
           month_limit = quota.month_limit,
           month_spent = quota.month_spent,
           month_starts = quota.month_starts,
           month_ends = quota.month_ends,
           leases_from = quota.leases_from,
           leases_until = quota.leases_until
     WHERE budget = quota.budget;
END $$;

-- Spend what was reserved in part, or all or none of it.
CREATE FUNCTION spend_quota(
    INOUT quota quotas, requests bigint, tokens bigint,
    reserved_requests bigint, reserved_tokens bigint
) LANGUAGE plpgsql AS $$
BEGIN
    quota.requests_spent := spend(quota.requests_spent, requests, 60000000);
    quota.tokens_spent := spend(quota.tokens_spent, tokens, 60000000);
    quota.month_spent := spend(quota.month_spent, tokens, 1);
    quota.requests_reserved := quota.requests_reserved - reserved_requests;
    quota.tokens_reserved := quota.tokens_reserved - reserved_tokens;
END $$;

-- What silent holders have open is taken as spent. No lease outlives a clock that was set back.
CREATE FUNCTION end_leases(INOUT quota quotas, now bigint, lasts bigint) LANGUAGE plpgsql AS $$
DECLARE
    requests bigint;
    tokens   bigint;
BEGIN
    WITH ended AS (
        DELETE FROM leases WHERE budget = quota.budget AND ends_at <= now
        RETURNING open_requests, open_tokens
    )
    SELECT coalesce(sum(open_requests), 0), coalesce(sum(open_tokens), 0) INTO requests, tokens
      FROM ended;
    quota := spend_quota(quota, requests, tokens, requests, tokens);
    UPDATE leases SET ends_at = now + lasts
     WHERE budget = quota.budget AND ends_at > now + lasts;
    SELECT coalesce(min(ends_at), 9223372036854775807), coalesce(max(ends_at), 0)
      INTO quota.leases_from, quota.leases_until
      FROM leases WHERE budget = quota.budget;
END $$;

-- Refill under the limits so far, and adopt these.
CREATE FUNCTION advance_quota(
    INOUT quota quotas, requests bigint, tokens bigint, month bigint, now bigint, lasts bigint
) LANGUAGE plpgsql AS $$
BEGIN
    IF now > quota.at THEN
        quota.requests_spent := refill(quota.requests_spent, quota.requests_limit, now - quota.at);
        quota.tokens_spent := refill(quota.tokens_spent, quota.tokens_limit, now - quota.at);
        quota.at := now;
    ELSIF quota.at - now > 5000000 THEN -- more than two clocks differ by: this one was set back
        quota.at := now;
    END IF;
    IF now >= quota.month_ends THEN
        quota.month_starts := microseconds(month_of(now));
        quota.month_ends := microseconds(month_of(now) + interval '1 month');
        quota.month_spent := 0;
    END IF;
    quota.requests_limit := requests;
    quota.tokens_limit := tokens;
    quota.month_limit := month;
    IF now >= quota.leases_from OR quota.leases_until > now + lasts THEN
        quota := end_leases(quota, now, lasts);
    END IF;
END $$;

-- The same part of both that there is room for; nothing, if of one nothing.
CREATE FUNCTION fit(
    INOUT requests bigint, INOUT tokens bigint, room_requests bigint, room_tokens bigint
) LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    whole_requests bigint := requests;
    whole_tokens   bigint := tokens;
BEGIN
    IF requests > room_requests THEN
        tokens := div(whole_tokens::numeric * room_requests, whole_requests);
        requests := room_requests;
    END IF;
    IF tokens > room_tokens THEN
        requests := div(whole_requests::numeric * room_tokens, whole_tokens);
        tokens := room_tokens;
    END IF;
    IF (whole_requests > 0 AND requests = 0) OR (whole_tokens > 0 AND tokens = 0) THEN
        requests := 0;
        tokens := 0;
    END IF;
END $$;

CREATE FUNCTION store_lease(lease leases, is_new boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF is_new THEN
        INSERT INTO leases SELECT lease.*;
    ELSE
        UPDATE leases
           SET open_requests = lease.open_requests,
               open_tokens = lease.open_tokens,
               spent_requests = lease.spent_requests,
               spent_tokens = lease.spent_tokens,
               released_requests = lease.released_requests,
               released_tokens = lease.released_tokens,
               ends_at = lease.ends_at
         WHERE budget = lease.budget AND holder = lease.holder AND number = lease.number;
    END IF;
END $$;

-- Book what the holder tells in totals. A late message has smaller ones, and books nothing; what was
-- never granted was granted to a lease of this number that was taken as spent, and is booked too.
CREATE FUNCTION book_report(INOUT quota quotas, INOUT lease leases, ask lease_ask)
LANGUAGE plpgsql AS $$
DECLARE
    requests bigint := greatest(0, ask.spent_requests - lease.spent_requests);
    tokens   bigint := greatest(0, ask.spent_tokens - lease.spent_tokens);
BEGIN
    quota := spend_quota(
        quota, requests, tokens,
        least(requests, lease.open_requests), least(tokens, lease.open_tokens)
    );
    lease.spent_requests := lease.spent_requests + requests;
    lease.spent_tokens := lease.spent_tokens + tokens;
    lease.open_requests := greatest(0, lease.open_requests - requests);
    lease.open_tokens := greatest(0, lease.open_tokens - tokens);
    requests := greatest(0, ask.released_requests - lease.released_requests);
    requests := least(requests, lease.open_requests);
    tokens := greatest(0, ask.released_tokens - lease.released_tokens);
    tokens := least(tokens, lease.open_tokens);
    quota.requests_reserved := quota.requests_reserved - requests;
    quota.tokens_reserved := quota.tokens_reserved - tokens;
    lease.released_requests := lease.released_requests + requests;
    lease.released_tokens := lease.released_tokens + tokens;
    lease.open_requests := lease.open_requests - requests;
    lease.open_tokens := lease.open_tokens - tokens;
END $$;

-- Grant what is needed or nothing, and of what is wanted beyond it what leaves others some. A quota
-- above a limit that was lowered extends no lease.
CREATE FUNCTION grant_ask(
    INOUT quota quotas, INOUT lease leases, OUT extended boolean,
    ask lease_ask, room_divisor bigint, now bigint, lasts bigint
) LANGUAGE plpgsql AS $$
DECLARE
    free_requests bigint := room(
        quota.requests_limit, quota.requests_spent, quota.requests_reserved
    );
    free_tokens bigint := least(
        room(quota.tokens_limit, quota.tokens_spent, quota.tokens_reserved),
        quota.month_limit - quota.tokens_reserved - quota.month_spent
    );
    requests bigint := lease.open_requests + lease.spent_requests + lease.released_requests;
    tokens   bigint := lease.open_tokens + lease.spent_tokens + lease.released_tokens;
    share    record;
BEGIN
    extended := free_requests >= 0 AND free_tokens >= 0;
    free_requests := greatest(0, free_requests);
    free_tokens := greatest(0, free_tokens);
    share := fit(
        greatest(0, ask.wanted_requests - requests), greatest(0, ask.wanted_tokens - tokens),
        free_requests / room_divisor, free_tokens / room_divisor
    );
    requests := greatest(0, ask.needed_requests - requests);
    tokens := greatest(0, ask.needed_tokens - tokens);
    IF requests <= free_requests AND tokens <= free_tokens THEN
        requests := greatest(requests, share.requests);
        tokens := greatest(tokens, share.tokens);
        quota.requests_reserved := quota.requests_reserved + requests;
        quota.tokens_reserved := quota.tokens_reserved + tokens;
        lease.open_requests := lease.open_requests + requests;
        lease.open_tokens := lease.open_tokens + tokens;
    END IF;
    IF extended THEN
        lease.ends_at := now + lasts;
    END IF;
    quota.leases_from := least(quota.leases_from, lease.ends_at);
    quota.leases_until := greatest(quota.leases_until, lease.ends_at);
END $$;

-- By the clock, or as if it were `now`.
CREATE FUNCTION answer_ask(
    ask lease_ask, lasts bigint, room_divisor bigint, now bigint DEFAULT NULL
) RETURNS lease_answer LANGUAGE plpgsql AS $$
DECLARE
    quota  quotas := lock_quota(ask.budget);
    limits record;
    lease  leases;
    is_new boolean;
    done   record;
BEGIN
    now := coalesce(now, time_now()); -- once the row is ours: whoever had it saw an earlier time
    SELECT * INTO limits FROM find_limits(ask.budget);
    IF NOT FOUND THEN
        RETURN (ask.place, 'unlimited', NULL, NULL, NULL, NULL)::lease_answer;
    END IF;
    quota := advance_quota(quota, limits.requests, limits.tokens, limits.month, now, lasts);
    SELECT * INTO lease FROM leases
     WHERE budget = ask.budget AND holder = ask.holder AND number = ask.number;
    is_new := NOT FOUND;
    IF is_new THEN
        IF NOT ask.opens THEN
            PERFORM store_quota(quota);
            RETURN (ask.place, 'gone', NULL, NULL, NULL, quota)::lease_answer;
        END IF;
        lease := ROW(ask.budget, ask.holder, ask.number, 0, 0, 0, 0, 0, 0, now + lasts);
    END IF;
    done := book_report(quota, lease, ask);
    quota := done.quota;
    lease := done.lease;
    IF is_new THEN
        quota.requests_spent := unspend(quota.requests_spent, ask.refilled_requests);
        quota.tokens_spent := unspend(quota.tokens_spent, ask.refilled_tokens);
    END IF;
    IF ask.closes THEN
        quota.requests_reserved := quota.requests_reserved - lease.open_requests;
        quota.tokens_reserved := quota.tokens_reserved - lease.open_tokens;
        DELETE FROM leases
         WHERE budget = ask.budget AND holder = ask.holder AND number = ask.number;
        PERFORM store_quota(quota);
        RETURN (ask.place, 'gone', NULL, NULL, NULL, quota)::lease_answer;
    END IF;
    done := grant_ask(quota, lease, ask, room_divisor, now, lasts);
    PERFORM store_quota(done.quota);
    PERFORM store_lease(done.lease, is_new);
    lease := done.lease;
    RETURN (
        ask.place, 'granted',
        lease.open_requests + lease.spent_requests + lease.released_requests,
        lease.open_tokens + lease.spent_tokens + lease.released_tokens,
        done.extended, done.quota
    )::lease_answer;
END $$;

-- A server that failed over, or was restored, may not know of the newest grants. So once its history
-- is another one (another server, timeline or table), nothing is granted until whatever was out is
-- over by any clock. Returns instead of raising, or it would forget since when.
CREATE FUNCTION is_learning(lasts bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    here  text := format(
        '%s/%s/%s', (SELECT system_identifier FROM pg_control_system()),
        left(pg_walfile_name(pg_current_wal_lsn()), 8), 'quotas'::regclass::oid
    );
    now   bigint := time_now();
    known ledger_history;
BEGIN
    SELECT * INTO known FROM ledger_history;
    IF known.history = here AND known.trusted_from <= now THEN
        RETURN false;
    END IF;
    INSERT INTO ledger_history VALUES (true, here, now) -- the first: nothing was ever granted
        ON CONFLICT (singleton) DO UPDATE SET history = here, trusted_from = now + lasts
           WHERE ledger_history.history <> here OR ledger_history.trusted_from > now + lasts;
    RETURN known.history IS NOT NULL;
END $$;

-- All that a process can do to the ledger: answer asks, in one transaction, each budget's in order.
-- Budgets are locked in the same order by everybody, so that nobody waits in a circle. A plan that
-- was made while a table was small must not read all of it once it has grown.
CREATE FUNCTION answer_asks(
    budgets uuid[], holders text[], numbers bigint[],
    spent_requests bigint[], spent_tokens bigint[],
    released_requests bigint[], released_tokens bigint[],
    needed_requests bigint[], needed_tokens bigint[],
    wanted_requests bigint[], wanted_tokens bigint[],
    refilled_requests bigint[], refilled_tokens bigint[],
    opens boolean[], closes boolean[],
    lasts bigint, room_divisor bigint
) RETURNS SETOF lease_answer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    ask lease_ask;
BEGIN
    IF is_learning(lasts) THEN
        RETURN NEXT (NULL, 'learning', NULL, NULL, NULL, NULL)::lease_answer;
        RETURN;
    END IF;
    FOR ask IN
        SELECT asked.*
          FROM ROWS FROM (
              unnest(budgets), unnest(holders), unnest(numbers),
              unnest(spent_requests), unnest(spent_tokens),
              unnest(released_requests), unnest(released_tokens),
              unnest(needed_requests), unnest(needed_tokens),
              unnest(wanted_requests), unnest(wanted_tokens),
              unnest(refilled_requests), unnest(refilled_tokens), unnest(opens), unnest(closes)
          ) WITH ORDINALITY AS asked
         ORDER BY 1, ordinality
    LOOP
        RETURN NEXT answer_ask(ask, lasts, room_divisor);
    END LOOP;
END $$;

-- Forget budgets that nobody uses: their month is over, their leases have ended, and all of that has
-- refilled, so that a row made anew will say the same. Waits for nobody. Returns how many.
CREATE FUNCTION prune_quotas(at_once integer, now bigint DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    pruned uuid[];
BEGIN
    now := coalesce(now, time_now());
    pruned := ARRAY (
        SELECT budget FROM quotas
         WHERE month_ends <= now AND leases_until <= now
           AND refill(spend(requests_spent, requests_reserved, 60000000), requests_limit,
                      now - greatest(at, leases_until)) = 0
           AND refill(spend(tokens_spent, tokens_reserved, 60000000), tokens_limit,
                      now - greatest(at, leases_until)) = 0
         LIMIT at_once FOR UPDATE SKIP LOCKED
    );
    DELETE FROM leases WHERE budget = ANY (pruned);
    DELETE FROM quotas WHERE budget = ANY (pruned);
    RETURN cardinality(pruned);
END $$;

-- What leases replace. A process that still knows no other way goes on as if this server were away.
DROP FUNCTION requests_used(double precision, timestamptz, integer, timestamptz);
DROP TABLE request_buckets;

REVOKE EXECUTE ON FUNCTION
    time_now(), month_of(bigint), microseconds(timestamp), refill(bigint, bigint, bigint),
    spend(bigint, bigint, bigint), unspend(bigint, bigint), room(bigint, bigint, bigint), find_limits(uuid),
    lock_quota(uuid), store_quota(quotas), spend_quota(quotas, bigint, bigint, bigint, bigint),
    end_leases(quotas, bigint, bigint),
    advance_quota(quotas, bigint, bigint, bigint, bigint, bigint),
    fit(bigint, bigint, bigint, bigint), store_lease(leases, boolean),
    book_report(quotas, leases, lease_ask),
    grant_ask(quotas, leases, lease_ask, bigint, bigint, bigint),
    answer_ask(lease_ask, bigint, bigint, bigint), is_learning(bigint), answer_asks,
    prune_quotas(integer, bigint)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION answer_asks TO tessera_data;
GRANT EXECUTE ON FUNCTION prune_quotas(integer, bigint) TO tessera_admin;
GRANT SELECT ON quotas, leases TO tessera_admin;

-- Why requests were refused, and what Envoy and the adapter say of those that were not. Both are kept
-- for a week, in a partition for each day in UTC, because a week's rows are dropped at once.

CREATE TABLE decisions (
    at               timestamptz NOT NULL,
    request_id       text    NOT NULL,
    process          text    NOT NULL,
    verdict          text    NOT NULL CHECK (verdict IN ('allowed', 'refused', 'shadow')),
    reason           text    CHECK ((reason IS NULL) = (verdict = 'allowed')),
    status           integer NOT NULL,
    code             text,
    retry_after      interval,
    endpoint         text,
    retry_count      integer NOT NULL,
    account_id       uuid,
    key_id           uuid,
    cost_requests    bigint,
    cost_tokens      bigint,
    budget           text,
    source           text,
    dimension        text,
    limit_units      bigint,
    used_units       bigint,
    requested_units  bigint,
    wait             interval,
    lease_requests   bigint,
    lease_tokens     bigint,
    lease_ends_in    interval,
    directory_number bigint,
    directory_age    interval,
    PRIMARY KEY (at, request_id)
) PARTITION BY RANGE (at);
CREATE INDEX decisions_request_id ON decisions (request_id);
CREATE INDEX decisions_account_id ON decisions (account_id, at, request_id);
COMMENT ON TABLE decisions IS 'Refusals, and a sample of what was allowed. Nothing secret, nothing of the input.';
COMMENT ON COLUMN decisions.process IS 'Which process decided.';
COMMENT ON COLUMN decisions.verdict IS 'shadow: allowed, and refused but for a tier that only watches.';
COMMENT ON COLUMN decisions.code IS 'The error code that the client was told.';
COMMENT ON COLUMN decisions.source IS 'What told how much there is: a lease, the ledger, or in an outage the process itself.';
COMMENT ON COLUMN decisions.wait IS 'When it would have fitted; absent where it is larger than the limit.';
COMMENT ON COLUMN decisions.lease_ends_in IS 'lease_*: what the process held for this budget afterwards.';

-- What the access log tells of the requests that were charged in a minute. A row is one process's,
-- and its numbers only grow: whoever writes them twice, or late, changes nothing.
CREATE TABLE traffic_minutes (
    minute          timestamptz NOT NULL,
    writer          uuid   NOT NULL,
    seen_requests   bigint NOT NULL,
    seen_tokens     bigint NOT NULL,
    left_requests   bigint NOT NULL,
    left_tokens     bigint NOT NULL,
    served_requests bigint NOT NULL,
    served_tokens   bigint NOT NULL,
    PRIMARY KEY (minute, writer)
) PARTITION BY RANGE (minute);
COMMENT ON COLUMN traffic_minutes.seen_requests IS 'seen_*: answered with 200; what authz charged.';
COMMENT ON COLUMN traffic_minutes.left_requests IS 'left_*: charged, and the client left while the model worked.';
COMMENT ON COLUMN traffic_minutes.served_requests IS 'served_*: what the adapter says it served.';

-- Both functions run as the tables' owner and take no arguments, so that who may call them can do
-- nothing else. They give up rather than keep writers waiting behind them.
CREATE FUNCTION make_decision_partitions() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC'
    SET lock_timeout = '2s' AS $$
DECLARE
    today  date := clock_timestamp()::date;
    parent text;
    newest date;
    day    date;
    child  text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['decisions', 'traffic_minutes'] LOOP
        -- One at a time; and only who has locked a table looks for what others have made of it.
        EXECUTE format('LOCK TABLE %I IN SHARE UPDATE EXCLUSIVE MODE', parent);
        SELECT max(to_date(right(relname, 10), 'YYYY_MM_DD')) INTO newest
          FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
         WHERE inhparent = parent::regclass;
        -- The past too, as far as there is none: what waited for the end of an outage is written.
        FOR day IN SELECT generate_series(greatest(today - 7, least(today - 1, newest)), today + 3,
                                          interval '1 day')::date LOOP
            child := parent || to_char(day, '_YYYY_MM_DD');
            CONTINUE WHEN to_regclass(child) IS NOT NULL;
            -- Attached, and not made in place: that would wait for all who read or write.
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', child, parent);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                           parent, child, day, day + 1);
        END LOOP;
    END LOOP;
END $$;

CREATE FUNCTION drop_decision_partitions() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC'
    SET lock_timeout = '2s' AS $$
DECLARE
    child   text;
    dropped integer := 0;
BEGIN
    LOCK TABLE decisions, traffic_minutes IN SHARE UPDATE EXCLUSIVE MODE;
    FOR child IN
        SELECT relname
          FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
         WHERE inhparent IN ('decisions'::regclass, 'traffic_minutes'::regclass)
           AND right(relname, 10) < to_char(clock_timestamp()::date - 7, 'YYYY_MM_DD')
    LOOP
        EXECUTE format('DROP TABLE %I', child);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;

REVOKE EXECUTE ON FUNCTION make_decision_partitions(), drop_decision_partitions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_decision_partitions(), drop_decision_partitions() TO tessera_admin;
GRANT INSERT ON decisions TO tessera_data;
GRANT SELECT, INSERT, UPDATE ON traffic_minutes TO tessera_data;
GRANT SELECT ON decisions, traffic_minutes TO tessera_admin;

SELECT make_decision_partitions();

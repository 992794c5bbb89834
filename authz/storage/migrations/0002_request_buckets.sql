-- How many requests each account has used of its tier's limit per minute.

-- UNLOGGED on purpose: it is written at every check, and a crash that empties it costs at most one
-- full bucket per account. Half-filled pages keep each update on its own page.
CREATE UNLOGGED TABLE request_buckets (
    account_id uuid PRIMARY KEY,
    used       double precision NOT NULL CHECK (used >= 0),
    at         timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
COMMENT ON COLUMN request_buckets.used IS 'Requests in use at the time `at`; refills continuously.';

-- Bucket.refill() of authz/domain/bucket.py. A clock that went back refills nothing.
CREATE FUNCTION requests_used(
    used double precision, at timestamptz, requests_per_minute integer, now timestamptz
) RETURNS double precision LANGUAGE sql IMMUTABLE
RETURN greatest(
    0, used - greatest(0, extract(epoch FROM now - at)::double precision) * requests_per_minute / 60
);

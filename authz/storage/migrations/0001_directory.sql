-- Who may call: tiers, accounts, keys, and the log by which every process follows their changes.

CREATE TABLE tiers (
    name                text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9-]{0,31}$'),
    requests_per_minute integer  NOT NULL CHECK (requests_per_minute > 0),
    tokens_per_minute   bigint   NOT NULL CHECK (tokens_per_minute > 0),
    tokens_per_month    bigint   NOT NULL CHECK (tokens_per_month > 0),
    items_max           integer  NOT NULL CHECK (items_max > 0),
    endpoints           text[]   NOT NULL CHECK (endpoints <@ '{embeddings,models}'),
    models              text[]   NOT NULL
);
COMMENT ON COLUMN tiers.models IS 'Model ids; * stands for every model that is served.';

CREATE TABLE accounts (
    id         uuid PRIMARY KEY,
    name       text NOT NULL UNIQUE CHECK (name = btrim(name) AND length(name) BETWEEN 1 AND 200),
    tier       text NOT NULL REFERENCES tiers,
    status     text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'closed')),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX accounts_tier ON accounts (tier);

CREATE TABLE keys (
    id           uuid PRIMARY KEY,
    account_id   uuid NOT NULL REFERENCES accounts,
    name         text NOT NULL CHECK (name = btrim(name) AND length(name) BETWEEN 1 AND 200),
    environment  text NOT NULL CHECK (length(environment) BETWEEN 1 AND 64),
    scopes       text[] NOT NULL CHECK (scopes <@ '{embeddings,models}'),
    status       text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'revoked')),
    expires_at   timestamptz,
    pepper_id    text NOT NULL CHECK (pepper_id ~ '^[0-9a-f]{8}$'),
    digest       bytea NOT NULL UNIQUE CHECK (length(digest) = 32),
    prefix       text NOT NULL,
    last_four    text NOT NULL CHECK (length(last_four) = 4),
    created_at   timestamptz NOT NULL DEFAULT now(),
    revoked_at   timestamptz CHECK ((revoked_at IS NOT NULL) = (status = 'revoked')),
    last_used_at timestamptz
);
CREATE INDEX keys_account_id ON keys (account_id);
COMMENT ON COLUMN keys.pepper_id IS 'Names the pepper under which the digest was made.';
COMMENT ON COLUMN keys.prefix IS 'With last_four, all of the key that is ever shown again.';

CREATE TABLE changes (
    number     bigint PRIMARY KEY,
    kind       text NOT NULL CHECK (kind IN ('tier', 'account', 'key')),
    subject    text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE changes IS 'Numbers commit in order: whoever has seen n has missed nothing up to n.';

-- A transaction that changes several rows calls this first, so that it takes row locks only after
-- the one lock that all such transactions share, and none can deadlock another.
CREATE FUNCTION lock_directory() RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtext('tessera.changes'));
$$;

CREATE FUNCTION record_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    row_ jsonb := to_jsonb(coalesce(NEW, OLD));
    next bigint;
BEGIN
    -- Held until commit, so the next number is taken only when this one can be seen.
    PERFORM lock_directory();
    SELECT coalesce(max(number), 0) + 1 INTO next FROM changes;
    INSERT INTO changes (number, kind, subject)
         VALUES (next, TG_ARGV[0], row_ ->> TG_ARGV[1]);
    PERFORM pg_notify('tessera_changes', '');
    RETURN NULL;
END $$;

-- Triggers, and not the code that writes, so that no path to these tables can forget to tell.
CREATE TRIGGER tiers_recorded AFTER INSERT OR UPDATE OR DELETE ON tiers
    FOR EACH ROW EXECUTE FUNCTION record_change('tier', 'name');
CREATE TRIGGER accounts_recorded AFTER INSERT OR UPDATE OR DELETE ON accounts
    FOR EACH ROW EXECUTE FUNCTION record_change('account', 'id');
-- Not for last_used_at, which changes all the time and decides nothing.
CREATE TRIGGER keys_recorded AFTER INSERT OR DELETE
    OR UPDATE OF id, account_id, scopes, status, expires_at, pepper_id, digest ON keys
    FOR EACH ROW EXECUTE FUNCTION record_change('key', 'id');

-- Deleting in bulk fires no row trigger.
CREATE FUNCTION refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% cannot be truncated: running processes would not hear of it', TG_TABLE_NAME;
END $$;
CREATE TRIGGER tiers_kept BEFORE TRUNCATE ON tiers EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER accounts_kept BEFORE TRUNCATE ON accounts EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER keys_kept BEFORE TRUNCATE ON keys EXECUTE FUNCTION refuse_truncate();

-- What the admin API needs: contacts, the life of a key, who follows the directory, and the audit.

ALTER TABLE accounts ADD COLUMN email text CHECK (length(email) <= 254 AND email ~ '^[^@\s]+@[^@\s]+$');
COMMENT ON COLUMN accounts.email IS 'Where keys and warnings are sent; absent for internal accounts.';

-- A key that is used is noted in key_uses, so that the wide rows here are left in peace.
ALTER TABLE keys DROP COLUMN last_used_at;
ALTER TABLE keys
    ADD COLUMN networks      cidr[] NOT NULL DEFAULT '{}',
    ADD COLUMN wrapped_under text[] NOT NULL DEFAULT '{}',
    ADD COLUMN replaces      uuid UNIQUE REFERENCES keys,
    ADD COLUMN replaced_by   uuid UNIQUE REFERENCES keys;
COMMENT ON COLUMN keys.networks IS 'Where calls may come from; empty: anywhere.';
COMMENT ON COLUMN keys.wrapped_under IS
    'Peppers under which the digest was wrapped since, in order: HMAC(last, ... HMAC(pepper_id, key)).';

-- Keys are listed by when they were made, of all accounts or of one, and found by which peppers they
-- need.
DROP INDEX keys_account_id;
CREATE INDEX keys_account_id ON keys (account_id, created_at, id);
CREATE INDEX keys_created_at ON keys (created_at, id);
CREATE INDEX keys_peppers ON keys (pepper_id, wrapped_under);

DROP TRIGGER keys_recorded ON keys;
CREATE TRIGGER keys_recorded AFTER INSERT OR DELETE
    OR UPDATE OF id, account_id, scopes, status, expires_at, networks, pepper_id, wrapped_under,
                 digest ON keys
    FOR EACH ROW EXECUTE FUNCTION record_change('key', 'id');

-- A server that failed over, or was restored, may have lost the last changes, and other ones follow in
-- their place. So a number is never given again, because it grows with the time, and each change
-- names the one that it follows: whoever knows a lost one finds nothing that follows it.
ALTER TABLE changes ADD COLUMN follows bigint;
UPDATE changes SET follows = number - 1;

CREATE OR REPLACE FUNCTION record_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    row_ jsonb := to_jsonb(coalesce(NEW, OLD));
    last bigint;
BEGIN
    -- Held until commit, so the next number is taken only when this one can be seen.
    PERFORM lock_directory();
    SELECT coalesce(max(number), 0) INTO last FROM changes;
    INSERT INTO changes (number, follows, kind, subject)
         VALUES (greatest(last + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint),
                 last, TG_ARGV[0], row_ ->> TG_ARGV[1]);
    PERFORM pg_notify('tessera_changes', '');
    RETURN NULL;
END $$;

CREATE TABLE key_uses (
    key_id       uuid PRIMARY KEY REFERENCES keys ON DELETE CASCADE,
    last_used_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- A process that has seen a wrapped key's text proposes its digest under the newest pepper alone.
-- The inner digest proves that it has: the row's digest is the wrap of it, and shows it to nobody.
CREATE TABLE key_rehashes (
    key_id       uuid PRIMARY KEY REFERENCES keys ON DELETE CASCADE,
    inner_digest bytea NOT NULL CHECK (length(inner_digest) = 32),
    pepper_id    text  NOT NULL CHECK (pepper_id ~ '^[0-9a-f]{8}$'),
    digest       bytea NOT NULL CHECK (length(digest) = 32)
);

CREATE TABLE peppers (
    id     text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{8}$'),
    status text NOT NULL CHECK (status IN ('current', 'previous', 'retired')),
    since  timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX peppers_current ON peppers (status) WHERE status = 'current';
COMMENT ON TABLE peppers IS 'Names of peppers; the secrets are elsewhere. New keys are made under the current one.';

-- Which processes answer checks, and what each has applied. Logged, for a crash that emptied it
-- would make every revocation look acknowledged.
CREATE TABLE processes (
    name        text PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 200),
    incarnation uuid        NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now(),
    number      bigint      NOT NULL,
    peppers     text[]      NOT NULL,
    stale_after interval    NOT NULL,
    seen_at     timestamptz NOT NULL
) WITH (fillfactor = 50);
COMMENT ON COLUMN processes.name IS 'The place it runs in; a new process there proves that the one before has ended.';
COMMENT ON COLUMN processes.number IS 'The last change that it has applied.';
COMMENT ON COLUMN processes.stale_after IS 'Without news for this long it refuses every check.';
COMMENT ON COLUMN processes.seen_at IS 'Never earlier than what it takes for its last news.';

-- Written in the transaction of the change it tells of.
CREATE TABLE audit (
    number         bigint PRIMARY KEY,
    at             timestamptz NOT NULL,
    actor          text  NOT NULL,
    role           text  NOT NULL,
    address        text  NOT NULL,
    method         text  NOT NULL,
    subject_kind   text  NOT NULL,
    subject        text  NOT NULL,
    request_id     uuid  NOT NULL UNIQUE,
    request_digest bytea NOT NULL CHECK (length(request_digest) = 32),
    before         text,
    after          text,
    hash           bytea NOT NULL CHECK (length(hash) = 32)
);
CREATE INDEX audit_subject ON audit (subject, number);
COMMENT ON COLUMN audit.request_id IS 'Unique for ever: a request that is sent again changes nothing again.';
COMMENT ON COLUMN audit.before IS 'JSON, as it was hashed; never a secret.';
COMMENT ON COLUMN audit.hash IS 'SHA-256 over the hash before it and every other column.';

CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is only ever added to';
END $$;
CREATE TRIGGER audit_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    EXECUTE FUNCTION refuse_rewriting();

-- The end of the chain, sealed with the pepper: who can write here and has no pepper cannot seal.
CREATE TABLE audit_head (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    number    bigint NOT NULL,
    hash      bytea  NOT NULL,
    pepper_id text   NOT NULL,
    seal      bytea  NOT NULL
);

-- Mails without secrets that are still to be sent.
CREATE TABLE notices (
    id              uuid PRIMARY KEY,
    kind            text NOT NULL,
    recipient       text NOT NULL,
    facts           text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN notices.facts IS 'JSON: what the mail tells.';

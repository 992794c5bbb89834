-- What limits can say besides: a tier that only watches, a key with limits of its own, and usage as
-- something that can be asked for.

ALTER TABLE tiers ADD COLUMN enforcement text NOT NULL DEFAULT 'enforced'
    CHECK (enforcement IN ('enforced', 'shadow'));
COMMENT ON COLUMN tiers.enforcement IS 'shadow: what limits would refuse is recorded and passes.';

-- Above this a minute's bucket, which is kept in sixty-millionths of a token, would not fit a bigint.
ALTER TABLE tiers ADD CHECK (tokens_per_minute <= 100000000000);

ALTER TABLE keys
    ADD COLUMN requests_per_minute integer CHECK (requests_per_minute > 0),
    ADD COLUMN tokens_per_minute   bigint  CHECK (tokens_per_minute BETWEEN 1 AND 100000000000);
COMMENT ON COLUMN keys.requests_per_minute IS 'Inside the account''s limit; absent: only that one.';

DROP TRIGGER keys_recorded ON keys;
CREATE TRIGGER keys_recorded AFTER INSERT OR DELETE
    OR UPDATE OF id, account_id, scopes, status, expires_at, networks, pepper_id, wrapped_under,
                 digest, requests_per_minute, tokens_per_minute ON keys
    FOR EACH ROW EXECUTE FUNCTION record_change('key', 'id');

ALTER TABLE tiers
    DROP CONSTRAINT tiers_endpoints_check,
    ADD CONSTRAINT tiers_endpoints_check CHECK (endpoints <@ '{embeddings,models,usage}');
ALTER TABLE keys
    DROP CONSTRAINT keys_scopes_check,
    ADD CONSTRAINT keys_scopes_check CHECK (scopes <@ '{embeddings,models,usage}');
UPDATE tiers SET endpoints = endpoints || '{usage}';

GRANT SELECT (requests_per_minute, tokens_per_minute) ON keys TO tessera_data;

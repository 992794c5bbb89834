-- Who may do what in the database. Log-in roles are made by whoever runs it, as members of these.

-- Roles belong to the server and not to one database, so another database may have made them.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['tessera_data', 'tessera_admin'] LOOP
        -- Asked first, because whoever made them elsewhere may have lent us only their grants.
        CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = wanted);
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END LOOP;
END $$;

-- PostgreSQL lets everyone call every function; a trigger's needs nobody's leave.
REVOKE EXECUTE ON FUNCTION
    lock_directory(), record_change(), refuse_truncate(), refuse_rewriting(),
    requests_used(double precision, timestamptz, integer, timestamptz)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION requests_used(double precision, timestamptz, integer, timestamptz)
    TO tessera_data;
GRANT EXECUTE ON FUNCTION lock_directory() TO tessera_admin;

-- The data plane: reads what a check needs (no contact, no name of a key), spends quota, tells of itself.
GRANT SELECT ON schema_migrations, tiers, changes TO tessera_data;
GRANT SELECT (id, name, tier, status) ON accounts TO tessera_data;
GRANT SELECT (id, account_id, digest, pepper_id, wrapped_under, status, scopes, networks, expires_at)
    ON keys TO tessera_data;
GRANT SELECT, INSERT, UPDATE ON request_buckets, key_uses TO tessera_data;
GRANT SELECT, INSERT, UPDATE, DELETE ON processes TO tessera_data;
GRANT INSERT ON key_rehashes TO tessera_data;

-- The control plane: changes everything but the audit's past and the quota that was spent.
GRANT SELECT ON schema_migrations, key_uses TO tessera_admin;
GRANT SELECT, INSERT, UPDATE ON tiers, accounts, peppers, audit_head TO tessera_admin;
GRANT SELECT, INSERT, UPDATE, DELETE ON keys, notices TO tessera_admin;
GRANT SELECT, INSERT, DELETE ON changes TO tessera_admin;
GRANT SELECT, DELETE ON processes, key_rehashes TO tessera_admin;
GRANT SELECT, INSERT ON audit TO tessera_admin;

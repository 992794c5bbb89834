-- What tiers cost, and the invoices that were finished. Rows here are only ever added, by anybody.

CREATE FUNCTION refuse_rewriting_money() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME;
END $$;

CREATE TABLE prices (
    tier                              text   NOT NULL REFERENCES tiers,
    valid_from                        date   NOT NULL CHECK (extract(day FROM valid_from) = 1),
    currency                          text   NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    base_fee_minor_units              bigint NOT NULL CHECK (base_fee_minor_units >= 0),
    included_tokens                   bigint NOT NULL CHECK (included_tokens >= 0),
    overage_micros_per_million_tokens bigint NOT NULL
                                      CHECK (overage_micros_per_million_tokens >= 0),
    set_at                            timestamptz NOT NULL,
    PRIMARY KEY (tier, valid_from)
);
COMMENT ON COLUMN prices.valid_from IS 'The first month, until one with a price of its own.';
COMMENT ON COLUMN prices.base_fee_minor_units IS 'Cents, or yen: the currency''s smallest unit.';
COMMENT ON COLUMN prices.overage_micros_per_million_tokens IS
    'Millionths of the currency''s major unit: 0.02 EUR is 20000.';
CREATE TRIGGER prices_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON prices
    EXECUTE FUNCTION refuse_rewriting_money();

-- Which tier an account was on since when, for a month is billed by the tier at its end.
CREATE TABLE account_tiers (
    account_id uuid        NOT NULL REFERENCES accounts ON DELETE CASCADE,
    since      timestamptz NOT NULL,
    tier       text        NOT NULL,
    closed     boolean     NOT NULL,
    PRIMARY KEY (account_id, since)
);

-- Who was closed before there were invoices is never sent one.
INSERT INTO account_tiers (account_id, since, tier, closed)
SELECT id, created_at, tier, status = 'closed' FROM accounts;

-- A trigger, so that no path to an account can forget it; with its owner's rights, so that nobody
-- else can write the history. A clock that went back leaves it in order.
CREATE FUNCTION note_account_tier() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    last timestamptz := (SELECT max(since) FROM account_tiers WHERE account_id = NEW.id);
BEGIN
    INSERT INTO account_tiers (account_id, since, tier, closed)
         VALUES (NEW.id,
                 CASE TG_OP WHEN 'INSERT' THEN NEW.created_at
                            ELSE greatest(clock_timestamp(), last + interval '1 microsecond') END,
                 NEW.tier, NEW.status = 'closed');
    RETURN NULL;
END $$;
CREATE TRIGGER accounts_tier_noted_at_first AFTER INSERT ON accounts
    FOR EACH ROW EXECUTE FUNCTION note_account_tier();
CREATE TRIGGER accounts_tier_noted AFTER UPDATE OF tier, status ON accounts FOR EACH ROW
    WHEN (OLD.tier <> NEW.tier OR (OLD.status = 'closed') <> (NEW.status = 'closed'))
    EXECUTE FUNCTION note_account_tier();

-- A draft is computed anew at each look and never stored: what is here is finished.
CREATE TABLE invoices (
    number       text PRIMARY KEY,
    year         integer NOT NULL,
    sequence     integer NOT NULL CHECK (sequence > 0),
    kind         text    NOT NULL CHECK (kind IN ('invoice', 'supplement', 'correction')),
    account_id   uuid    NOT NULL REFERENCES accounts,
    account_name text    NOT NULL,
    month        date    NOT NULL CHECK (extract(day FROM month) = 1),
    currency     text    NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    total_minor_units                 bigint  NOT NULL,
    lines                             integer NOT NULL CHECK (lines > 0),
    tier                              text,
    base_fee_minor_units              bigint,
    included_tokens                   bigint,
    overage_micros_per_million_tokens bigint,
    corrects     text REFERENCES invoices,
    reason       text,
    request_id   uuid        NOT NULL,
    finalized_at timestamptz NOT NULL,
    finalized_by text        NOT NULL,
    UNIQUE (year, sequence),
    CHECK (number = format('T-%s-%s', year, lpad(sequence::text, greatest(6, length(sequence::text)), '0'))),
    CHECK (year = extract(year FROM finalized_at AT TIME ZONE 'UTC')),
    CHECK (num_nonnulls(tier, base_fee_minor_units, included_tokens,
                        overage_micros_per_million_tokens)
           = CASE kind WHEN 'invoice' THEN 4 ELSE 0 END),
    CHECK (num_nonnulls(corrects, reason) = CASE kind WHEN 'correction' THEN 2 ELSE 0 END)
);
COMMENT ON COLUMN invoices.account_name IS 'As it was: a later name changes no invoice.';
COMMENT ON COLUMN invoices.tier IS 'With the next three, what the month was billed by.';
COMMENT ON COLUMN invoices.request_id IS 'Of the audit''s entry; an entry may have made several.';
CREATE UNIQUE INDEX invoices_month_once ON invoices (account_id, month) WHERE kind = 'invoice';
CREATE INDEX invoices_account_id ON invoices (account_id, month);
CREATE INDEX invoices_month ON invoices (month);
CREATE INDEX invoices_corrects ON invoices (corrects) WHERE corrects IS NOT NULL;
CREATE INDEX invoices_request_id ON invoices (request_id);

CREATE TABLE invoice_lines (
    number             text    NOT NULL REFERENCES invoices,
    position           integer NOT NULL CHECK (position > 0),
    kind               text    NOT NULL
                       CHECK (kind IN ('base_fee', 'usage', 'late_usage', 'correction')),
    usage_month        date    NOT NULL CHECK (extract(day FROM usage_month) = 1),
    tokens             bigint  NOT NULL,
    overage_tokens     bigint  NOT NULL,
    amount_minor_units bigint  NOT NULL,
    description        text    NOT NULL,
    PRIMARY KEY (number, position)
);
COMMENT ON COLUMN invoice_lines.tokens IS
    'Of usage_month, billed by this line: the sum over an account''s lines is what was billed of it.';

CREATE TRIGGER invoices_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON invoices
    EXECUTE FUNCTION refuse_rewriting_money();
CREATE TRIGGER invoice_lines_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_lines
    EXECUTE FUNCTION refuse_rewriting_money();

-- Under the lock that all changes share, so of two at once the second counts the first; one that is
-- rolled back leaves no gap.
CREATE FUNCTION check_invoice_number() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last integer;
BEGIN
    PERFORM lock_directory();
    SELECT coalesce(max(sequence), 0) INTO last FROM invoices WHERE year = NEW.year;
    IF NEW.sequence <> last + 1 THEN
        RAISE EXCEPTION 'the next invoice of % is number %', NEW.year, last + 1;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER invoices_numbered BEFORE INSERT ON invoices
    FOR EACH ROW EXECUTE FUNCTION check_invoice_number();

-- At commit an invoice has all of its lines, which make its total; so a line that is added later
-- makes it wrong, and is refused.
CREATE FUNCTION check_invoice_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM invoices
          JOIN LATERAL (
                   SELECT count(*) AS lines, coalesce(sum(amount_minor_units), 0) AS total
                     FROM invoice_lines WHERE invoice_lines.number = NEW.number
               ) AS found ON true
         WHERE number = NEW.number
           AND (invoices.lines <> found.lines OR invoices.total_minor_units <> found.total)
    ) THEN
        RAISE EXCEPTION 'the lines of % are not what it was finished with', NEW.number;
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER invoices_whole AFTER INSERT ON invoices
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_invoice_lines();
CREATE CONSTRAINT TRIGGER invoice_lines_whole AFTER INSERT ON invoice_lines
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_invoice_lines();

REVOKE EXECUTE ON FUNCTION
    refuse_rewriting_money(), note_account_tier(), check_invoice_number(), check_invoice_lines()
    FROM PUBLIC;
GRANT SELECT ON account_tiers TO tessera_admin;
GRANT SELECT, INSERT ON prices, invoices, invoice_lines TO tessera_admin;

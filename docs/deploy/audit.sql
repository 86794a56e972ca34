-- The table into which servers copy their audit logs (AUDIT_DATABASE_URL), and the role that they
-- need. Run it once in each database, as its owner, who may also make roles:
--
--     psql --set=ON_ERROR_STOP=1 --file=audit.sql "$DATABASE"
--
-- Servers insert and read, and may not change or remove a row. Old rows are removed by the owner, if
-- at all. Give the role a password with `\password bartizan_audit`. A role is of all databases of a
-- cluster: one that is there already is used, with the password that it has.

BEGIN;

CREATE TABLE audit_records (
    -- Which log: the name of the machine and the path of the file that is written.
    log         text        NOT NULL,
    -- The number of the record in its log, from 1.
    sequence    bigint      NOT NULL CHECK (sequence > 0),
    node        text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    -- start, decision, change, skipped, removed, checkpoint.
    kind        text        NOT NULL,
    -- What one searches for, at most 256 bytes of each. The line has all of it.
    outcome     text,
    issuer      text,
    subject     text,
    client      text,
    action      text,
    target      text,
    resource    text,
    -- The hash of the record, and the record as it is in the file.
    hash        text        NOT NULL,
    line        text        NOT NULL,
    PRIMARY KEY (log, sequence)
);

CREATE INDEX audit_records_time ON audit_records (recorded_at);
CREATE INDEX audit_records_subject ON audit_records (subject, recorded_at);
CREATE INDEX audit_records_action ON audit_records (action, target, recorded_at);
CREATE INDEX audit_records_target ON audit_records (target, recorded_at);
CREATE INDEX audit_records_outcome ON audit_records (outcome, recorded_at);

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bartizan_audit') THEN
        CREATE ROLE bartizan_audit LOGIN;
    END IF;
END
$$;
REVOKE ALL ON audit_records FROM PUBLIC;
GRANT SELECT, INSERT ON audit_records TO bartizan_audit;

COMMIT;

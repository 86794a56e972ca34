-- A user is known by who vouches for it and by its name there. Texts compare byte for byte ("C").
-- Dates are seconds since 1970-01-01T00:00:00Z, up to the year 9999.
CREATE TABLE users (
    issuer       TEXT COLLATE "C" NOT NULL CHECK (length(issuer) BETWEEN 1 AND 255),
    subject      TEXT COLLATE "C" NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
    display_name TEXT   NOT NULL CHECK (length(display_name) <= 255),
    status       TEXT   NOT NULL CHECK (status IN ('active', 'disabled')),
    created_at   BIGINT NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799),
    -- Tokens of a user that were issued before this second are void. NULL: none was ever revoked.
    valid_from   BIGINT CHECK (valid_from BETWEEN 0 AND 253402300799),
    -- When a user last called, to the minute or so.
    last_seen_at BIGINT CHECK (last_seen_at BETWEEN 0 AND 253402300799),
    PRIMARY KEY (issuer, subject)
);

-- Roles end with their user, or at a time of their own.
CREATE TABLE user_roles (
    issuer     TEXT COLLATE "C" NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    role       TEXT COLLATE "C" NOT NULL CHECK (length(role) BETWEEN 1 AND 255),
    expires_at BIGINT CHECK (expires_at BETWEEN 0 AND 253402300799),
    PRIMARY KEY (issuer, subject, role),
    FOREIGN KEY (issuer, subject) REFERENCES users (issuer, subject)
        ON DELETE CASCADE ON UPDATE RESTRICT
);

-- Single tokens that are void, by who issued them and by their jti.
CREATE TABLE revoked_tokens (
    issuer     TEXT COLLATE "C" NOT NULL CHECK (length(issuer) BETWEEN 1 AND 255),
    token_id   TEXT COLLATE "C" NOT NULL CHECK (length(token_id) BETWEEN 1 AND 255),
    revoked_at BIGINT NOT NULL CHECK (revoked_at BETWEEN 0 AND 253402300799),
    -- When the token would have ended anyway. NULL: not known, so it is kept for ever.
    expires_at BIGINT CHECK (expires_at BETWEEN 0 AND 253402300799),
    PRIMARY KEY (issuer, token_id)
);
CREATE INDEX revoked_tokens_expires_at ON revoked_tokens (expires_at) WHERE expires_at IS NOT NULL;

-- Who changed what, and when. Rows are only ever added.
CREATE TABLE changes (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       BIGINT NOT NULL CHECK (at BETWEEN 0 AND 253402300799),
    who      TEXT   NOT NULL CHECK (length(who) BETWEEN 1 AND 255),
    what     TEXT   NOT NULL CHECK (length(what) BETWEEN 1 AND 255),
    issuer   TEXT COLLATE "C" NOT NULL,
    subject  TEXT COLLATE "C",
    token_id TEXT COLLATE "C",
    detail   TEXT
);
CREATE INDEX changes_of_user ON changes (issuer, subject, what);

CREATE FUNCTION changes_are_only_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'changes are only added';
END $$;
CREATE TRIGGER changes_are_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON changes
    FOR EACH STATEMENT EXECUTE FUNCTION changes_are_only_added();

-- What a server that holds users in memory must read again, whoever changed it and by which means.
CREATE TABLE feed (
    seq      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    issuer   TEXT COLLATE "C" NOT NULL,
    subject  TEXT COLLATE "C",
    token_id TEXT COLLATE "C"
);

-- One writer at a time (the lock ends with the transaction), so that numbers become visible in order:
-- who has read up to one of them has missed none before it.
CREATE FUNCTION feed_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7308332170123665234);
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO feed (issuer, subject) VALUES (OLD.issuer, OLD.subject);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO feed (issuer, subject) VALUES (NEW.issuer, NEW.subject);
    END IF;
    PERFORM pg_notify('directory', '');
    RETURN NULL;
END $$;

CREATE FUNCTION feed_token() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7308332170123665234);
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO feed (issuer, token_id) VALUES (OLD.issuer, OLD.token_id);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO feed (issuer, token_id) VALUES (NEW.issuer, NEW.token_id);
    END IF;
    PERFORM pg_notify('directory', '');
    RETURN NULL;
END $$;

CREATE TRIGGER feed_users_made AFTER INSERT OR DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION feed_user();
CREATE TRIGGER feed_users_changed AFTER UPDATE OF issuer, subject, display_name, status, valid_from ON users
    FOR EACH ROW EXECUTE FUNCTION feed_user();
CREATE TRIGGER feed_user_roles AFTER INSERT OR UPDATE OR DELETE ON user_roles
    FOR EACH ROW EXECUTE FUNCTION feed_user();
CREATE TRIGGER feed_revoked_tokens AFTER INSERT OR UPDATE OR DELETE ON revoked_tokens
    FOR EACH ROW EXECUTE FUNCTION feed_token();

-- `TRUNCATE` changes no row that a trigger could see, and would leave servers with what they hold.
CREATE FUNCTION use_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'use DELETE: servers would not notice a TRUNCATE';
END $$;
CREATE TRIGGER users_use_delete BEFORE TRUNCATE ON users
    FOR EACH STATEMENT EXECUTE FUNCTION use_delete();
CREATE TRIGGER user_roles_use_delete BEFORE TRUNCATE ON user_roles
    FOR EACH STATEMENT EXECUTE FUNCTION use_delete();
CREATE TRIGGER revoked_tokens_use_delete BEFORE TRUNCATE ON revoked_tokens
    FOR EACH STATEMENT EXECUTE FUNCTION use_delete();

-- Sessions of clients of the 2025-11-25 revision, so that another node can go on with them.
CREATE TABLE sessions (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    issuer     TEXT COLLATE "C",
    subject    TEXT COLLATE "C",
    client     TEXT COLLATE "C",
    state      BYTEA  NOT NULL,
    updated_at BIGINT NOT NULL CHECK (updated_at BETWEEN 0 AND 253402300799)
);
CREATE INDEX sessions_updated_at ON sessions (updated_at);

-- Keys that all nodes must share, made by the first that needs them.
CREATE TABLE secrets (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);

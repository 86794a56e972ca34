-- When a user last called, to the minute or so.
ALTER TABLE users ADD COLUMN last_seen_at INTEGER CHECK (last_seen_at BETWEEN 0 AND 253402300799);

-- A role may end by itself. NULL: it does not.
ALTER TABLE user_roles ADD COLUMN expires_at INTEGER CHECK (expires_at BETWEEN 0 AND 253402300799);

-- When the token would have ended anyway. NULL: not known, so it is kept for ever.
ALTER TABLE revoked_tokens ADD COLUMN expires_at INTEGER
    CHECK (expires_at BETWEEN 0 AND 253402300799);
CREATE INDEX revoked_tokens_expires_at ON revoked_tokens (expires_at) WHERE expires_at IS NOT NULL;

-- Who changed what, and when. Rows are only ever added.
CREATE TABLE changes (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL CHECK (at BETWEEN 0 AND 253402300799),
    who      TEXT    NOT NULL CHECK (length(who) BETWEEN 1 AND 255),
    what     TEXT    NOT NULL CHECK (length(what) BETWEEN 1 AND 255),
    issuer   TEXT    NOT NULL,
    subject  TEXT,
    token_id TEXT,
    detail   TEXT
) STRICT;
CREATE INDEX changes_of_user ON changes (issuer, subject, what);

CREATE TRIGGER changes_are_not_updated BEFORE UPDATE ON changes
    BEGIN SELECT RAISE(ABORT, 'changes are only added'); END;
CREATE TRIGGER changes_are_not_deleted BEFORE DELETE ON changes
    BEGIN SELECT RAISE(ABORT, 'changes are only added'); END;

-- What a server that holds users in memory must read again, whoever changed it and by which means.
CREATE TABLE feed (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    issuer   TEXT NOT NULL,
    subject  TEXT,
    token_id TEXT
) STRICT;

CREATE TRIGGER feed_user_insert AFTER INSERT ON users
    BEGIN INSERT INTO feed (issuer, subject) VALUES (new.issuer, new.subject); END;
CREATE TRIGGER feed_user_update AFTER UPDATE OF issuer, subject, display_name, status, valid_from ON users
    BEGIN
        INSERT INTO feed (issuer, subject) VALUES (old.issuer, old.subject);
        INSERT INTO feed (issuer, subject) VALUES (new.issuer, new.subject);
    END;
CREATE TRIGGER feed_user_delete AFTER DELETE ON users
    BEGIN INSERT INTO feed (issuer, subject) VALUES (old.issuer, old.subject); END;
CREATE TRIGGER feed_role_insert AFTER INSERT ON user_roles
    BEGIN INSERT INTO feed (issuer, subject) VALUES (new.issuer, new.subject); END;
CREATE TRIGGER feed_role_update AFTER UPDATE ON user_roles
    BEGIN
        INSERT INTO feed (issuer, subject) VALUES (old.issuer, old.subject);
        INSERT INTO feed (issuer, subject) VALUES (new.issuer, new.subject);
    END;
CREATE TRIGGER feed_role_delete AFTER DELETE ON user_roles
    BEGIN INSERT INTO feed (issuer, subject) VALUES (old.issuer, old.subject); END;
CREATE TRIGGER feed_token_insert AFTER INSERT ON revoked_tokens
    BEGIN INSERT INTO feed (issuer, token_id) VALUES (new.issuer, new.token_id); END;
CREATE TRIGGER feed_token_update AFTER UPDATE OF issuer, token_id ON revoked_tokens
    BEGIN
        INSERT INTO feed (issuer, token_id) VALUES (old.issuer, old.token_id);
        INSERT INTO feed (issuer, token_id) VALUES (new.issuer, new.token_id);
    END;
CREATE TRIGGER feed_token_delete AFTER DELETE ON revoked_tokens
    BEGIN INSERT INTO feed (issuer, token_id) VALUES (old.issuer, old.token_id); END;

-- Sessions of clients of the 2025-11-25 revision, so that another node can go on with them.
CREATE TABLE sessions (
    id         TEXT    NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    issuer     TEXT,
    subject    TEXT,
    client     TEXT,
    state      BLOB    NOT NULL,
    updated_at INTEGER NOT NULL CHECK (updated_at BETWEEN 0 AND 253402300799)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_updated_at ON sessions (updated_at);

-- Keys that all nodes must share, made by the first that needs them.
CREATE TABLE secrets (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- What an authorization server keeps. A secret is here as its SHA-256, a password as its Argon2id hash.
-- A removed user takes along what is below that names it.

-- Clients that registered themselves (RFC 7591) or that an operator added.
CREATE TABLE clients (
    id           TEXT NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    -- As JSON, in the form of an answer to a registration.
    metadata     TEXT NOT NULL CHECK (length(metadata) BETWEEN 2 AND 65535),
    secret       BLOB CHECK (length(secret) = 32),
    origin       TEXT NOT NULL CHECK (origin IN ('registered', 'operator')),
    created_at   INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799),
    -- When it last got a token, to the minute or so. NULL: it never did.
    last_used_at INTEGER CHECK (last_used_at BETWEEN 0 AND 253402300799)
) STRICT, WITHOUT ROWID;
CREATE INDEX clients_registered ON clients (last_used_at, created_at) WHERE origin = 'registered';

-- What a user permitted a client to do. The tokens that come of it follow below.
CREATE TABLE grants (
    id           TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 22),
    issuer       TEXT NOT NULL,
    subject      TEXT NOT NULL,
    client_id    TEXT NOT NULL CHECK (length(client_id) BETWEEN 1 AND 255),
    client_name  TEXT CHECK (length(client_name) BETWEEN 1 AND 255),
    resource     TEXT NOT NULL CHECK (length(resource) BETWEEN 1 AND 255),
    scopes       TEXT NOT NULL CHECK (length(scopes) <= 65535),
    created_at   INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799),
    last_used_at INTEGER NOT NULL CHECK (last_used_at BETWEEN 0 AND 253402300799),
    ended_at     INTEGER CHECK (ended_at BETWEEN 0 AND 253402300799),
    -- Which refresh token is current, and since when. NULL: there is none.
    generation   INTEGER CHECK (generation >= 0),
    rotated_at   INTEGER CHECK (rotated_at BETWEEN 0 AND 253402300799),
    -- What the current refresh token was derived with from the one before. NULL: it is the first.
    salt         BLOB CHECK (length(salt) = 32),
    CHECK ((generation IS NULL) = (rotated_at IS NULL)),
    CHECK ((salt IS NULL) = (generation IS NULL OR generation = 0)),
    FOREIGN KEY (issuer, subject) REFERENCES users (issuer, subject)
        ON DELETE CASCADE ON UPDATE RESTRICT
) STRICT, WITHOUT ROWID;
CREATE INDEX grants_of_user ON grants (issuer, subject, last_used_at);
CREATE INDEX grants_of_client ON grants (client_id);
CREATE INDEX grants_last_used_at ON grants (last_used_at);
CREATE INDEX grants_ended_at ON grants (ended_at) WHERE ended_at IS NOT NULL;

-- Every refresh token of a grant, so that an old one is known again.
CREATE TABLE refresh_tokens (
    digest     BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    grant_id   TEXT NOT NULL REFERENCES grants (id) ON DELETE CASCADE ON UPDATE RESTRICT,
    generation INTEGER NOT NULL CHECK (generation >= 0),
    UNIQUE (grant_id, generation)
) STRICT, WITHOUT ROWID;

-- Access tokens of a grant that may be in use, so that they end with it.
CREATE TABLE access_tokens (
    token_id   TEXT NOT NULL PRIMARY KEY CHECK (length(token_id) BETWEEN 1 AND 255),
    grant_id   TEXT NOT NULL REFERENCES grants (id) ON DELETE CASCADE ON UPDATE RESTRICT,
    expires_at INTEGER NOT NULL CHECK (expires_at BETWEEN 0 AND 253402300799)
) STRICT, WITHOUT ROWID;
CREATE INDEX access_tokens_of_grant ON access_tokens (grant_id);
CREATE INDEX access_tokens_expires_at ON access_tokens (expires_at);

-- Authorization codes. One that was exchanged is kept with its grant, so that a second use is known.
CREATE TABLE codes (
    digest       BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    grant_id     TEXT NOT NULL UNIQUE REFERENCES grants (id) ON DELETE CASCADE ON UPDATE RESTRICT,
    redirect_uri TEXT NOT NULL CHECK (length(redirect_uri) BETWEEN 1 AND 2048),
    challenge    TEXT NOT NULL CHECK (length(challenge) = 43),
    issued_at    INTEGER NOT NULL CHECK (issued_at BETWEEN 0 AND 253402300799),
    exchanged_at INTEGER CHECK (exchanged_at BETWEEN 0 AND 253402300799)
) STRICT, WITHOUT ROWID;
CREATE INDEX codes_unused ON codes (issued_at) WHERE exchanged_at IS NULL;

-- Device authorizations (RFC 8628).
CREATE TABLE devices (
    digest        BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    user_code     TEXT NOT NULL UNIQUE CHECK (length(user_code) = 8),
    client_id     TEXT NOT NULL CHECK (length(client_id) BETWEEN 1 AND 255),
    client_name   TEXT CHECK (length(client_name) BETWEEN 1 AND 255),
    resource      TEXT NOT NULL CHECK (length(resource) BETWEEN 1 AND 255),
    scopes        TEXT NOT NULL CHECK (length(scopes) <= 65535),
    created_at    INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799),
    expires_at    INTEGER NOT NULL CHECK (expires_at BETWEEN 0 AND 253402300799),
    state         TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'used')),
    -- How long the client waits between two polls, in seconds, and when it last did one.
    poll_interval INTEGER NOT NULL CHECK (poll_interval BETWEEN 1 AND 86400),
    polled_at     INTEGER CHECK (polled_at BETWEEN 0 AND 253402300799),
    grant_id      TEXT UNIQUE REFERENCES grants (id) ON DELETE CASCADE ON UPDATE RESTRICT,
    CHECK ((grant_id IS NULL) = (state IN ('pending', 'denied')))
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_of_client ON devices (client_id);
CREATE INDEX devices_expires_at ON devices (expires_at);

-- What a user has consented to before.
CREATE TABLE consents (
    issuer       TEXT NOT NULL,
    subject      TEXT NOT NULL,
    client_id    TEXT NOT NULL CHECK (length(client_id) BETWEEN 1 AND 255),
    resource     TEXT NOT NULL CHECK (length(resource) BETWEEN 1 AND 255),
    scopes       TEXT NOT NULL CHECK (length(scopes) <= 65535),
    -- What was offered, and left out.
    declined     TEXT NOT NULL CHECK (length(declined) <= 65535),
    consented_at INTEGER NOT NULL CHECK (consented_at BETWEEN 0 AND 253402300799),
    PRIMARY KEY (issuer, subject, client_id, resource),
    FOREIGN KEY (issuer, subject) REFERENCES users (issuer, subject)
        ON DELETE CASCADE ON UPDATE RESTRICT
) STRICT, WITHOUT ROWID;
CREATE INDEX consents_of_client ON consents (client_id);

CREATE TABLE passwords (
    issuer     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    -- A PHC string.
    hash       TEXT NOT NULL CHECK (length(hash) BETWEEN 1 AND 1023),
    changed_at INTEGER NOT NULL CHECK (changed_at BETWEEN 0 AND 253402300799),
    PRIMARY KEY (issuer, subject),
    FOREIGN KEY (issuer, subject) REFERENCES users (issuer, subject)
        ON DELETE CASCADE ON UPDATE RESTRICT
) STRICT, WITHOUT ROWID;

-- Keys of time-based codes (RFC 6238).
CREATE TABLE second_factors (
    issuer    TEXT NOT NULL,
    subject   TEXT NOT NULL,
    secret    TEXT NOT NULL CHECK (length(secret) BETWEEN 1 AND 255),
    -- The last time step whose code was used. NULL: none was, and none is asked for yet.
    last_step INTEGER CHECK (last_step >= 0),
    PRIMARY KEY (issuer, subject),
    FOREIGN KEY (issuer, subject) REFERENCES users (issuer, subject)
        ON DELETE CASCADE ON UPDATE RESTRICT
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery_codes (
    issuer  TEXT NOT NULL,
    subject TEXT NOT NULL,
    digest  BLOB NOT NULL CHECK (length(digest) = 32),
    PRIMARY KEY (issuer, subject, digest),
    FOREIGN KEY (issuer, subject) REFERENCES second_factors (issuer, subject)
        ON DELETE CASCADE ON UPDATE RESTRICT
) STRICT, WITHOUT ROWID;

-- One-time codes, which are typed beside a name, and links, which name nobody.
CREATE TABLE one_time_secrets (
    issuer     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('code', 'link')),
    digest     BLOB NOT NULL CHECK (length(digest) = 32),
    expires_at INTEGER NOT NULL CHECK (expires_at BETWEEN 0 AND 253402300799),
    PRIMARY KEY (issuer, subject, kind, digest),
    FOREIGN KEY (issuer, subject) REFERENCES users (issuer, subject)
        ON DELETE CASCADE ON UPDATE RESTRICT
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX one_code_of_user ON one_time_secrets (issuer, subject) WHERE kind = 'code';
CREATE UNIQUE INDEX one_time_links ON one_time_secrets (digest) WHERE kind = 'link';
CREATE INDEX one_time_secrets_expires_at ON one_time_secrets (expires_at);

-- Browsers that are signed in.
CREATE TABLE browser_sessions (
    digest       BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    id           TEXT NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 255),
    issuer       TEXT NOT NULL,
    subject      TEXT NOT NULL,
    method       TEXT NOT NULL CHECK (length(method) BETWEEN 1 AND 255),
    user_agent   TEXT NOT NULL CHECK (length(user_agent) <= 255),
    created_at   INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799),
    expires_at   INTEGER NOT NULL CHECK (expires_at BETWEEN 0 AND 253402300799),
    last_used_at INTEGER NOT NULL CHECK (last_used_at BETWEEN 0 AND 253402300799),
    FOREIGN KEY (issuer, subject) REFERENCES users (issuer, subject)
        ON DELETE CASCADE ON UPDATE RESTRICT
) STRICT, WITHOUT ROWID;
CREATE INDEX browser_sessions_of_user ON browser_sessions (issuer, subject, last_used_at);
CREATE INDEX browser_sessions_expires_at ON browser_sessions (expires_at);

-- Failed attempts, until their window ends.
CREATE TABLE throttles (
    key      TEXT NOT NULL PRIMARY KEY CHECK (length(key) BETWEEN 1 AND 255),
    failures INTEGER NOT NULL CHECK (failures > 0),
    ends_at  INTEGER NOT NULL CHECK (ends_at BETWEEN 0 AND 253402300799)
) STRICT, WITHOUT ROWID;
CREATE INDEX throttles_ends_at ON throttles (ends_at);

-- Assertions that were used (RFC 7523 section 3), by who issued them and by their jti.
CREATE TABLE used_assertions (
    issuer     TEXT NOT NULL CHECK (length(issuer) BETWEEN 1 AND 255),
    token_id   TEXT NOT NULL CHECK (length(token_id) BETWEEN 1 AND 255),
    expires_at INTEGER NOT NULL CHECK (expires_at BETWEEN 0 AND 253402300799),
    PRIMARY KEY (issuer, token_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX used_assertions_expires_at ON used_assertions (expires_at);

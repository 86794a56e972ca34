-- A user is known by who vouches for it and by its name there. Texts compare byte for byte.
CREATE TABLE users (
    issuer       TEXT    NOT NULL CHECK (length(issuer) BETWEEN 1 AND 255),
    subject      TEXT    NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
    display_name TEXT    NOT NULL CHECK (length(display_name) <= 255),
    status       TEXT    NOT NULL CHECK (status IN ('active', 'disabled')),
    -- Seconds since 1970-01-01T00:00:00Z, up to the year 9999.
    created_at   INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799),
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;

-- Roles end with their user.
CREATE TABLE user_roles (
    issuer  TEXT NOT NULL,
    subject TEXT NOT NULL,
    role    TEXT NOT NULL CHECK (length(role) BETWEEN 1 AND 255),
    PRIMARY KEY (issuer, subject, role),
    FOREIGN KEY (issuer, subject) REFERENCES users (issuer, subject)
        ON DELETE CASCADE ON UPDATE RESTRICT
) STRICT, WITHOUT ROWID;

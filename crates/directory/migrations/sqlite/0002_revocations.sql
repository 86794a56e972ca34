-- Tokens of a user that were issued before this second are void. NULL: none was ever revoked.
ALTER TABLE users ADD COLUMN valid_from INTEGER CHECK (valid_from BETWEEN 0 AND 253402300799);

-- Single tokens that are void, by who issued them and by their jti.
CREATE TABLE revoked_tokens (
    issuer     TEXT    NOT NULL CHECK (length(issuer) BETWEEN 1 AND 255),
    token_id   TEXT    NOT NULL CHECK (length(token_id) BETWEEN 1 AND 255),
    revoked_at INTEGER NOT NULL CHECK (revoked_at BETWEEN 0 AND 253402300799),
    PRIMARY KEY (issuer, token_id)
) STRICT, WITHOUT ROWID;

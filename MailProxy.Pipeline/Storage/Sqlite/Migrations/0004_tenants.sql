CREATE TABLE tenants (
    id              TEXT    PRIMARY KEY,
    config          TEXT    NOT NULL, -- JSON, no secrets
    attachment_auth BLOB,             -- sealed by SecretBox
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO tenants (id, config, created_at, updated_at) VALUES ('default', '{"name":"default"}', unixepoch() * 1000, unixepoch() * 1000);

-- Only the SHA-256 of a key is stored: a key has 256 random bits, so a slower hash is not needed.
CREATE TABLE tenant_keys (
    tenant           TEXT    NOT NULL,
    id               TEXT    NOT NULL,
    name             TEXT    NOT NULL,
    hash             BLOB    NOT NULL,
    scopes           INTEGER NOT NULL, -- KeyScopes
    allowed_networks TEXT    NOT NULL, -- JSON array; empty: from anywhere
    created_at       INTEGER NOT NULL,
    expires_at       INTEGER,
    last_used_at     INTEGER,          -- within a minute
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX tenant_keys_hash ON tenant_keys (hash);

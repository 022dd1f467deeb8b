-- A tenant's limits are counted under its negated number, beside those of accounts. The number is never reused, so a new tenant with the same id inherits no counts.
CREATE TABLE numbered_tenants (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT    NOT NULL UNIQUE,
    config          TEXT    NOT NULL, -- JSON, no secrets
    attachment_auth BLOB,             -- as before
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;
INSERT INTO numbered_tenants (id, config, attachment_auth, created_at, updated_at)
    SELECT id, config, attachment_auth, created_at, updated_at FROM tenants ORDER BY created_at, id;
DROP TABLE tenants;
ALTER TABLE numbered_tenants RENAME TO tenants;

-- Addresses and domains that a tenant's mail does not go to. Addresses in lower case, a domain with an @ in front.
CREATE TABLE suppressions (
    tenant     TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    source     INTEGER NOT NULL, -- SuppressionSource
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (tenant, address)
) STRICT, WITHOUT ROWID;

-- Lists the entries of one source, which may be few in a long list.
CREATE INDEX suppressions_source ON suppressions (tenant, source, address);

CREATE TABLE volumes (
    tenant     TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    shared     INTEGER NOT NULL, -- every tenant may use it
    admin_set  INTEGER NOT NULL, -- set with the admin key
    config     TEXT    NOT NULL, -- JSON, no secret
    secret     BLOB,             -- sealed by SecretBox
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

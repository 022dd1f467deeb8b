-- Deleted tenants of which rows still exist. Until those are removed, no tenant with the same id may be created, because it would see them.
CREATE TABLE removed_tenants (
    id      TEXT    PRIMARY KEY,
    through INTEGER NOT NULL DEFAULT 0 -- events up to this position were looked at
) STRICT, WITHOUT ROWID;

-- Tenants that were deleted and of which something is still here: until it is gone no tenant of the same id may be made, for it would see it.
CREATE TABLE removed_tenants (
    id      TEXT    PRIMARY KEY,
    through INTEGER NOT NULL DEFAULT 0 -- events up to this position were looked at
) STRICT, WITHOUT ROWID;

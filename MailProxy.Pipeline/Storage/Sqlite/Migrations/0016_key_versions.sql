-- As of volumes and tenants; a use of a key does not raise it.
ALTER TABLE tenant_keys ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

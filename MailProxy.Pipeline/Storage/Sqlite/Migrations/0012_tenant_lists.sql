-- A tenant's lists and feeds are read without reading rows of other tenants, however many those are. New entries are appended at the end of their
-- tenant's part, so storing a message costs little more. SQLite adds the arrival number or the position as the last column of each index.
CREATE INDEX messages_tenant ON messages (tenant);
CREATE INDEX messages_tenant_state ON messages (tenant, state) WHERE state <> 0 AND state <> 10;
CREATE INDEX events_tenant ON events (tenant);

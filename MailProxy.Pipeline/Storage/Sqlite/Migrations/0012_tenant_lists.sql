-- What a tenant lists and pulls is found without a look at what belongs to others, however much that is. Each entry is appended at the end of its
-- tenant's part, so that storing a message pays little for them. The arrival number and the position are the last column of each by themselves.
CREATE INDEX messages_tenant ON messages (tenant);
CREATE INDEX messages_tenant_state ON messages (tenant, state) WHERE state <> 0 AND state <> 10;
CREATE INDEX events_tenant ON events (tenant);

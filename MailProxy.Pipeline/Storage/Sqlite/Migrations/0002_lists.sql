-- Lists of messages by state. Most mail goes from queued (0) to sent (10) and never touches this index; lists of those two
-- states are driven by the queue and by the arrival number. Tenant and priority are in it so that a filter and the count of
-- what waits need not look at the messages themselves.
CREATE INDEX messages_notable ON messages (state, number, tenant, priority) WHERE state <> 0 AND state <> 10;

-- Costs nothing for mail that names no batch.
CREATE INDEX messages_batch ON messages (batch, tenant) WHERE batch IS NOT NULL;

-- None on account, tags or created_at: every message would pay for it when it is stored, and a list filtered by those alone
-- reads backwards from the newest, at worst the whole table (a few tenths of a second for a million rows).

-- Lists of messages by state. Most mail goes from queued (0) to sent (10) and never touches this index; lists of those two
-- states are driven by the queue and by the arrival number. The index contains tenant and priority, so that a filter and the
-- count of waiting mail need not read the messages themselves.
CREATE INDEX messages_notable ON messages (state, number, tenant, priority) WHERE state <> 0 AND state <> 10;

-- Costs nothing for mail without a batch.
CREATE INDEX messages_batch ON messages (batch, tenant) WHERE batch IS NOT NULL;

-- There is no index on account, tags or created_at: every stored message would pay for it, and a list filtered by those alone
-- reads backwards from the newest, at worst the whole table (a few tenths of a second for a million rows).

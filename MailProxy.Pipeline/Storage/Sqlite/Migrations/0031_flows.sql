-- Batches take turns in a lane. queue.flow is FlowKey: a hash of the batch, 0 without one; a row keeps it in whatever lane it waits.
-- The index of lanes is built anew, and mail in batches is looked up: a store with a million waiting messages takes some seconds for that.
ALTER TABLE queue ADD COLUMN flow INTEGER NOT NULL DEFAULT 0;
DROP INDEX queue_lane;
UPDATE queue SET flow = flow_of(m.batch) FROM messages m WHERE m.number = queue.message AND m.batch IS NOT NULL;

-- Fresh mail, by arrival (the rowid ends each entry). Mail without a batch is in this index only.
CREATE INDEX queue_lane ON queue (lane, priority, flow) WHERE state = 0 AND due = 0;
-- Fresh mail of batches, whichever: since when a lane's mail waits.
CREATE INDEX queue_age ON queue (lane, priority) WHERE state = 0 AND due = 0 AND flow <> 0;
-- Deferred and scheduled mail: when the next is due, and what is due of one batch.
CREATE INDEX queue_due ON queue (lane, priority, due, message) WHERE state = 0 AND due > 0;
CREATE INDEX queue_flow ON queue (lane, priority, flow, due, message) WHERE state = 0 AND due > 0;

-- Batches that a person has suspended. Few rows, mostly none.
CREATE TABLE suspended_batches (
    tenant TEXT    NOT NULL,
    batch  TEXT    NOT NULL,
    since  INTEGER NOT NULL,
    PRIMARY KEY (tenant, batch)
) STRICT, WITHOUT ROWID;

-- queue.state 3: ready, but its batch is suspended. Such mail is in no lane, so it is not read until the batch is activated.
-- However a row becomes ready (submitted, tried, released, rescheduled), these triggers set it aside; with no suspended batch they read an empty table.
CREATE TRIGGER queue_batch_new AFTER INSERT ON queue WHEN NEW.state = 0 AND EXISTS (SELECT 1 FROM suspended_batches)
BEGIN
    UPDATE queue SET state = 3 WHERE message = NEW.message AND EXISTS (
        SELECT 1 FROM messages m JOIN suspended_batches s ON s.tenant = m.tenant AND s.batch = m.batch WHERE m.number = NEW.message);
END;
CREATE TRIGGER queue_batch_again AFTER UPDATE OF state ON queue WHEN NEW.state = 0 AND EXISTS (SELECT 1 FROM suspended_batches)
BEGIN
    UPDATE queue SET state = 3 WHERE message = NEW.message AND EXISTS (
        SELECT 1 FROM messages m JOIN suspended_batches s ON s.tenant = m.tenant AND s.batch = m.batch WHERE m.number = NEW.message);
END;

-- Mail of suspended batches expires nevertheless.
DROP INDEX queue_expiry;
CREATE INDEX queue_expiry ON queue (expires_at) WHERE state IN (0, 3);

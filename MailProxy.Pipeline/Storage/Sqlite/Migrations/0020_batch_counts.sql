-- How many messages of a batch are in each state. Kept by triggers, so that whatever changes a message changes it in the same transaction; a message without
-- a batch costs a comparison. Filled once: a store with a million messages in batches takes some seconds for that.
CREATE TABLE batch_counts (
    tenant TEXT    NOT NULL,
    batch  TEXT    NOT NULL,
    state  INTEGER NOT NULL,
    count  INTEGER NOT NULL,
    PRIMARY KEY (tenant, batch, state)
) STRICT, WITHOUT ROWID;

INSERT INTO batch_counts (tenant, batch, state, count)
    SELECT tenant, batch, state, count(*) FROM messages WHERE batch IS NOT NULL GROUP BY tenant, batch, state;

CREATE TRIGGER messages_batch_new AFTER INSERT ON messages WHEN NEW.batch IS NOT NULL
BEGIN
    INSERT INTO batch_counts (tenant, batch, state, count) VALUES (NEW.tenant, NEW.batch, NEW.state, 1)
        ON CONFLICT (tenant, batch, state) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER messages_batch_state AFTER UPDATE OF state, batch ON messages
    WHEN (OLD.batch IS NOT NULL OR NEW.batch IS NOT NULL) AND (OLD.state <> NEW.state OR OLD.batch IS NOT NEW.batch)
BEGIN
    UPDATE batch_counts SET count = count - 1 WHERE tenant = OLD.tenant AND batch = OLD.batch AND state = OLD.state;
    DELETE FROM batch_counts WHERE tenant = OLD.tenant AND batch = OLD.batch AND state = OLD.state AND count = 0;
    INSERT INTO batch_counts (tenant, batch, state, count) SELECT NEW.tenant, NEW.batch, NEW.state, 1 WHERE NEW.batch IS NOT NULL
        ON CONFLICT (tenant, batch, state) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER messages_batch_gone AFTER DELETE ON messages WHEN OLD.batch IS NOT NULL
BEGIN
    UPDATE batch_counts SET count = count - 1 WHERE tenant = OLD.tenant AND batch = OLD.batch AND state = OLD.state;
    DELETE FROM batch_counts WHERE tenant = OLD.tenant AND batch = OLD.batch AND state = OLD.state AND count = 0;
END;

ALTER TABLE webhooks ADD COLUMN version INTEGER NOT NULL DEFAULT 1; -- raised by every change of a person's
ALTER TABLE webhooks ADD COLUMN style INTEGER NOT NULL DEFAULT 0; -- ReportStyle
ALTER TABLE webhooks ADD COLUMN auth BLOB; -- sealed by SecretBox
ALTER TABLE webhooks ADD COLUMN previous_secret BLOB; -- sealed by SecretBox; signs too until the time below
ALTER TABLE webhooks ADD COLUMN previous_until INTEGER;

-- How a batch was cut before it was first sent, so that it is sent again unchanged after a restart.
ALTER TABLE webhooks ADD COLUMN batches TEXT;

-- A replay: events after replay_acknowledged, through replay_through, are sent again; null: none.
ALTER TABLE webhooks ADD COLUMN replay_acknowledged INTEGER;
ALTER TABLE webhooks ADD COLUMN replay_through INTEGER;
ALTER TABLE webhooks ADD COLUMN replay_batches TEXT;

-- Style sync: no empty report is sent before quiet_until; the last report was sent at called_at.
ALTER TABLE webhooks ADD COLUMN quiet_until INTEGER;
ALTER TABLE webhooks ADD COLUMN called_at INTEGER;

-- Style sync: events at or before the acknowledged position that the endpoint named in "error". They do not count as reported while the row exists.
CREATE TABLE webhook_resends (
    tenant   TEXT    NOT NULL,
    webhook  TEXT    NOT NULL,
    position INTEGER NOT NULL, -- in events
    since    INTEGER NOT NULL, -- when it was named first
    failures INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    PRIMARY KEY (tenant, webhook, position)
) STRICT, WITHOUT ROWID;

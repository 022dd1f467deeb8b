ALTER TABLE webhooks ADD COLUMN version INTEGER NOT NULL DEFAULT 1; -- raised by every change of a person's
ALTER TABLE webhooks ADD COLUMN style INTEGER NOT NULL DEFAULT 0; -- ReportStyle
ALTER TABLE webhooks ADD COLUMN auth BLOB; -- sealed by SecretBox
ALTER TABLE webhooks ADD COLUMN previous_secret BLOB; -- sealed by SecretBox; signs too until the time below
ALTER TABLE webhooks ADD COLUMN previous_until INTEGER;

-- How a batch was cut before it was first tried, so that it comes again unchanged after a restart.
ALTER TABLE webhooks ADD COLUMN batches TEXT;

-- A part of the log that is told once more: from behind replay_acknowledged through replay_through; null: none.
ALTER TABLE webhooks ADD COLUMN replay_acknowledged INTEGER;
ALTER TABLE webhooks ADD COLUMN replay_through INTEGER;
ALTER TABLE webhooks ADD COLUMN replay_batches TEXT;

-- Style sync: no empty report before the first, and when the last report went out.
ALTER TABLE webhooks ADD COLUMN quiet_until INTEGER;
ALTER TABLE webhooks ADD COLUMN called_at INTEGER;

-- Style sync: events at or before the acknowledged position that the endpoint named in "error". Not reported until the row is gone.
CREATE TABLE webhook_resends (
    tenant   TEXT    NOT NULL,
    webhook  TEXT    NOT NULL,
    position INTEGER NOT NULL, -- in events
    since    INTEGER NOT NULL, -- when it was named first
    failures INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    PRIMARY KEY (tenant, webhook, position)
) STRICT, WITHOUT ROWID;

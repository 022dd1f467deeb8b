-- Whether a webhook that is told by reports gets empty ones too.
ALTER TABLE webhooks ADD COLUMN empty_reports INTEGER NOT NULL DEFAULT 1;

-- When a webhook had acknowledged how much, to the minute: from it follows when an event was reported.
CREATE TABLE acknowledgements (
    tenant   TEXT    NOT NULL,
    webhook  TEXT    NOT NULL,
    minute   INTEGER NOT NULL,
    position INTEGER NOT NULL, -- in events
    at       INTEGER NOT NULL, -- of the last one in this minute
    PRIMARY KEY (tenant, webhook, minute)
) STRICT, WITHOUT ROWID;
CREATE INDEX acknowledgements_position ON acknowledgements (tenant, webhook, position);

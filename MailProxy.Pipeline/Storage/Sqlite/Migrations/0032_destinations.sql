-- What accounts have sent to single domains, for limits of those: slots as in limit_uses.
CREATE TABLE destination_uses (
    account INTEGER NOT NULL,
    domain  TEXT    NOT NULL,
    window  INTEGER NOT NULL, -- seconds
    slot    INTEGER NOT NULL,
    count   INTEGER NOT NULL,
    PRIMARY KEY (account, domain, window, slot)
) STRICT, WITHOUT ROWID;
CREATE INDEX destination_uses_slot ON destination_uses (slot);

-- 1: it was put off because of the limit of a destination, and is due as soon as that limit is another.
ALTER TABLE queue ADD COLUMN destination INTEGER NOT NULL DEFAULT 0;
CREATE INDEX queue_destination ON queue (lane, message) WHERE destination = 1;

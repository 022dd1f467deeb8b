-- Finished messages that must be kept longer than the walk through the log can wait: because of their retention, or for a webhook that has not acknowledged.
CREATE TABLE retained (
    subject  INTEGER PRIMARY KEY, -- a message; below 0: the position, negated, of an event that is about none
    tenant   TEXT    NOT NULL,
    stage    INTEGER NOT NULL,    -- 0: its content goes next, 1: the same of what was not delivered, 2: all of it
    position INTEGER NOT NULL,    -- of its last event
    at       INTEGER NOT NULL     -- of its last event
) STRICT;
CREATE INDEX retained_order ON retained (tenant, stage, position);

-- Up to this position events of the tenant may have been purged from the log.
CREATE TABLE event_floors (
    tenant   TEXT PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

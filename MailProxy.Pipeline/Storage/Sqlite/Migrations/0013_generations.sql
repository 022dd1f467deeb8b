-- The generations of the store: one begins when the store is created, and another with each restored backup. Ids of events and cursors are derived from its key,
-- so that those of one generation are not valid in another, and reveal no counts. Events before the first row keep the plain ids with which they were reported.
CREATE TABLE generations (
    number      INTEGER PRIMARY KEY,
    id          BLOB    NOT NULL, -- 8 random bytes
    key         BLOB    NOT NULL, -- 32 random bytes
    first_event INTEGER NOT NULL, -- its events stand at this position and after it
    first_audit INTEGER NOT NULL, -- so with the audit log
    made_at     INTEGER NOT NULL,
    backup_at   INTEGER           -- when the backup was made that it began with; null: none
) STRICT;
INSERT INTO generations (number, id, key, first_event, first_audit, made_at)
    SELECT 1, randomblob(8), randomblob(32),
        coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0) + 1,
        coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'audit'), 0) + 1,
        CAST(strftime('%s', 'now') AS INTEGER) * 1000;

-- Each life of the store: it begins when the store is made and anew when a backup is restored. Ids of events and cursors are made under its key, so that
-- nothing of one life is mistaken for something of another, and nobody counts by them. Events before the first row bear the plain ids that they were told under.
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

-- One action on all messages that a search finds. Times are Unix milliseconds.
CREATE TABLE operations (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant     TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    action     INTEGER NOT NULL, -- BulkAction
    search     TEXT    NOT NULL, -- empty: it undoes another one
    details    TEXT    NOT NULL, -- JSON
    asked_at   INTEGER NOT NULL, -- ages in the search are reckoned from then
    through    INTEGER NOT NULL, -- the newest message that it is about
    expected   INTEGER NOT NULL, -- what the search found then
    actor      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    state      INTEGER NOT NULL DEFAULT 0, -- OperationState
    cursor     INTEGER NOT NULL, -- messages below it are still to be looked at
    changed    INTEGER NOT NULL DEFAULT 0,
    refused    INTEGER NOT NULL DEFAULT 0,
    ended_at   INTEGER,
    undoes     INTEGER, -- operations.number
    undone_by  TEXT,    -- operations.id
    trouble    TEXT
) STRICT;
CREATE UNIQUE INDEX operations_name ON operations (tenant, id);
CREATE INDEX operations_running ON operations (number) WHERE state = 0;
CREATE INDEX operations_ended ON operations (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX operations_undoes ON operations (undoes) WHERE undoes IS NOT NULL;

-- How a message was before an operation, as long as it can be undone.
CREATE TABLE operation_changes (
    operation INTEGER NOT NULL,
    message   INTEGER NOT NULL,
    before    TEXT    NOT NULL, -- JSON
    PRIMARY KEY (operation, message)
) STRICT, WITHOUT ROWID;

-- Times are Unix milliseconds. Enumerations are the numbers of the types in Mail/.

CREATE TABLE accounts (
    number      INTEGER PRIMARY KEY AUTOINCREMENT, -- AccountKey; never used again, deleted rows stay as tombstones
    tenant      TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    config      TEXT    NOT NULL,                  -- JSON, no secrets
    password    BLOB,                              -- sealed by SecretBox
    dkim_key    BLOB,                              -- sealed by SecretBox
    paused      INTEGER NOT NULL DEFAULT 0,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    deleted_at  INTEGER
) STRICT;
CREATE UNIQUE INDEX accounts_name ON accounts (tenant, id) WHERE deleted_at IS NULL;

CREATE TABLE messages (
    number             INTEGER PRIMARY KEY AUTOINCREMENT, -- arrival number; the order must survive a purge
    tenant             TEXT    NOT NULL,
    id                 TEXT    NOT NULL,
    revision           INTEGER NOT NULL,
    state              INTEGER NOT NULL, -- MessageState; "sending" stands in queue.state only
    account            INTEGER NOT NULL,
    priority           INTEGER NOT NULL,
    attempts           INTEGER NOT NULL DEFAULT 0, -- attempts that counted
    sequence           INTEGER NOT NULL DEFAULT 0, -- of the last event
    envelope_sender    TEXT    NOT NULL,
    subject            TEXT,
    message_id_header  TEXT    NOT NULL,
    created_at         INTEGER NOT NULL,
    send_at            INTEGER,
    expires_at         INTEGER NOT NULL,
    on_ambiguous       INTEGER NOT NULL,
    possible_duplicate INTEGER NOT NULL DEFAULT 0,
    hold_reason        TEXT,
    batch              TEXT,
    tags               TEXT, -- JSON array
    metadata           TEXT, -- JSON object
    content_hash       BLOB  -- null: the id was made here
) STRICT;
CREATE UNIQUE INDEX messages_name ON messages (tenant, id);

CREATE TABLE bodies (
    message INTEGER PRIMARY KEY,
    json    BLOB, -- the draft as UTF-8, or null when it is in a spool file
    spool   TEXT,
    size    INTEGER NOT NULL
) STRICT;
CREATE INDEX bodies_spool ON bodies (spool) WHERE spool IS NOT NULL; -- the sweep of orphaned spool files reads only this

CREATE TABLE recipients (
    message       INTEGER NOT NULL,
    ordinal       INTEGER NOT NULL,
    address       TEXT    NOT NULL,
    state         INTEGER NOT NULL, -- RecipientState
    rounds        INTEGER NOT NULL DEFAULT 0, -- rounds it had its turn in; wants this round while not final and rounds <= queue.round
    smtp_code     INTEGER,
    enhanced_code TEXT,
    reply         TEXT,
    PRIMARY KEY (message, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX recipients_address ON recipients (address COLLATE NOCASE);

-- The hot table: one small row for each message that is not final.
CREATE TABLE queue (
    message    INTEGER PRIMARY KEY,
    account    INTEGER NOT NULL,
    priority   INTEGER NOT NULL,
    due        INTEGER NOT NULL, -- 0: by arrival
    state      INTEGER NOT NULL, -- 0 ready, 1 sending (marked), 2 held
    revision   INTEGER NOT NULL,
    attempt    INTEGER NOT NULL, -- raised whenever an attempt ends: an older ticket is stale
    round      INTEGER NOT NULL, -- failed rounds so far
    recipients INTEGER NOT NULL, -- how many want this round
    marked     INTEGER NOT NULL DEFAULT 0, -- recipients of the marked slice
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX queue_lane ON queue (account, priority, due, message) WHERE state = 0;
CREATE INDEX queue_expiry ON queue (expires_at) WHERE state = 0;
CREATE INDEX queue_unready ON queue (state) WHERE state <> 0;

CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT, -- commit order
    tenant   TEXT    NOT NULL,
    message  INTEGER, -- null: not about a message
    sequence INTEGER NOT NULL, -- per message from 1 without gaps; 0 when not about a message
    type     INTEGER NOT NULL, -- EventType
    at       INTEGER NOT NULL,
    status   INTEGER NOT NULL, -- MessageState after it
    account  INTEGER,
    attempt  INTEGER NOT NULL,
    detail   BLOB -- JSON members that only this event has, without braces
) STRICT;
CREATE UNIQUE INDEX events_message ON events (message, sequence) WHERE message IS NOT NULL;

CREATE TABLE webhooks (
    tenant        TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    url           TEXT    NOT NULL,
    secret        BLOB    NOT NULL, -- sealed by SecretBox
    types         TEXT    NOT NULL, -- JSON array; empty: all
    final_only    INTEGER NOT NULL,
    max_batch     INTEGER NOT NULL,
    paused        INTEGER NOT NULL,
    acknowledged  INTEGER NOT NULL, -- position in events
    failing_since INTEGER,
    failures      INTEGER NOT NULL,
    disabled_at   INTEGER,
    last_error    TEXT,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    tenant      TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL,
    status      INTEGER NOT NULL,
    body        BLOB    NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency (created_at);

CREATE TABLE limit_uses (
    account INTEGER NOT NULL, -- 0: the installation's own partition
    window  INTEGER NOT NULL, -- seconds: 60, 3600, 86400
    slot    INTEGER NOT NULL, -- the slot's start
    count   INTEGER NOT NULL,
    PRIMARY KEY (account, window, slot)
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE secret_keys (
    key_id TEXT PRIMARY KEY,
    proof  BLOB NOT NULL -- a known text sealed under the key: tells a wrong key from a damaged secret
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    actor   TEXT    NOT NULL,
    action  TEXT    NOT NULL,
    object  TEXT    NOT NULL,
    before  TEXT, -- JSON without secrets
    after   TEXT  -- JSON without secrets
) STRICT;

-- Pools of accounts. A pool's mail waits in a lane of its own, whose number is the pool's, negated.
CREATE TABLE pools (
    number     INTEGER PRIMARY KEY AUTOINCREMENT, -- PoolKey; never used again
    tenant     TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    config     TEXT    NOT NULL,                  -- JSON
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX pools_name ON pools (tenant, id);

-- Null: the message names an account. Of a pool's message, account is the one that it went by last, 0 before that.
ALTER TABLE messages ADD COLUMN pool INTEGER;

-- Ids of accounts that a pool's message may not go by, with commas between. What has one account left waits in that account's lane.
ALTER TABLE queue ADD COLUMN not_by TEXT;

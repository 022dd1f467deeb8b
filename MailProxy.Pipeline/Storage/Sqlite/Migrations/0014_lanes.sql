-- What orders mail is a lane, not an account: each account has one with its own number, so every row says the same as before.
-- Both statements change the schema only, however many rows there are; the index queue_lane follows.
ALTER TABLE queue RENAME COLUMN account TO lane;

-- An account's number, a tenant's negated, 0 for the installation.
ALTER TABLE limit_uses RENAME COLUMN account TO key;

-- Secrets of an account that logs in with tokens, sealed by SecretBox: JSON.
ALTER TABLE accounts ADD COLUMN oauth BLOB;

-- The refresh token that a token endpoint gave instead of the one that a person had set. Not a column of accounts: a server replaces it
-- each hour, and the account's version and its connections must not follow that.
CREATE TABLE refresh_tokens (
    account INTEGER PRIMARY KEY, -- accounts.number
    token   BLOB    NOT NULL,    -- sealed by SecretBox: JSON of what was set and what stands for it now
    at      INTEGER NOT NULL
) STRICT;

-- How far ahead the end of an account's secret was told.
CREATE TABLE secret_warnings (
    account    INTEGER PRIMARY KEY, -- accounts.number
    expires_at INTEGER NOT NULL,    -- the end that was told
    days       INTEGER NOT NULL     -- the least number of days ahead that was told; 0: that it is over
) STRICT;

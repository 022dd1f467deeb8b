-- Circuits of accounts in trouble: a restart does not begin with all their mail at once.
CREATE TABLE account_circuits (
    account INTEGER PRIMARY KEY, -- accounts.number
    circuit TEXT    NOT NULL     -- JSON
) STRICT;

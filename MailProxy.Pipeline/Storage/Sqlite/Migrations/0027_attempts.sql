-- What was said in attempts that did not simply succeed, the last ones of each message.
CREATE TABLE attempts (
    message    INTEGER NOT NULL,
    ordinal    INTEGER NOT NULL, -- from 1 without gaps, the oldest deleted first
    number     INTEGER NOT NULL, -- which attempt of the message it was
    counts     INTEGER NOT NULL, -- 0: it cost the message no attempt
    times      INTEGER NOT NULL, -- attempts in a row that this one stands for
    account    INTEGER NOT NULL,
    began_at   INTEGER NOT NULL,
    ended_at   INTEGER NOT NULL,
    detail     TEXT    NOT NULL, -- JSON, Mail/AttemptDetail
    PRIMARY KEY (message, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX attempts_age ON attempts (ended_at);

-- The rule of a provider's profile that decided of a recipient.
ALTER TABLE recipients ADD COLUMN rule TEXT;

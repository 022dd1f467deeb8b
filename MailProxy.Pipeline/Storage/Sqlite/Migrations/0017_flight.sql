-- The run whose marks the flight log has: a file of its own beside the database. Committed at each start, before its first mark.
CREATE TABLE flight (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    run   BLOB    NOT NULL, -- 16 random bytes, which stand in the file's header and in each of its slots
    clean INTEGER NOT NULL  -- 1: the run has ended with no attempt open, and its log is not needed
) STRICT;

-- The trace that a message belongs to (W3C Trace Context). Only of those whose request named one, or for which tracing began one.
CREATE TABLE message_traces (
    message     INTEGER PRIMARY KEY,
    traceparent TEXT NOT NULL,
    tracestate  TEXT
) STRICT;
CREATE TRIGGER message_traces_gone AFTER DELETE ON messages BEGIN
    DELETE FROM message_traces WHERE message = OLD.number;
END;

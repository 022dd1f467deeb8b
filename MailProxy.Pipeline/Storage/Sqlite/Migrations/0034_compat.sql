-- For edges that speak the contract of another program: what its clients said that this program does not use, and gives back.
CREATE TABLE compat_documents (
    tenant   TEXT NOT NULL, -- empty: of the installation
    kind     TEXT NOT NULL,
    id       TEXT NOT NULL,
    document BLOB NOT NULL, -- JSON, sealed by SecretBox
    PRIMARY KEY (tenant, kind, id)
) STRICT, WITHOUT ROWID;

-- Commands that came by such an edge, without secrets and bodies.
CREATE TABLE compat_commands (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,
    endpoint TEXT    NOT NULL,
    tenant   TEXT,             -- null: not about one
    payload  TEXT    NOT NULL, -- JSON
    status   INTEGER NOT NULL
) STRICT;
CREATE INDEX compat_commands_tenant ON compat_commands (tenant, id);

-- Messages that such an edge does not list any more, though their ids stay known. Another revision is listed again.
CREATE TABLE compat_hidden (
    message  INTEGER PRIMARY KEY,
    revision INTEGER NOT NULL
) STRICT;
CREATE TRIGGER compat_hidden_gone AFTER DELETE ON messages BEGIN
    DELETE FROM compat_hidden WHERE message = OLD.number;
END;

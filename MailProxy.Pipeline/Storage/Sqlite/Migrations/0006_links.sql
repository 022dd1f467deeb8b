CREATE TABLE link_key (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    secret BLOB NOT NULL -- sealed by SecretBox; signs /d/ links
) STRICT;

-- The objects in volumes that links lead to. The row exists before the object is uploaded, and is deleted after it.
CREATE TABLE link_objects (
    number        INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant        TEXT    NOT NULL,
    volume_tenant TEXT    NOT NULL,
    volume        TEXT    NOT NULL,
    place         TEXT    NOT NULL, -- where the volume was then
    key           TEXT    NOT NULL,
    sha256        BLOB    NOT NULL,
    size          INTEGER NOT NULL,
    uploaded      INTEGER NOT NULL DEFAULT 0,
    expires_at    INTEGER NOT NULL, -- of its last link
    due           INTEGER NOT NULL, -- when the sweep removes it, or tries again
    removing      INTEGER NOT NULL DEFAULT 0, -- no new link gets it
    tries         INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX link_objects_content ON link_objects (tenant, volume_tenant, volume, place, sha256) WHERE removing = 0;
CREATE INDEX link_objects_due ON link_objects (due);
CREATE INDEX link_objects_volume ON link_objects (volume_tenant, volume, expires_at);

CREATE TABLE links (
    number       INTEGER PRIMARY KEY AUTOINCREMENT, -- stands in signed links, so it is never used again
    message      INTEGER NOT NULL,
    revision     INTEGER NOT NULL,
    ordinal      INTEGER NOT NULL,
    object       INTEGER NOT NULL,
    name         TEXT    NOT NULL,
    content_type TEXT    NOT NULL,
    url          TEXT    NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX links_place ON links (message, revision, ordinal);
CREATE INDEX links_object ON links (object);
CREATE INDEX links_expiry ON links (expires_at);

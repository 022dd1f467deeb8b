-- The keys of sign-ins to the page.
CREATE TABLE page_keys (
    name TEXT PRIMARY KEY,
    xml  BLOB    NOT NULL, -- sealed by SecretBox
    at   INTEGER NOT NULL
) STRICT;

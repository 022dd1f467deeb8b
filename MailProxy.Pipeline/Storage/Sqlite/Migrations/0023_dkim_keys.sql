-- Private DKIM keys that were made here, sealed by SecretBox: JSON, by selector. What is public of them stands in config.
ALTER TABLE accounts ADD COLUMN dkim_keys BLOB;

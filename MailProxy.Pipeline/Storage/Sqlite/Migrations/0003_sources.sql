-- How many attachments of the message are fetched just before the attempt; 0 for most, whose JSON then need not be parsed.
ALTER TABLE bodies ADD COLUMN sources INTEGER NOT NULL DEFAULT 0;

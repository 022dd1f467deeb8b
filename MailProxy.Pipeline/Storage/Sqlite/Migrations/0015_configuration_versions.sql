-- Raised by every change of a person's; a volume made anew begins with the number of its entry in the audit log, so that none comes back.
ALTER TABLE volumes ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE tenants ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

-- The tenant's rate of scans: when all that was taken will have been paid back, in microseconds since 1970.
ALTER TABLE tenant_counters ADD COLUMN rate_time INTEGER NOT NULL DEFAULT 0;

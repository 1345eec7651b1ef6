-- The tenant's rate of scans: when all that was taken will have been paid back, in microseconds since 1970.
ALTER TABLE tenant_counters ADD COLUMN rate_time bigint NOT NULL DEFAULT 0;

-- A trace is recorded once. A unique index of a partitioned table holds what it is partitioned by.
DROP INDEX activity_by_trace;
CREATE UNIQUE INDEX activity_by_trace ON activity_log (trace_id, created_at);

-- Whoever looks for one class reads rows of that class alone.
DROP INDEX activity_with_class;
CREATE INDEX activity_with_secrets ON activity_log (tenant_id, ledger_seq) WHERE strpos(classifications, '"SECRETS"') > 0;
CREATE INDEX activity_with_pii ON activity_log (tenant_id, ledger_seq) WHERE strpos(classifications, '"PII"') > 0;
CREATE INDEX activity_with_phi ON activity_log (tenant_id, ledger_seq) WHERE strpos(classifications, '"PHI"') > 0;
CREATE INDEX activity_with_internal ON activity_log (tenant_id, ledger_seq) WHERE strpos(classifications, '"INTERNAL"') > 0;

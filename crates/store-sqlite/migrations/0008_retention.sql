-- The newest run of retention of each tenant, and what it took.
CREATE TABLE retention_runs (
    tenant_id    TEXT PRIMARY KEY REFERENCES tenants (tenant_id),
    started_at   TEXT NOT NULL,
    older_than   TEXT NOT NULL,
    through      INTEGER NOT NULL,
    scans        INTEGER NOT NULL DEFAULT 0,
    responses    INTEGER NOT NULL DEFAULT 0,
    approvals    INTEGER NOT NULL DEFAULT 0,
    trust_events INTEGER NOT NULL DEFAULT 0,
    budget_days  INTEGER NOT NULL DEFAULT 0,
    ended_at     TEXT
) STRICT;

-- The newest run of retention of each tenant, and what it took.
CREATE TABLE retention_runs (
    tenant_id    uuid PRIMARY KEY REFERENCES tenants (tenant_id),
    started_at   timestamptz NOT NULL,
    older_than   timestamptz NOT NULL,
    through      bigint NOT NULL,
    scans        bigint NOT NULL DEFAULT 0,
    responses    bigint NOT NULL DEFAULT 0,
    approvals    bigint NOT NULL DEFAULT 0,
    trust_events bigint NOT NULL DEFAULT 0,
    budget_days  bigint NOT NULL DEFAULT 0,
    ended_at     timestamptz
);

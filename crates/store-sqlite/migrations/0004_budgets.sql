-- What calls that were let through came to, by day in the budget's zone. Without an agent, the empty text: it is the tenant's.
CREATE TABLE budget_usage (
    tenant_id  TEXT NOT NULL REFERENCES tenants (tenant_id),
    name       TEXT NOT NULL,
    day        TEXT NOT NULL,
    agent_id   TEXT NOT NULL,
    millionths INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, name, day, agent_id)
) STRICT, WITHOUT ROWID;

-- What calls that were let through came to, by day in the budget's zone. Without an agent, the empty text: it is the tenant's.
CREATE TABLE budget_usage (
    tenant_id  uuid NOT NULL REFERENCES tenants (tenant_id),
    name       text COLLATE "C" NOT NULL,
    day        text COLLATE "C" NOT NULL,
    agent_id   text COLLATE "C" NOT NULL,
    millionths bigint NOT NULL,
    PRIMARY KEY (tenant_id, name, day, agent_id)
) WITH (fillfactor = 70);

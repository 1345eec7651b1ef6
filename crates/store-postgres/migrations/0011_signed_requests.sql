-- The text of a key that requests are signed with, sealed: a signature cannot be checked with a hash of it.
ALTER TABLE api_keys ADD COLUMN sealed_secret bytea;
CREATE INDEX api_keys_for_signing ON api_keys (agent_id) WHERE sealed_secret IS NOT NULL;

-- Signed requests of the last minutes, so that none is taken twice.
CREATE TABLE seen_requests (
    tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
    agent_id  uuid NOT NULL,
    nonce     text NOT NULL,
    seen_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, agent_id, nonce)
);

CREATE INDEX seen_requests_by_age ON seen_requests (seen_at);

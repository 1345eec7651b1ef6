-- What upstream tools are called with. Without an environment, the empty text: it is for every one.
CREATE TABLE tool_credentials (
    credential_id uuid PRIMARY KEY,
    tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
    tool          text NOT NULL,
    host          text NOT NULL,
    env           text NOT NULL,
    kind          text NOT NULL,
    base_url      text,
    sealed_secret bytea NOT NULL,
    created_at    timestamptz NOT NULL,
    created_by    text NOT NULL,
    rotated_at    timestamptz,
    last_used_at  timestamptz,
    UNIQUE (tenant_id, tool, host, env)
);

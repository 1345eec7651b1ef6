-- What upstream tools are called with. Without an environment, the empty text: it is for every one.
CREATE TABLE tool_credentials (
    credential_id TEXT PRIMARY KEY,
    tenant_id     TEXT NOT NULL REFERENCES tenants (tenant_id),
    tool          TEXT NOT NULL,
    host          TEXT NOT NULL,
    env           TEXT NOT NULL,
    kind          TEXT NOT NULL,
    base_url      TEXT,
    sealed_secret BLOB NOT NULL,
    created_at    TEXT NOT NULL,
    created_by    TEXT NOT NULL,
    rotated_at    TEXT,
    last_used_at  TEXT,
    UNIQUE (tenant_id, tool, host, env)
) STRICT;

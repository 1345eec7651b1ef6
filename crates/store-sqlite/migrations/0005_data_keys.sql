-- What bodies and credentials are sealed under, itself wrapped under the master key. Without a tenant, the
-- installation's own. Rows are added and wrapped anew, never deleted.
CREATE TABLE data_keys (
    fingerprint TEXT PRIMARY KEY,
    tenant_id   TEXT REFERENCES tenants (tenant_id),
    number      INTEGER NOT NULL UNIQUE,
    wrapped_key BLOB NOT NULL,
    created_at  TEXT NOT NULL
) STRICT;

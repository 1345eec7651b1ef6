-- What bodies and credentials are sealed under, itself wrapped under the master key. Without a tenant, the
-- installation's own. Rows are added and wrapped anew, never deleted.
CREATE TABLE data_keys (
    fingerprint text COLLATE "C" PRIMARY KEY,
    tenant_id   uuid REFERENCES tenants (tenant_id),
    number      bigint NOT NULL UNIQUE,
    wrapped_key bytea NOT NULL,
    created_at  timestamptz NOT NULL
);

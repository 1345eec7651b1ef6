-- Each row's leaf of its tenant's log: RFC 6962 hash of the canonical event that its columns make.
ALTER TABLE activity_log ADD COLUMN leaf_hash bytea NOT NULL DEFAULT '';
ALTER TABLE audit_log ADD COLUMN leaf_hash bytea NOT NULL DEFAULT '';

-- The tree over the leaves in tiles of up to 256 hashes; they stay when rows are taken by retention.
CREATE TABLE ledger_tiles (
    tenant_id  uuid NOT NULL REFERENCES tenants (tenant_id),
    log        text NOT NULL CHECK (log IN ('activity', 'audit')),
    level      bigint NOT NULL,
    tile_index bigint NOT NULL,
    hashes     bytea NOT NULL,
    PRIMARY KEY (tenant_id, log, level, tile_index)
);

CREATE TABLE ledger_checkpoints (
    tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
    log       text NOT NULL CHECK (log IN ('activity', 'audit')),
    tree_size bigint NOT NULL,
    root      bytea NOT NULL,
    note      text NOT NULL,
    signed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, log, tree_size)
);

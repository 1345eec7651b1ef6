-- Each row's leaf of its tenant's log: RFC 6962 hash of the canonical event that its columns make. Rows that are here
-- already get theirs right after this.
ALTER TABLE activity_log ADD COLUMN leaf_hash BLOB NOT NULL DEFAULT x'';
ALTER TABLE audit_log ADD COLUMN leaf_hash BLOB NOT NULL DEFAULT x'';

-- The tree over the leaves in tiles of up to 256 hashes; they stay when rows are taken by retention.
CREATE TABLE ledger_tiles (
    tenant_id  TEXT NOT NULL REFERENCES tenants (tenant_id),
    log        TEXT NOT NULL CHECK (log IN ('activity', 'audit')),
    level      INTEGER NOT NULL,
    tile_index INTEGER NOT NULL,
    hashes     BLOB NOT NULL,
    PRIMARY KEY (tenant_id, log, level, tile_index)
) STRICT;

CREATE TABLE ledger_checkpoints (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
    log       TEXT NOT NULL CHECK (log IN ('activity', 'audit')),
    tree_size INTEGER NOT NULL,
    root      BLOB NOT NULL,
    note      TEXT NOT NULL,
    signed_at TEXT NOT NULL,
    PRIMARY KEY (tenant_id, log, tree_size)
) STRICT;

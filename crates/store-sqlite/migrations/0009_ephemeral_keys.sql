-- What limits a key that another key made for one task.
CREATE TABLE ephemeral_keys (
    key_id        TEXT PRIMARY KEY REFERENCES api_keys (key_id),
    tenant_id     TEXT NOT NULL REFERENCES tenants (tenant_id),
    parent_key_id TEXT NOT NULL REFERENCES api_keys (key_id),
    scope         TEXT NOT NULL,
    max_uses      INTEGER NOT NULL,
    uses          INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE INDEX ephemeral_keys_of_parent ON ephemeral_keys (parent_key_id);

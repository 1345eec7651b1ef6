-- What limits a key that another key made for one task. Apart from `api_keys`, so that a scan which takes a use rewrites
-- one small row.
CREATE TABLE ephemeral_keys (
    key_id        uuid PRIMARY KEY REFERENCES api_keys (key_id),
    tenant_id     uuid NOT NULL REFERENCES tenants (tenant_id),
    parent_key_id uuid NOT NULL REFERENCES api_keys (key_id),
    scope         text NOT NULL,
    max_uses      bigint NOT NULL,
    uses          bigint NOT NULL DEFAULT 0
);

CREATE INDEX ephemeral_keys_of_parent ON ephemeral_keys (parent_key_id);

-- A policy may be one agent's own. As with the environment, none is a value of its own here, unlike NULL.
ALTER TABLE policies ADD COLUMN agent_id uuid REFERENCES agents (agent_id);
DROP INDEX policies_by_name;
CREATE UNIQUE INDEX policies_by_name
    ON policies (tenant_id, name, coalesce(env_name, ''), (env_name IS NULL), coalesce(agent_id::text, ''));

-- Counts every change of the tenant's policies.
ALTER TABLE tenant_counters ADD COLUMN policy_revision bigint NOT NULL DEFAULT 0;

ALTER TABLE policy_versions ADD COLUMN updated_from text NOT NULL DEFAULT '';
ALTER TABLE policy_versions ADD COLUMN restored_from bigint;
ALTER TABLE policy_versions ADD COLUMN deleted_at timestamptz;
ALTER TABLE policy_versions ADD COLUMN deleted_by text;
ALTER TABLE policy_versions ADD COLUMN deleted_from text;

-- From where earlier versions came the audit log knows.
UPDATE policy_versions SET updated_from = told.origin
FROM (
    SELECT details::json ->> 'policy_id' AS policy_id, details::json ->> 'version' AS version, origin
    FROM audit_log WHERE action = 'policy.apply'
) AS told
WHERE policy_versions.policy_id::text = told.policy_id AND policy_versions.version::text = told.version;

-- A deletion is a mark on the version that was in force. By whom, the audit log knows too.
UPDATE policy_versions SET deleted_at = gone.deleted_at
FROM policies AS gone
WHERE policy_versions.policy_id = gone.policy_id AND policy_versions.version = gone.version;

UPDATE policy_versions SET deleted_by = told.actor, deleted_from = told.origin
FROM (
    SELECT details::json ->> 'policy_id' AS policy_id, at, actor, origin FROM audit_log WHERE action = 'policy.delete'
) AS told
WHERE policy_versions.policy_id::text = told.policy_id AND policy_versions.deleted_at = told.at;

ALTER TABLE policies DROP COLUMN deleted_at;

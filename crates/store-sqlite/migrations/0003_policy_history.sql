-- A policy may be one agent's own. As with the environment, none is a value of its own here, unlike NULL.
ALTER TABLE policies ADD COLUMN agent_id TEXT REFERENCES agents (agent_id);
DROP INDEX policies_by_name;
CREATE UNIQUE INDEX policies_by_name
    ON policies (tenant_id, name, ifnull(env_name, ''), env_name IS NULL, ifnull(agent_id, ''));

-- Counts every change of the tenant's policies.
ALTER TABLE tenant_counters ADD COLUMN policy_revision INTEGER NOT NULL DEFAULT 0;

ALTER TABLE policy_versions ADD COLUMN updated_from TEXT NOT NULL DEFAULT '';
ALTER TABLE policy_versions ADD COLUMN restored_from INTEGER;
ALTER TABLE policy_versions ADD COLUMN deleted_at TEXT;
ALTER TABLE policy_versions ADD COLUMN deleted_by TEXT;
ALTER TABLE policy_versions ADD COLUMN deleted_from TEXT;

-- From where earlier versions came the audit log knows.
UPDATE policy_versions SET updated_from = told.origin
FROM (
    SELECT details ->> 'policy_id' AS policy_id, details ->> 'version' AS version, origin
    FROM audit_log WHERE action = 'policy.apply'
) AS told
WHERE policy_versions.policy_id = told.policy_id AND policy_versions.version = told.version;

-- A deletion is a mark on the version that was in force. By whom, the audit log knows too.
UPDATE policy_versions SET deleted_at = gone.deleted_at
FROM policies AS gone
WHERE policy_versions.policy_id = gone.policy_id AND policy_versions.version = gone.version;

UPDATE policy_versions SET deleted_by = told.actor, deleted_from = told.origin
FROM (
    SELECT details ->> 'policy_id' AS policy_id, at, actor, origin FROM audit_log WHERE action = 'policy.delete'
) AS told
WHERE policy_versions.policy_id = told.policy_id AND policy_versions.deleted_at = told.at;

ALTER TABLE policies DROP COLUMN deleted_at;

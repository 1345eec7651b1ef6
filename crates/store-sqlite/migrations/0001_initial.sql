-- Ids are hyphenated UUIDs, times RFC 3339 UTC with milliseconds (they sort as text), documents JSON text.

CREATE TABLE installation (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tenants (
    tenant_id  TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The last numbers given out. Apart from `tenants`, so that a scan rewrites one small row.
CREATE TABLE tenant_counters (
    tenant_id        TEXT PRIMARY KEY REFERENCES tenants (tenant_id),
    ledger_seq       INTEGER NOT NULL DEFAULT 0,
    audit_seq        INTEGER NOT NULL DEFAULT 0,
    month            TEXT NOT NULL DEFAULT '',
    scans_this_month INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE tenant_settings (
    tenant_id  TEXT NOT NULL REFERENCES tenants (tenant_id),
    version    INTEGER NOT NULL,
    settings   TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (tenant_id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    user_id       TEXT PRIMARY KEY,
    tenant_id     TEXT NOT NULL REFERENCES tenants (tenant_id),
    email         TEXT NOT NULL,
    email_folded  TEXT NOT NULL UNIQUE,
    role          TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at    TEXT NOT NULL,
    disabled_at   TEXT
) STRICT;

CREATE INDEX users_of_tenant ON users (tenant_id);

CREATE TABLE api_keys (
    key_id           TEXT PRIMARY KEY,
    tenant_id        TEXT NOT NULL REFERENCES tenants (tenant_id),
    key_hash         BLOB NOT NULL UNIQUE,
    name             TEXT NOT NULL,
    prefix           TEXT NOT NULL,
    env              TEXT NOT NULL,
    env_override     INTEGER NOT NULL,
    agent_id         TEXT NOT NULL,
    agent_override   TEXT NOT NULL,
    ip_allowlist     TEXT NOT NULL,
    scopes           TEXT NOT NULL,
    monitor          INTEGER NOT NULL,
    created_at       TEXT NOT NULL,
    created_by       TEXT NOT NULL,
    expires_at       TEXT,
    revoked_at       TEXT,
    last_seen_at     TEXT,
    blocked_attempts INTEGER NOT NULL DEFAULT 0,
    last_refusal     TEXT
) STRICT;

CREATE INDEX api_keys_of_tenant ON api_keys (tenant_id);

CREATE TABLE agents (
    agent_id     TEXT PRIMARY KEY,
    tenant_id    TEXT NOT NULL REFERENCES tenants (tenant_id),
    name         TEXT NOT NULL,
    runtime_type TEXT NOT NULL,
    status       TEXT NOT NULL DEFAULT 'active',
    created_at   TEXT NOT NULL,
    UNIQUE (tenant_id, name)
) STRICT;

-- Mended by hand when nothing else works: not STRICT, and whatever stands in a cell is read safely.
CREATE TABLE agent_trust_state (
    agent_id                 TEXT PRIMARY KEY REFERENCES agents (agent_id),
    tenant_id                TEXT NOT NULL,
    trust_score              REAL DEFAULT 1.0,
    scrutiny_until           TEXT,
    high_risk_count_1h       INTEGER DEFAULT 0,
    critical_count_24h       INTEGER DEFAULT 0,
    ti_match_count_24h       INTEGER DEFAULT 0,
    semantic_match_count_24h INTEGER DEFAULT 0,
    deny_count_24h           INTEGER DEFAULT 0,
    approval_count_24h       INTEGER DEFAULT 0,
    clean_streak             INTEGER DEFAULT 0,
    updated_at               TEXT
);

CREATE TABLE trust_events (
    event_id    INTEGER PRIMARY KEY,
    tenant_id   TEXT NOT NULL,
    agent_id    TEXT NOT NULL,
    at          TEXT NOT NULL,
    kind        TEXT NOT NULL,
    delta       REAL NOT NULL,
    score_after REAL NOT NULL,
    trace_id    TEXT
) STRICT;

CREATE INDEX trust_events_of_agent ON trust_events (agent_id, at);

-- Which agents spoke through which key: a new name behind a known key inherits its trust.
CREATE TABLE key_agents (
    tenant_id     TEXT NOT NULL,
    key_id        TEXT NOT NULL,
    agent_id      TEXT NOT NULL REFERENCES agents (agent_id),
    first_seen_at TEXT NOT NULL,
    PRIMARY KEY (tenant_id, key_id, agent_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX key_agents_by_age ON key_agents (tenant_id, key_id, first_seen_at);

CREATE TABLE agent_baselines (
    agent_id      TEXT PRIMARY KEY REFERENCES agents (agent_id),
    scans         INTEGER NOT NULL,
    windows       INTEGER NOT NULL,
    window_number INTEGER NOT NULL,
    window_count  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE agent_habits (
    agent_id TEXT NOT NULL REFERENCES agents (agent_id),
    kind     TEXT NOT NULL CHECK (kind IN ('destination', 'operation')),
    value    TEXT NOT NULL,
    PRIMARY KEY (agent_id, kind, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE policies (
    policy_id  TEXT PRIMARY KEY,
    tenant_id  TEXT NOT NULL REFERENCES tenants (tenant_id),
    name       TEXT NOT NULL,
    env_name   TEXT,
    version    INTEGER NOT NULL,
    deleted_at TEXT
) STRICT;

-- No environment is a value of its own here, unlike NULL.
CREATE UNIQUE INDEX policies_by_name ON policies (tenant_id, name, ifnull(env_name, ''), env_name IS NULL);

CREATE TABLE policy_versions (
    policy_id  TEXT NOT NULL REFERENCES policies (policy_id),
    version    INTEGER NOT NULL,
    source     TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (policy_id, version)
) STRICT;

CREATE TABLE policy_sets (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
    hash      TEXT NOT NULL,
    members   TEXT NOT NULL,
    PRIMARY KEY (tenant_id, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE approvals (
    approval_id          TEXT PRIMARY KEY,
    tenant_id            TEXT NOT NULL REFERENCES tenants (tenant_id),
    agent_id             TEXT NOT NULL,
    signature            BLOB NOT NULL,
    trace_id             TEXT NOT NULL,
    agent_name           TEXT NOT NULL,
    env                  TEXT NOT NULL,
    status               TEXT NOT NULL
                         CHECK (status IN ('pending', 'approved', 'denied', 'expired', 'executed')),
    created_at           TEXT NOT NULL,
    expires_at           TEXT NOT NULL,
    tool_name            TEXT NOT NULL,
    operation            TEXT NOT NULL,
    verb                 TEXT NOT NULL,
    method               TEXT NOT NULL,
    url                  TEXT NOT NULL,
    risk_score           REAL NOT NULL,
    risk_band            TEXT NOT NULL,
    reason_codes         TEXT NOT NULL,
    rule                 TEXT,
    escalate_to          TEXT NOT NULL,
    approvers            TEXT NOT NULL,
    grant_window_seconds INTEGER NOT NULL,
    deny_window_seconds  INTEGER NOT NULL,
    max_uses             INTEGER,
    uses                 INTEGER NOT NULL DEFAULT 0,
    decided_at           TEXT,
    decided_by           TEXT,
    decided_from         TEXT,
    note                 TEXT,
    window_ends_at       TEXT
) STRICT;

-- The precedent of a retry.
CREATE INDEX approvals_by_signature ON approvals (agent_id, signature, created_at);
-- The queue: how many wait, and which are overdue.
CREATE INDEX approvals_waiting ON approvals (tenant_id, expires_at, agent_id) WHERE status = 'pending';
CREATE INDEX approvals_of_tenant ON approvals (tenant_id, created_at);

-- One use per idempotency key.
CREATE TABLE approval_uses (
    approval_id     TEXT NOT NULL REFERENCES approvals (approval_id),
    idempotency_key TEXT NOT NULL,
    PRIMARY KEY (approval_id, idempotency_key)
) STRICT, WITHOUT ROWID;

-- Append-only. The wide columns stand last, so that filters read the first page of a row alone.
CREATE TABLE activity_log (
    tenant_id        TEXT NOT NULL,
    ledger_seq       INTEGER NOT NULL,
    trace_id         TEXT NOT NULL UNIQUE,
    created_at       TEXT NOT NULL,
    env              TEXT NOT NULL,
    key_id           TEXT,
    client_addr      TEXT,
    agent_id         TEXT NOT NULL,
    agent_name       TEXT NOT NULL,
    decision         TEXT,
    would_be         TEXT,
    risk_score       REAL NOT NULL,
    risk_band        TEXT NOT NULL,
    reason_codes     TEXT NOT NULL,
    tool_name        TEXT NOT NULL,
    operation        TEXT NOT NULL,
    verb             TEXT NOT NULL,
    method           TEXT NOT NULL,
    url              TEXT NOT NULL,
    host             TEXT,
    classifications  TEXT NOT NULL,
    policy_id        TEXT,
    policy_name      TEXT,
    rule_id          TEXT,
    approval_id      TEXT,
    trust_score      REAL NOT NULL,
    engine_version   TEXT NOT NULL,
    detectors_hash   TEXT NOT NULL,
    policy_set       TEXT NOT NULL,
    settings_version INTEGER NOT NULL,
    verdict          TEXT NOT NULL,
    facts            TEXT NOT NULL,
    timings          TEXT NOT NULL,
    sealed_request   BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX activity_by_position ON activity_log (tenant_id, ledger_seq);
CREATE INDEX activity_by_agent ON activity_log (tenant_id, agent_id, ledger_seq);
CREATE INDEX activity_by_tool ON activity_log (tenant_id, tool_name, ledger_seq);
CREATE INDEX activity_by_operation ON activity_log (tenant_id, operation, ledger_seq);
-- Most scans are ALLOW, LOW and carry nothing: those are dense in the log itself, the rest is found here.
CREATE INDEX activity_by_decision ON activity_log (tenant_id, decision, ledger_seq) WHERE decision <> 'ALLOW';
CREATE INDEX activity_by_band ON activity_log (tenant_id, risk_band, ledger_seq) WHERE risk_band <> 'LOW';
CREATE INDEX activity_with_class ON activity_log (tenant_id, ledger_seq, classifications)
    WHERE classifications <> '[]';
CREATE INDEX activity_by_env ON activity_log (tenant_id, env, ledger_seq);

-- The earliest and latest time in each run of 1,024 positions: a range of time becomes a range of positions,
-- exactly even when clocks step back, for far less than an index on time costs.
CREATE TABLE activity_spans (
    tenant_id TEXT NOT NULL,
    span      INTEGER NOT NULL,
    earliest  TEXT NOT NULL,
    latest    TEXT NOT NULL,
    PRIMARY KEY (tenant_id, span)
) STRICT, WITHOUT ROWID;

CREATE TABLE scan_responses (
    response_id           INTEGER PRIMARY KEY,
    tenant_id             TEXT NOT NULL,
    trace_id              TEXT NOT NULL,
    at                    TEXT NOT NULL,
    response_status       INTEGER,
    data_classes          TEXT NOT NULL,
    fields_redacted_count INTEGER NOT NULL,
    content_fingerprint   TEXT NOT NULL,
    injection             TEXT NOT NULL
) STRICT;

CREATE INDEX scan_responses_of_trace ON scan_responses (trace_id);

CREATE TABLE incidents (
    incident_id  TEXT PRIMARY KEY,
    tenant_id    TEXT NOT NULL REFERENCES tenants (tenant_id),
    agent_id     TEXT NOT NULL,
    trigger_name TEXT NOT NULL,
    severity     TEXT NOT NULL,
    title        TEXT NOT NULL,
    status       TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'investigating', 'closed')),
    opened_at    TEXT NOT NULL,
    updated_at   TEXT NOT NULL
) STRICT;

-- One open incident per agent and trigger.
CREATE UNIQUE INDEX incidents_open ON incidents (agent_id, trigger_name) WHERE status <> 'closed';
CREATE INDEX incidents_of_tenant ON incidents (tenant_id, opened_at);

CREATE TABLE incident_traces (
    incident_id TEXT NOT NULL REFERENCES incidents (incident_id),
    ledger_seq  INTEGER NOT NULL,
    trace_id    TEXT NOT NULL,
    PRIMARY KEY (incident_id, ledger_seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_log (
    tenant_id   TEXT NOT NULL REFERENCES tenants (tenant_id),
    seq         INTEGER NOT NULL,
    at          TEXT NOT NULL,
    actor       TEXT NOT NULL,
    origin      TEXT NOT NULL,
    client_addr TEXT,
    action      TEXT NOT NULL,
    target      TEXT NOT NULL,
    details     TEXT NOT NULL,
    PRIMARY KEY (tenant_id, seq)
) STRICT, WITHOUT ROWID;

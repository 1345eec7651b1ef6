//! What the core's reason codes mean, to stand after "because".

use interven_engine::code::*;

const MEANINGS: [(&str, &str); 20] = [
    (NO_POLICY, "the tenant has no policies"),
    (EPHEMERAL_SCOPE_VIOLATION, "the key is not for such calls"),
    (AGENT_SUSPENDED, "the agent is suspended"),
    (AGENT_UNDER_SCRUTINY, "the agent is under scrutiny"),
    (RISK_CRITICAL, "the risk is critical"),
    (CANNOT_SANITIZE, "what should be redacted stands where nothing can be rewritten"),
    (RECENT_APPROVAL_GRANT, "a human approved the identical call"),
    (RECENT_APPROVAL_DENIED, "a human denied the identical call"),
    (APPROVAL_PENDING, "the identical call already waits for a human"),
    (APPROVAL_QUEUE_FULL, "too many approvals wait already"),
    (SECRETS_DETECTED, "it carries secrets"),
    (PII_DETECTED, "it carries personal data"),
    (PHI_DETECTED, "it carries health data"),
    (INTERNAL_DETECTED, "it carries internal material"),
    (SECRET_TO_EXTERNAL_HOST, "a secret would leave for an external host"),
    (DECOMPRESSION_BOMB, "it holds an archive that unpacks beyond all measure"),
    (NEW_DESTINATION, "the agent has not been to this destination before"),
    (NEW_OPERATION, "the agent has not done this before"),
    (VOLUME_BURST, "the agent calls far more often than it usually does"),
    (LOW_TRUST, "the agent has lost trust"),
];

/// Absent for the codes that rules bring themselves.
pub(super) fn meaning(code: &str) -> Option<&'static str> {
    MEANINGS.iter().find(|(known, _)| *known == code).map(|(_, meaning)| *meaning)
}

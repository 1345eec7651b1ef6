"""What the gateway answered to a scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from .errors import BlockedError, GatewayError

DECISIONS = ("ALLOW", "DENY", "SANITIZE", "REQUIRE_APPROVAL")

#: Types of the fields that are there; one that is there with another type makes the answer unreadable.
_TYPES: dict[str, tuple[type, ...]] = {
    "risk_score": (int, float),
    "risk_band": (str,),
    "reason_codes": (list,),
    "trace_id": (str,),
    "tool_name": (str,),
    "operation": (str,),
    "verb": (str,),
    "classifications": (list,),
    "signals": (list,),
    "policy_id": (str,),
    "policy_name": (str,),
    "rule_id": (str,),
    "redactions": (list,),
    "approval_id": (str,),
    "approval_url": (str,),
    "expires_at": (str,),
    "would_be": (str,),
    "coverage": (dict,),
    "ledger_seq": (int,),
}


@dataclass(frozen=True)
class ScanResponse:
    """A verdict. Ask ``allowed``, ``needs_sanitization``, ``needs_approval``, ``blocked``: exactly one of them is true."""

    #: ``ALLOW``, ``SANITIZE``, ``REQUIRE_APPROVAL`` or ``DENY``.
    decision: str
    #: 0.0 to 1.0.
    risk_score: float = 0.0
    #: ``LOW``, ``MEDIUM``, ``HIGH`` or ``CRITICAL``; ``UNKNOWN`` where nobody judged (``fail_open``).
    risk_band: str = "LOW"
    #: Strongest first.
    reason_codes: list[str] = field(default_factory=list)
    #: With SANITIZE: the body to send in place of the original, of the same shape.
    sanitized_body: Optional[Any] = None
    #: With REQUIRE_APPROVAL.
    approval_id: Optional[str] = None
    trace_id: str = ""
    #: The whole answer, with what this version has no name for.
    raw: dict[str, Any] = field(default_factory=dict, repr=False)
    tool_name: str = ""
    operation: str = ""
    #: What the operation does: ``READ``, ``WRITE`` or ``ADMIN``.
    verb: str = ""
    #: Data classes that were found: ``SECRETS``, ``PII``, ``PHI``, ``INTERNAL``.
    classifications: list[str] = field(default_factory=list)
    #: One per risk engine that ran.
    signals: list[dict[str, Any]] = field(default_factory=list, repr=False)
    policy_id: Optional[str] = None
    policy_name: Optional[str] = None
    rule_id: Optional[str] = None
    #: With SANITIZE: what was replaced where, never the value.
    redactions: list[dict[str, Any]] = field(default_factory=list, repr=False)
    #: With REQUIRE_APPROVAL: where a person decides.
    approval_url: Optional[str] = None
    expires_at: Optional[str] = None
    #: In monitor mode, the decision that would have been.
    would_be: Optional[str] = None
    coverage: dict[str, Any] = field(default_factory=dict, repr=False)
    #: Position of the record in the audit log; None where nothing was recorded.
    ledger_seq: Optional[int] = None
    #: The gateway gave no verdict, and ``fail_open`` let the call through.
    fail_open: bool = False
    original_body: Optional[Any] = field(default=None, repr=False, compare=False)

    @property
    def allowed(self) -> bool:
        return self.decision == "ALLOW"

    @property
    def blocked(self) -> bool:
        return self.decision not in ("ALLOW", "SANITIZE", "REQUIRE_APPROVAL")

    @property
    def needs_sanitization(self) -> bool:
        return self.decision == "SANITIZE"

    @property
    def needs_approval(self) -> bool:
        return self.decision == "REQUIRE_APPROVAL"

    @property
    def body_to_forward(self) -> Any:
        """The body to send now: the original, or the sanitized one.

        Raises BlockedError with DENY and REQUIRE_APPROVAL: there is none, and ``None`` would be sent as an empty body.
        """
        if self.allowed:
            return self.original_body
        if self.needs_sanitization:
            return self.sanitized_body
        raise BlockedError(f"nothing may be sent: {self.decision}: {self.reasons}", scan=self)

    @property
    def reasons(self) -> str:
        """The reason codes in one line."""
        return ", ".join(self.reason_codes) or "no reason given"

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ScanResponse:
        """Reads an answer. Raises GatewayError for one that is no verdict, or one that cannot be obeyed."""
        decision = data.get("decision")
        if not isinstance(decision, str):
            raise GatewayError(
                "the answer holds no decision; is that an Interven gateway?", code="UNREADABLE_ANSWER", is_outage=True
            )
        # From here on somebody has decided: whatever is odd now is never let through.
        if decision not in DECISIONS:
            raise GatewayError(
                f"this version does not know the decision `{decision[:40]}` and so blocks: upgrade `interven`",
                code="UNKNOWN_DECISION",
            )
        for name, types in _TYPES.items():
            value = data.get(name)
            if value is not None and (not isinstance(value, types) or isinstance(value, bool)):
                raise GatewayError(
                    f"`{name}` of the answer has an unexpected type: upgrade `interven`", code="UNREADABLE_ANSWER"
                )
        if decision == "SANITIZE" and "sanitized_body" not in data:
            raise GatewayError(
                "SANITIZE came without `sanitized_body`; the original must not be sent: upgrade the gateway",
                code="UNREADABLE_ANSWER",
            )
        known = {name: data[name] for name in _TYPES if data.get(name) is not None}
        return cls(decision=decision, sanitized_body=data.get("sanitized_body"), raw=dict(data), **known)


#: What it is; the name above is the one that the 0.6 series used.
Verdict = ScanResponse

"""Why there is no verdict, or why a call must not be made.

Every error is an :class:`AifError` with a sentence that says what to do, the gateway's ``code`` where it gave one, the HTTP
``status`` and the ``trace_id`` of a recorded scan. No error ever holds a key, a body or a header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from .verdict import ScanResponse


class AifError(Exception):
    """Base of everything that this package raises on purpose."""

    def __init__(
        self,
        message: str,
        *,
        code: Optional[str] = None,
        details: Optional[dict[str, Any]] = None,
        status: Optional[int] = None,
        trace_id: Optional[str] = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.details: dict[str, Any] = details or {}
        self.status = status
        self.trace_id = trace_id


IntervenError = AifError


class ConfigurationError(AifError, ValueError):
    """An argument or an environment variable that cannot be used; nothing was sent."""


class AuthenticationError(AifError):
    """401 or 403: no key, a key that the gateway refuses, or one that may not do this. Never let through, never retried."""


class GatewayError(AifError):
    """No verdict: not reached, not in time, refused, or not readable.

    ``is_outage`` is true where the gateway is at fault (not reached, too late, 5xx, an answer that is none): only then does
    ``fail_open`` let a call through.
    """

    def __init__(
        self,
        message: str,
        *,
        code: Optional[str] = None,
        details: Optional[dict[str, Any]] = None,
        status: Optional[int] = None,
        trace_id: Optional[str] = None,
        retry_after: Optional[float] = None,
        is_outage: bool = False,
    ) -> None:
        super().__init__(message, code=code, details=details, status=status, trace_id=trace_id)
        #: Seconds that the gateway asked to wait.
        self.retry_after = retry_after
        self.is_outage = is_outage


class RateLimitError(GatewayError):
    """429: the tenant is over its rate; ``retry_after`` says for how many seconds."""


class QuotaExceededError(GatewayError):
    """429 ``QUOTA_EXCEEDED``: the month's scans are used up. Retrying does not help."""


class PayloadTooLargeError(AifError):
    """413: the body is larger than the gateway reads (262,144 bytes unless set)."""

    def __init__(
        self,
        message: str = "the body is larger than the gateway accepts: send less, or raise MAX_BODY_BYTES there",
        *,
        code: Optional[str] = "PAYLOAD_TOO_LARGE",
        details: Optional[dict[str, Any]] = None,
        status: Optional[int] = 413,
        trace_id: Optional[str] = None,
    ) -> None:
        super().__init__(message, code=code, details=details, status=status, trace_id=trace_id)


class BlockedError(AifError):
    """The call must not be made: denied, not approved, or not to be rewritten as the gateway asks."""

    def __init__(self, reason: str, *, scan: Optional[ScanResponse] = None, code: str = "BLOCKED") -> None:
        super().__init__(reason, code=code, trace_id=scan.trace_id if scan else None)
        self.reason = reason
        #: The last verdict; absent where there was none.
        self.scan = scan
        self.reason_codes: list[str] = list(scan.reason_codes) if scan else []


class ApprovalDeniedError(AifError):
    """A person said no."""

    def __init__(self, approval_id: str, message: Optional[str] = None) -> None:
        super().__init__(message or f"approval {approval_id} was denied", code="APPROVAL_DENIED")
        self.approval_id = approval_id
        #: The verdict that asked for the approval, where a guard waited for it.
        self.scan: Optional[ScanResponse] = None


class ApprovalExpiredError(AifError):
    """Nobody decided before the approval's own end."""

    def __init__(self, approval_id: str, message: Optional[str] = None) -> None:
        super().__init__(message or f"approval {approval_id} expired before anyone decided", code="APPROVAL_EXPIRED")
        self.approval_id = approval_id
        self.scan: Optional[ScanResponse] = None


class ApprovalTimeoutError(AifError):
    """The caller's patience ended first; the approval still waits."""

    def __init__(self, approval_id: str, waited_seconds: float) -> None:
        super().__init__(
            f"nobody decided approval {approval_id} within {waited_seconds:.0f} s; it still waits", code="APPROVAL_TIMEOUT"
        )
        self.approval_id = approval_id
        self.waited_seconds = waited_seconds
        self.scan: Optional[ScanResponse] = None


class PolicyDeniedError(AifError):
    """``AifClient(raise_on_deny=True)``: the invocation was denied."""

    def __init__(self, message: str, *, reason_codes: list[str], matched_policies: list[str], **details: Any) -> None:
        super().__init__(message, code="POLICY_DENIED", **details)
        self.reason_codes = reason_codes
        self.matched_policies = matched_policies


class ReplayRejectedError(AifError):
    """The HMAC endpoints refused a request as too old or as seen before."""

    def __init__(
        self, message: str = "refused as a replay: too old, or its trace id was seen before; is this machine's clock right?"
    ) -> None:
        super().__init__(message, code="REPLAY_REJECTED", status=400)

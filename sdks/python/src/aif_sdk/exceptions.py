"""The module of the 0.6 series; see ``interven``."""

from interven import (
    AifError,
    ApprovalDeniedError,
    ApprovalExpiredError,
    ApprovalTimeoutError,
    AuthenticationError,
    GatewayError,
    PayloadTooLargeError,
    PolicyDeniedError,
    ReplayRejectedError,
)

__all__ = [
    "AifError",
    "ApprovalDeniedError",
    "ApprovalExpiredError",
    "ApprovalTimeoutError",
    "AuthenticationError",
    "GatewayError",
    "PayloadTooLargeError",
    "PolicyDeniedError",
    "ReplayRejectedError",
]

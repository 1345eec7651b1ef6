"""Interven for Python: ask before an agent's tool call, and do what the answer says.

>>> from interven import Client, guard
>>> client = Client()                                              # INTERVEN_API_KEY, INTERVEN_GATEWAY_URL
>>> @guard(client, tool="slack", operation="post_message")
... def post(text: str) -> str: ...

See README.md for the whole of it.
"""

from .approval import ApprovalStatus
from .async_client import AsyncClient
from .calls import EphemeralKey
from .client import Client, IntervenClient, ToolsClient
from .errors import (
    AifError,
    ApprovalDeniedError,
    ApprovalExpiredError,
    ApprovalTimeoutError,
    AuthenticationError,
    BlockedError,
    ConfigurationError,
    GatewayError,
    IntervenError,
    PayloadTooLargeError,
    PolicyDeniedError,
    QuotaExceededError,
    RateLimitError,
    ReplayRejectedError,
)
from .exchange import Counters
from .guard import GateResult, gate, guard
from .invoke import AifClient, InvokeParams, InvokeResponse, MatchedPolicy, RiskInfo
from .mcp import AifMcpMiddleware
from .tools import ToolResult
from .verdict import ScanResponse, Verdict

__version__ = "0.7.0"

__all__ = [
    "AifClient",
    "AifError",
    "AifMcpMiddleware",
    "ApprovalDeniedError",
    "ApprovalExpiredError",
    "ApprovalStatus",
    "ApprovalTimeoutError",
    "AsyncClient",
    "AuthenticationError",
    "BlockedError",
    "Client",
    "ConfigurationError",
    "Counters",
    "EphemeralKey",
    "GateResult",
    "GatewayError",
    "IntervenClient",
    "IntervenError",
    "InvokeParams",
    "InvokeResponse",
    "MatchedPolicy",
    "PayloadTooLargeError",
    "PolicyDeniedError",
    "QuotaExceededError",
    "RateLimitError",
    "ReplayRejectedError",
    "RiskInfo",
    "ScanResponse",
    "ToolResult",
    "ToolsClient",
    "Verdict",
    "__version__",
    "gate",
    "guard",
]

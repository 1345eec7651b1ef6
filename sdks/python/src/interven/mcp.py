"""``/mcp``: MCP tool calls through the gateway, signed."""

from __future__ import annotations

import re
from typing import Any, Optional

from .calls import encode
from .http1 import Origin
from .invoke import send_once
from .signing import hmac_sign, now
from .transport import Transport

_APPROVAL = re.compile(r"^Approval ID: ([0-9a-fA-F-]{36})\s*$", re.MULTILINE)


class AifMcpMiddleware:
    """Sends an MCP client's JSON-RPC requests through the gateway, which judges tool calls and makes those that it allows."""

    def __init__(
        self,
        gateway_url: str,
        agent_id: str,
        agent_secret: str,
        *,
        agent_name: Optional[str] = None,
        credential_type: str = "none",
        credential_token: str = "",
        scopes: Optional[list[str]] = None,
        timeout: float = 30.0,
    ) -> None:
        self.gateway_url = gateway_url.rstrip("/")
        self.agent_id = agent_id
        self.agent_secret = agent_secret
        self.agent_name = agent_name
        self.credential_type = credential_type
        self.credential_token = credential_token
        self.scopes = scopes or []
        self.timeout = timeout
        self._origin = Origin.parse(gateway_url)
        self._transport = Transport()

    def intercept(self, mcp_request: dict[str, Any]) -> dict[str, Any]:
        """The answer to a JSON-RPC request; ask ``is_allowed`` before using it.

        Raises AuthenticationError, ReplayRejectedError, PayloadTooLargeError, or GatewayError without a readable answer.
        """
        body = encode(mcp_request)
        headers = {
            "X-AIF-Agent-ID": self.agent_id,
            "X-AIF-Signature": hmac_sign(body.decode(), self.agent_secret),
            "X-AIF-Timestamp": now(),
        }
        if self.credential_token:
            headers["X-AIF-Credential-Type"] = self.credential_type
            headers["X-AIF-Credential-Token"] = self.credential_token
        if self.scopes:
            headers["X-AIF-Scopes"] = ",".join(self.scopes)
        return self._send("/mcp", headers, body)

    def is_allowed(self, mcp_response: dict[str, Any]) -> bool:
        """Whether there is a result that is no error. Everything else counts as blocked."""
        result = mcp_response.get("result")
        return isinstance(result, dict) and bool(result) and not result.get("isError") and "error" not in mcp_response

    def get_approval_id(self, mcp_response: dict[str, Any]) -> Optional[str]:
        """The approval that a blocked call waits for."""
        result = mcp_response.get("result")
        content = result.get("content") if isinstance(result, dict) else None
        for part in content if isinstance(content, list) else []:
            found = _APPROVAL.search(str(part.get("text", ""))) if isinstance(part, dict) else None
            if found:
                return found.group(1)
        return None

    def list_tools(self) -> list[dict[str, Any]]:
        """What tools there are; needs no signature."""
        body = encode({"jsonrpc": "2.0", "id": 0, "method": "tools/list", "params": {}})
        result = self._send("/mcp/tools/list", {}, body).get("result")
        tools = result.get("tools") if isinstance(result, dict) else None
        return tools if isinstance(tools, list) else []

    def _send(self, path: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        return send_once(self._transport, self._origin, path, headers, body, self.timeout)[0]

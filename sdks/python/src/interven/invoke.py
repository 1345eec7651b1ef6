"""``/invoke``: the HMAC-signed way in, where the gateway makes the upstream call itself. Nothing here fails open or repeats."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional
from urllib.parse import quote

from .approval import ApprovalStatus
from .calls import DEFAULT_APPROVAL_WAIT, DEFAULT_POLL_INTERVAL, encode, poll_until_decided
from .errors import (
    AuthenticationError,
    GatewayError,
    PayloadTooLargeError,
    PolicyDeniedError,
    ReplayRejectedError,
)
from .exchange import Counters, Steps, exchange, read_object, refusal
from .http1 import Answer, Origin, Request
from .signing import hmac_sign, now
from .transport import Transport


@dataclass(frozen=True)
class InvokeParams:
    """The call to make, and the credential to make it with."""

    tool_name: str
    method: str
    url_path: str
    credential_type: str
    credential_token: str = field(repr=False)
    scopes: list[str]
    operation: Optional[str] = None
    body: Optional[Any] = None
    headers: Optional[dict[str, str]] = None
    #: Made anew for each invocation unless given.
    trace_id: Optional[str] = None


@dataclass(frozen=True)
class RiskInfo:
    #: 0.0 to 1.0.
    score: float
    band: str
    signals: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class MatchedPolicy:
    policy_id: str
    rule_ids: list[str] = field(default_factory=list)
    policy_version: Optional[int] = None


@dataclass(frozen=True)
class InvokeResponse:
    #: None where the gateway refused to decide; then ``error`` says why.
    decision: Optional[str] = None
    risk: Optional[RiskInfo] = None
    matched_policies: list[MatchedPolicy] = field(default_factory=list)
    reason_codes: list[str] = field(default_factory=list)
    approval_id: Optional[str] = None
    error: Optional[str] = None
    #: What the tool answered, where it was called.
    upstream_response: Optional[Any] = None
    response_actions: Optional[list[dict[str, Any]]] = None
    http_status: int = 200

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], http_status: int = 200) -> InvokeResponse:
        risk = data.get("risk")
        policies = data.get("matched_policies") or []
        return cls(
            decision=data.get("decision"),
            risk=RiskInfo(risk.get("score", 0.0), risk.get("band", "LOW"), risk.get("signals") or [])
            if isinstance(risk, dict)
            else None,
            matched_policies=[
                MatchedPolicy(each.get("policy_id", ""), each.get("rule_ids") or [], each.get("policy_version"))
                for each in policies
                if isinstance(each, dict)
            ],
            reason_codes=data.get("reason_codes") or [],
            approval_id=data.get("approval_id"),
            error=data.get("error"),
            upstream_response=data.get("upstream_response"),
            response_actions=data.get("response_actions"),
            http_status=http_status,
        )


class AifClient:
    """Signs with an agent's own secret in place of an API key. New work should use :class:`~interven.Client`.

    ``telemetry_url`` is where approvals are asked after; the gateway itself unless given. ``timeout`` is in seconds.
    """

    def __init__(
        self,
        gateway_url: str,
        agent_id: str,
        agent_name: str,
        agent_secret: str,
        *,
        runtime_type: str = "python",
        deployment_env: str = "dev",
        telemetry_url: Optional[str] = None,
        timeout: float = 30.0,
        raise_on_deny: bool = False,
    ) -> None:
        self.gateway_url = gateway_url.rstrip("/")
        self.agent_id = agent_id
        self.agent_name = agent_name
        self.agent_secret = agent_secret
        self.runtime_type = runtime_type
        self.deployment_env = deployment_env
        self.telemetry_url = telemetry_url
        self.timeout = timeout
        self.raise_on_deny = raise_on_deny
        self._gateway = Origin.parse(gateway_url)
        self._telemetry = Origin.parse(telemetry_url) if telemetry_url else self._gateway
        self._transport = Transport()

    def invoke(self, params: InvokeParams) -> InvokeResponse:
        """Judges a call and, where it may be made, makes it.

        Raises AuthenticationError (bad signature, unknown agent), ReplayRejectedError, PayloadTooLargeError, GatewayError
        (no readable answer) and, with ``raise_on_deny``, PolicyDeniedError. Other refusals are in ``error``.
        """
        upstream = {"method": params.method, "url_path": params.url_path, "body": params.body, "headers": params.headers}
        fields = {
            "tool_name": params.tool_name,
            "operation": params.operation,
            "upstream_request": {name: value for name, value in upstream.items() if value is not None},
            "agent_context": {
                "agent_id": self.agent_id,
                "agent_name": self.agent_name,
                "runtime_type": self.runtime_type,
                "deployment_env": self.deployment_env,
            },
            "identity_context": {
                "credential_type": params.credential_type,
                "credential_token": params.credential_token,
                "scopes": params.scopes,
            },
            "trace_id": params.trace_id or str(uuid.uuid4()),
            "ts": now(),
        }
        return self._post("/invoke", {name: value for name, value in fields.items() if value is not None})

    def execute_approval(
        self, approval_id: str, credential_token: str, credential_type: str, scopes: list[str]
    ) -> InvokeResponse:
        """Makes the call that was approved, once."""
        fields = {"credential_token": credential_token, "credential_type": credential_type, "scopes": scopes}
        return self._post(f"/approvals/{quote(approval_id, safe='')}/execute", fields)

    def poll_approval(self, approval_id: str) -> ApprovalStatus:
        """Where an approval stands now."""
        return self._transport.run(self._poll(approval_id, self.timeout))

    def wait_for_approval(
        self,
        approval_id: str,
        *,
        poll_interval: float = DEFAULT_POLL_INTERVAL,
        max_wait: float = DEFAULT_APPROVAL_WAIT,
        raise_on_terminal: bool = True,
    ) -> ApprovalStatus:
        """See :meth:`interven.Client.wait_for_approval`."""
        return self._transport.run(
            poll_until_decided(
                lambda hold, patience: self._poll(approval_id, min(self.timeout + hold, patience), hold),
                approval_id,
                max_wait,
                poll_interval,
                raise_on_terminal,
            )
        )

    def _poll(self, approval_id: str, timeout: float, hold_seconds: int = 0) -> Steps[ApprovalStatus]:
        query = f"?wait={hold_seconds}" if hold_seconds else ""
        request = Request("GET", f"/approvals/{quote(approval_id, safe='')}/status{query}", {})
        answer = yield from exchange(request, self._telemetry, time.monotonic() + timeout, 2, Counters())
        return ApprovalStatus.from_dict(read_object(answer, self._telemetry))

    def _post(self, path: str, fields: dict[str, Any]) -> InvokeResponse:
        body = encode(fields)
        headers = {"X-AIF-Agent-ID": self.agent_id, "X-AIF-Signature": hmac_sign(body.decode(), self.agent_secret)}
        response = InvokeResponse.from_dict(*send_once(self._transport, self._gateway, path, headers, body, self.timeout))
        if self.raise_on_deny and response.decision == "DENY":
            raise PolicyDeniedError(
                f"denied by policy: {', '.join(response.reason_codes) or 'no reason given'}",
                reason_codes=response.reason_codes,
                matched_policies=[each.policy_id for each in response.matched_policies],
            )
        return response


def send_once(
    transport: Transport, origin: Origin, path: str, headers: dict[str, str], body: bytes, timeout: float
) -> tuple[dict[str, Any], int]:
    """The object in an answer, and its status. Raises the refusals that have classes of their own."""
    request = Request("POST", path, headers, body, is_repeatable=False)
    answer = transport.run(exchange(request, origin, time.monotonic() + timeout, 0, Counters()))
    error = refusal(answer, origin)
    if isinstance(error, (AuthenticationError, PayloadTooLargeError)) and answer.status != 403:
        raise error
    if answer.status == 400 and "replay" in error.message.lower():
        raise ReplayRejectedError()
    if 300 <= answer.status < 400:
        raise error
    fields = read_object(Answer(200, answer.headers, answer.body), origin)
    if "decision" not in fields and "error" not in fields and "jsonrpc" not in fields and "result" not in fields:
        raise GatewayError(
            f"{origin} answered {answer.status} with neither a decision nor an error",
            code="UNREADABLE_ANSWER",
            status=answer.status,
            is_outage=True,
        )
    return fields, answer.status

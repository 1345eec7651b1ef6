"""What each call of a client sends and makes of the answer; the clients only drive these."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Optional
from urllib.parse import quote, urlencode

from .approval import ApprovalStatus
from .errors import (
    ApprovalDeniedError,
    ApprovalExpiredError,
    ApprovalTimeoutError,
    ConfigurationError,
    GatewayError,
)
from .exchange import Counters, Pause, Steps, exchange, read_object
from .http1 import Answer, Request
from .settings import Settings
from .verdict import ScanResponse

log = logging.getLogger("interven")

#: The gateway allows one plain poll of an approval in 2 s.
LEAST_POLL_INTERVAL = 2.5
DEFAULT_POLL_INTERVAL = 5.0
DEFAULT_APPROVAL_WAIT = 3600.0
#: The longest that the gateway holds an answer to `?wait=`.
LONGEST_HOLD_SECONDS = 25


@dataclass(frozen=True)
class EphemeralKey:
    """A narrower key that ends by itself."""

    key: str = field(repr=False)
    ephemeral_id: str
    #: Its first characters, which may be shown.
    prefix: str
    #: RFC 3339.
    expires_at: str
    max_uses: int
    scope: dict[str, Any] = field(default_factory=dict)


class Calls:
    """The calls of one client."""

    def __init__(self, settings: Settings, counters: Counters) -> None:
        self.settings = settings
        self.counters = counters
        self._authorization = {"Authorization": f"Bearer {settings.api_key}"}

    def scan(
        self,
        method: str,
        url: str,
        body: Optional[Any] = None,
        headers: Optional[dict[str, str]] = None,
        agent_id: Optional[str] = None,
        agent_name: Optional[str] = None,
        runtime_type: Optional[str] = None,
        context: Optional[str] = None,
        env: Optional[str] = None,
    ) -> Steps[ScanResponse]:
        fields = {
            "method": method,
            "url": url,
            "body": body,
            "headers": headers,
            "agent_id": agent_id or self.settings.agent_id,
            "agent_name": agent_name or self.settings.agent_name,
            "runtime_type": runtime_type or self.settings.runtime_type,
            "context": context,
            "env": env,
        }
        request = self.post("/v1/scan", {name: value for name, value in fields.items() if value is not None})
        try:
            answer = yield from self.send(request)
            verdict = ScanResponse.from_dict(read_object(answer, self.settings.origin))
        except GatewayError as outage:
            self._fail_open_or_raise(outage, "the call was let through unjudged")
            return ScanResponse(
                "ALLOW", risk_band="UNKNOWN", reason_codes=["FAIL_OPEN"], fail_open=True, original_body=body
            )
        approval_url = verdict.approval_url
        if verdict.approval_id and not approval_url and self.settings.console_url:
            approval_url = f"{self.settings.console_url}/approvals/{verdict.approval_id}"
        return replace(verdict, approval_url=approval_url, original_body=body)

    def scan_response(
        self, trace_id: str, response_body: Any, response_status: Optional[int] = None
    ) -> Steps[dict[str, Any]]:
        fields = {"trace_id": trace_id, "response_body": response_body}
        if response_status is not None:
            fields["response_status"] = response_status
        try:
            answer = yield from self.send(self.post("/v1/scan/response", fields))
            return read_object(answer, self.settings.origin)
        except GatewayError as outage:
            self._fail_open_or_raise(outage, "the response was let through unread")
            return {"data_classes": [], "fields_redacted_count": 0, "fail_open": True}

    def _fail_open_or_raise(self, outage: GatewayError, consequence: str) -> None:
        if not (self.settings.fail_open and outage.is_outage):
            raise outage
        self.counters.add(fail_opens=1)
        log.warning("FAIL OPEN: %s, because fail_open is chosen: %s", consequence, outage)

    def poll_approval(
        self, approval_id: str, hold_seconds: int = 0, patience: float = float("inf")
    ) -> Steps[ApprovalStatus]:
        query = "?" + urlencode({"wait": hold_seconds}) if hold_seconds else ""
        request = Request("GET", f"/v1/approvals/{quote(approval_id, safe='')}/status{query}", self._authorization)
        answer = yield from self.send(request, min(self.settings.timeout + hold_seconds, patience))
        fields = read_object(answer, self.settings.origin)
        if not isinstance(fields.get("status"), str):
            raise GatewayError("the answer holds no approval status", code="UNREADABLE_ANSWER", is_outage=True)
        return ApprovalStatus.from_dict(fields)

    def wait_for_approval(
        self,
        approval_id: str,
        timeout: Optional[float] = None,
        max_wait: Optional[float] = None,
        poll_interval: float = DEFAULT_POLL_INTERVAL,
        raise_on_terminal: bool = True,
    ) -> Steps[ApprovalStatus]:
        patience = timeout if timeout is not None else max_wait if max_wait is not None else DEFAULT_APPROVAL_WAIT
        return poll_until_decided(
            lambda hold, left: self.poll_approval(approval_id, hold, left),
            approval_id,
            patience,
            poll_interval,
            raise_on_terminal,
        )

    def mint_ephemeral_key(
        self,
        ttl_seconds: int = 600,
        max_uses: int = 1,
        tools: Optional[list[str]] = None,
        verbs: Optional[list[str]] = None,
        description: Optional[str] = None,
    ) -> Steps[EphemeralKey]:
        scope = {name: value for name, value in (("tools", tools), ("verbs", verbs)) if value is not None}
        fields: dict[str, Any] = {"ttl_seconds": ttl_seconds, "max_uses": max_uses, "scope": scope}
        if description is not None:
            fields["description"] = description
        answer = yield from self.send(self.post("/v1/keys/ephemeral", fields, is_repeatable=False))
        minted = read_object(answer, self.settings.origin)
        try:
            return EphemeralKey(**{name: minted[name] for name in ("key", "ephemeral_id", "prefix", "expires_at", "max_uses")},
                                scope=minted.get("scope") or {})
        except KeyError as missing:
            raise GatewayError(f"the answer holds no {missing}", code="UNREADABLE_ANSWER", is_outage=True) from None

    def health(self) -> Steps[bool]:
        try:
            answer = yield from self.send(Request("GET", "/health", {}), retries=0)
        except GatewayError:
            return False
        return answer.status == 200

    def post(self, path: str, fields: dict[str, Any], *, is_repeatable: bool = True) -> Request:
        headers = {**self._authorization, "Idempotency-Key": str(uuid.uuid4())}
        return Request("POST", path, headers, encode(fields), is_repeatable)

    def send(self, request: Request, timeout: Optional[float] = None, retries: Optional[int] = None) -> Steps[Answer]:
        return exchange(
            request,
            self.settings.origin,
            time.monotonic() + (timeout if timeout is not None else self.settings.timeout),
            self.settings.retries if retries is None else retries,
            self.counters,
        )


def poll_until_decided(
    poll: Callable[[int, float], Steps[ApprovalStatus]],
    approval_id: str,
    patience: float,
    poll_interval: float,
    raise_on_terminal: bool,
) -> Steps[ApprovalStatus]:
    """Asks `poll(seconds to hold the answer, seconds left)` until a person has decided."""
    if not approval_id:
        raise ConfigurationError("wait_for_approval needs the approval_id of a verdict")
    interval = max(poll_interval, LEAST_POLL_INTERVAL)
    started = time.monotonic()
    left = patience
    while True:
        asked = time.monotonic()
        pause = interval
        try:
            status = yield from poll(
                max(0, min(LONGEST_HOLD_SECONDS, int(left))), max(left, LEAST_POLL_INTERVAL)
            )
            if status.is_terminal:
                if raise_on_terminal and status.status == "denied":
                    raise ApprovalDeniedError(approval_id)
                if raise_on_terminal and status.status == "expired":
                    raise ApprovalExpiredError(approval_id)
                return status
        except GatewayError as error:
            # A gateway that restarts, or that is asked too often, is asked again: the approval still waits there.
            if not error.is_outage and error.status != 429:
                raise
            pause = max(interval, error.retry_after or 0.0)
        now = time.monotonic()
        left = started + patience - now
        if left <= 0:
            raise ApprovalTimeoutError(approval_id, now - started)
        yield Pause(max(0.0, min(pause - (now - asked), left)))
        left = max(0.0, started + patience - time.monotonic())


def encode(value: Any) -> bytes:
    """JSON in UTF-8. Raises TypeError or ValueError for what JSON cannot hold: it could not be judged."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except TypeError as error:
        raise TypeError(f"only JSON can be scanned: {error}; turn it into text, numbers, lists and maps first") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"only JSON in UTF-8 can be scanned: {error}") from None

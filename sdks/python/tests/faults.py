"""A gateway that gives no verdict, in each way that it can: for tests of what stands on the client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Optional

from interven import AifError, AuthenticationError, Client, GatewayError, RateLimitError

from .conformance.scripted_server import ScriptedServer, closed_address


@dataclass(frozen=True)
class Fault:
    name: str
    error: type[AifError]
    #: Whether `fail_open` lets the call through.
    is_outage: bool
    #: How it answers; None: nobody listens.
    answer: Optional[dict[str, Any]]
    #: Seconds; ample, where the fault is not that there is no answer.
    timeout: float = 20.0

    @contextmanager
    def client(self, *, fail_open: bool = False) -> Iterator[Client]:
        """One that meets this fault, once for each call."""
        server = ScriptedServer([self.answer] * 20) if self.answer is not None else None
        url = server.address if server else closed_address()
        with Client("iv_live_x", gateway_url=url, timeout=self.timeout, retries=0, fail_open=fail_open) as client:
            yield client
        if server:
            server.close()


def _refusal(status: int, code: str) -> dict[str, Any]:
    return {"status": status, "json": {"error": "a sentence", "code": code}}


FAULTS = [
    Fault("down", GatewayError, True, None),
    Fault("too late", GatewayError, True, {"fault": "never"}, timeout=0.3),
    Fault("cut off", GatewayError, True, {"verdict": {}, "fault": "truncate"}),
    Fault("not JSON", GatewayError, True, {"text": "<html>"}),
    Fault("500", GatewayError, True, _refusal(500, "INTERNAL")),
    Fault("503", GatewayError, True, _refusal(503, "AUDIT_UNAVAILABLE")),
    Fault("401", AuthenticationError, False, _refusal(401, "INVALID_KEY")),
    Fault("429", RateLimitError, False, _refusal(429, "RATE_LIMITED")),
    Fault("unknown decision", GatewayError, False, {"verdict": {"decision": "SHRUG"}}),
    Fault("SANITIZE without a body", GatewayError, False, {"verdict": {"decision": "SANITIZE"}}),
]

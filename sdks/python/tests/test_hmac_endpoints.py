"""`AifClient` and `AifMcpMiddleware` against a server that checks what chapter and verse ask: signature, fields, answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import interven
from interven import AifClient, AifMcpMiddleware, InvokeParams

from .conformance.scripted_server import ScriptedServer

PARAMS = InvokeParams("github", "PUT", "/repos/a/b", "pat", "ghp_secret", ["repo"], body={"permission": "push"})
DECIDED = {
    "decision": "DENY",
    "risk": {"score": 0.8, "band": "CRITICAL", "signals": [{"engine": "classifier"}]},
    "matched_policies": [{"policy_id": "p", "rule_ids": ["r"], "policy_version": 2}],
    "reason_codes": ["A"],
}
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "x", "arguments": {}}}
APPROVAL = "0190f3a4-0000-7000-8000-00000000000a"


@contextmanager
def answering(*script: dict[str, Any]) -> Iterator[ScriptedServer]:
    server = ScriptedServer(list(script))
    yield server
    server.close()


def client(server: ScriptedServer, **options: Any) -> AifClient:
    return AifClient(server.address, "agent-1", "bot", "s3cret", **options)


def test_an_invocation_is_signed_and_its_verdict_read() -> None:
    with answering({"json": DECIDED}) as server:
        response = client(server).invoke(PARAMS)
    assert response.decision == "DENY" and response.risk and response.risk.band == "CRITICAL"
    assert response.matched_policies[0].rule_ids == ["r"] and response.http_status == 200
    (request,) = server.requests
    body = request["body"]
    assert (request["method"], request["path"], body["tool_name"]) == ("POST", "/invoke", "github")
    assert body["upstream_request"] == {"method": "PUT", "url_path": "/repos/a/b", "body": {"permission": "push"}}
    assert body["identity_context"] == {"credential_type": "pat", "credential_token": "ghp_secret", "scopes": ["repo"]}
    assert body["agent_context"]["agent_id"] == "agent-1" and body["trace_id"] and body["ts"].endswith("Z")
    assert request["headers"]["x-aif-signature"] == signature(server)


def signature(server: ScriptedServer, at: int = 0) -> str:
    """Over the bytes that were sent, made with the standard library alone."""
    import base64
    import hashlib
    import hmac

    return base64.b64encode(hmac.new(b"s3cret", server.bodies[at], hashlib.sha256).digest()).decode()


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, "replay: too old", interven.ReplayRejectedError),
        (401, "bad signature", interven.AuthenticationError),
        (413, "too large", interven.PayloadTooLargeError),
    ],
)
def test_refusals_with_classes_of_their_own(status: int, error: str, kind: type[interven.AifError]) -> None:
    with answering({"status": status, "json": {"error": error, "code": "X"}}) as server, pytest.raises(kind):
        client(server).invoke(PARAMS)


@pytest.mark.parametrize("status", [400, 403, 429, 500])
def test_other_refusals_are_told_in_the_answer(status: int) -> None:
    with answering({"status": status, "json": {"error": "no"}}) as server:
        response = client(server).invoke(PARAMS)
    assert (response.decision, response.error, response.http_status) == (None, "no", status)


@pytest.mark.parametrize("answer", [{"fault": "close"}, {"text": "<html>"}, {"json": {}}, {"status": 302, "json": {"error": "x"}}])
def test_without_a_readable_answer_nothing_passes_and_nothing_is_sent_twice(answer: dict[str, Any]) -> None:
    with answering(answer, {"json": DECIDED}) as server:
        with pytest.raises(interven.GatewayError):
            client(server).invoke(PARAMS)
        assert len(server.requests) == 1


def test_a_denial_is_an_error_where_that_is_asked() -> None:
    with answering({"json": DECIDED}) as server, pytest.raises(interven.PolicyDeniedError) as error:
        client(server, raise_on_deny=True).invoke(PARAMS)
    assert error.value.matched_policies == ["p"]


def test_an_approval_is_asked_after_where_telemetry_is_and_then_executed() -> None:
    status = {"approval_id": APPROVAL, "status": "approved"}
    with answering({"json": status}) as telemetry, answering({"json": {**DECIDED, "decision": "ALLOW"}}) as server:
        aif = client(server, telemetry_url=telemetry.address)
        assert aif.wait_for_approval(APPROVAL, max_wait=10).is_approved
        assert aif.execute_approval(APPROVAL, "token", "pat", ["repo"]).decision == "ALLOW"
    assert telemetry.requests[0]["path"] == f"/approvals/{APPROVAL}/status?wait=10"
    assert server.requests[0]["path"] == f"/approvals/{APPROVAL}/execute"
    assert server.requests[0]["body"] == {"credential_token": "token", "credential_type": "pat", "scopes": ["repo"]}


def test_mcp_calls_are_signed_and_blocks_are_told_from_results() -> None:
    blocked = {"result": {"isError": True, "content": [{"type": "text", "text": f"DENY\nApproval ID: {APPROVAL}\n"}]}}
    fine = {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "ok"}]}}
    with answering({"json": blocked}, {"json": fine}, {"json": {"result": {"tools": [{"name": "x"}]}}}) as server:
        mcp = AifMcpMiddleware(
            server.address, "agent-1", "s3cret", credential_type="pat", credential_token="t", scopes=["a", "b"]
        )
        first, second = mcp.intercept(CALL), mcp.intercept(CALL)
        assert mcp.list_tools() == [{"name": "x"}]
    assert not mcp.is_allowed(first) and mcp.get_approval_id(first) == APPROVAL
    assert mcp.is_allowed(second) and mcp.get_approval_id(second) is None
    headers = server.requests[0]["headers"]
    assert headers["x-aif-signature"] == signature(server) and headers["x-aif-agent-id"] == "agent-1"
    assert headers["x-aif-timestamp"].endswith("Z") and headers["x-aif-scopes"] == "a,b"
    assert "x-aif-signature" not in server.requests[2]["headers"]


@pytest.mark.parametrize("answer", [{}, {"result": {}}, {"result": None}, {"error": {"code": 1}}, {"error": "no"}, {"result": "x"}])
def test_what_is_no_result_is_not_allowed(answer: dict[str, Any]) -> None:
    assert not AifMcpMiddleware("http://a.example", "a", "s").is_allowed(answer)

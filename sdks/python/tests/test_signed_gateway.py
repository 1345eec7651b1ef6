"""`AifClient`, `AifMcpMiddleware`, the tools client and keys for one task, with the real gateway and a real tool behind it."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import interven
from interven import AifClient, AifMcpMiddleware, Client, InvokeParams

from .gateway import Gateway, binary, serving

AWS_KEY = "key AKIASIQOKQPY64PQRIZ3"


class Tool(ThreadingHTTPServer):
    """Answers everything with what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.heard: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    server: Tool

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.heard.append((self.path, self.headers["authorization"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def tool() -> Iterator[Tool]:
    server = Tool()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.fixture(autouse=True)
def nothing_heard(tool: Tool) -> None:
    tool.heard.clear()


@pytest.fixture(scope="module")
def equipped(tmp_path_factory: pytest.TempPathFactory, tool: Tool) -> Iterator[Gateway]:
    """A gateway whose tenant has its Slack and GitHub at the tool."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EGRESS_ALLOW_PRIVATE", "127.0.0.1")
        with serving(tmp_path_factory.mktemp("signed") / "data") as gateway:
            for name in ("slack", "github"):
                command = ["admin", "credential", "set", name, "--base-url", f"{tool.url}/{name}"]
                subprocess.run(
                    [str(binary()), *command, "--data-dir", str(gateway.data_directory)],
                    check=True, input="of-the-tenant", text=True, capture_output=True,
                )
            hold = {"name": "hold", "rules": [{"rule_id": "hold", "match": {"operations": ["create_pr"]},
                                               "action": "REQUIRE_APPROVAL", "reason_code": "HELD"}]}
            policy = Path(gateway.data_directory) / "hold.json"
            policy.write_text(json.dumps(hold))
            gateway.operate("policy", "apply", str(policy))
            yield gateway


def signer(gateway: Gateway, name: str) -> tuple[str, str]:
    """An agent's id and secret."""
    made = json.loads(gateway.operate("admin", "key", "create", name, "--agent", name, "--signing", "--json"))
    return made["record"]["agent_id"], made["key"]


def pull_request(**changes: Any) -> InvokeParams:
    body = {"title": "T", "head": "fix", "base": "main"}
    return InvokeParams("github", "POST", "/repos/acme/site/pulls", "pat", "of-the-agent", ["repo"], body=body, **changes)


def test_an_invocation_is_judged_and_made(equipped: Gateway, tool: Tool) -> None:
    agent_id, secret = signer(equipped, "inviter")
    client = AifClient(equipped.url, agent_id, "inviter", secret)
    issue = InvokeParams("github", "POST", "/repos/acme/site/issues", "pat", "of-the-agent", ["repo"], body={"title": "t"})
    made = client.invoke(issue)
    assert (made.decision, made.http_status) == ("ALLOW", 200) and made.risk and made.risk.band == "LOW"
    assert made.upstream_response and made.upstream_response["body"] == {"title": "t"}
    assert tool.heard.pop() == ("/github/repos/acme/site/issues", "Bearer of-the-agent")
    secret_text = InvokeParams("slack", "POST", "/chat.postMessage", "pat", "x" * 12, [], body={"text": AWS_KEY})
    denied = client.invoke(secret_text)
    assert (denied.decision, denied.http_status) == ("DENY", 403) and denied.matched_policies and not tool.heard
    with pytest.raises(interven.PolicyDeniedError):
        AifClient(equipped.url, agent_id, "inviter", secret, raise_on_deny=True).invoke(secret_text)
    with pytest.raises(interven.AuthenticationError):
        AifClient(equipped.url, agent_id, "inviter", "iv_live_guessed").invoke(issue)


def test_a_request_that_was_taken_is_rejected(equipped: Gateway) -> None:
    agent_id, secret = signer(equipped, "repeater")
    client = AifClient(equipped.url, agent_id, "repeater", secret)
    once = InvokeParams("github", "POST", "/user", "none", "", [], body={}, trace_id="the same")
    assert client.invoke(once).decision == "ALLOW"
    with pytest.raises(interven.ReplayRejectedError):
        client.invoke(once)


def test_an_approved_invocation_is_executed_once(equipped: Gateway, tool: Tool) -> None:
    agent_id, secret = signer(equipped, "waiter")
    client = AifClient(equipped.url, agent_id, "waiter", secret)
    held = client.invoke(pull_request())
    assert held.decision == "REQUIRE_APPROVAL" and held.approval_id and not tool.heard
    equipped.operate("approvals", "approve", held.approval_id)
    done = client.execute_approval(held.approval_id, "fresh", "oauth", [])
    assert done.decision == "ALLOW" and tool.heard.pop() == ("/github/repos/acme/site/pulls", "Bearer fresh")
    again = client.execute_approval(held.approval_id, "fresh", "oauth", [])
    assert again.decision is None and again.http_status == 409 and not tool.heard


def test_mcp_calls_go_through_the_gateway(equipped: Gateway, tool: Tool) -> None:
    agent_id, secret = signer(equipped, "mcp")
    mcp = AifMcpMiddleware(equipped.url, agent_id, secret)
    assert "slack_post_message" in [each["name"] for each in mcp.list_tools()]

    def call(number: int, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": name, "arguments": arguments}}

    allowed = mcp.intercept(call(1, "slack_post_message", {"text": "hello"}))
    assert mcp.is_allowed(allowed) and tool.heard.pop() == ("/slack/chat.postMessage", "Bearer of-the-tenant")
    denied = mcp.intercept(call(2, "slack_post_message", {"text": AWS_KEY}))
    assert not mcp.is_allowed(denied) and mcp.get_approval_id(denied) is None
    open_one = {"owner": "acme", "repo": "site", "title": "T", "head": "fix", "base": "main"}
    held = mcp.intercept(call(3, "github_create_pull_request", open_one))
    approval = mcp.get_approval_id(held)
    assert not mcp.is_allowed(held) and approval and not tool.heard
    equipped.operate("approvals", "approve", approval)
    assert mcp.is_allowed(mcp.intercept(call(4, "github_create_pull_request", open_one))) and tool.heard.pop()


def test_tools_are_called_with_a_credential_nobody_sees(equipped: Gateway, tool: Tool) -> None:
    client = equipped.new_agent()
    result = client.tools.slack.post_message(text="hello", channel="#ops")
    assert result.allowed and result.upstream_body == {"text": "hello", "channel": "#ops"}
    assert tool.heard.pop() == ("/slack/chat.postMessage", "Bearer of-the-tenant")
    assert client.tools.slack.post_message(text=AWS_KEY).blocked and not tool.heard
    assert client.tools.github.create_pull_request(owner="a", repo="b", title="t", head="h").awaiting_approval
    with pytest.raises(interven.GatewayError, match="TOOL_NOT_CONFIGURED"):
        client.tools.gdrive.share_file(file_id="1", role="reader", type="anyone")


def test_a_key_for_one_task_is_good_for_that(equipped: Gateway) -> None:
    minted = equipped.new_agent().mint_ephemeral_key(tools=["slack"], verbs=["WRITE"], max_uses=2)
    assert minted.key.startswith("iv_eph_") and minted.max_uses == 2
    task = Client(minted.key, gateway_url=equipped.url)
    outside = task.scan("GET", "https://api.github.com/user")
    assert outside.blocked and outside.reason_codes[0] == "EPHEMERAL_SCOPE_VIOLATION"
    assert task.scan("POST", "https://slack.com/api/chat.postMessage", {"text": "hi"}).allowed
    with pytest.raises(interven.AuthenticationError):
        task.scan("POST", "https://slack.com/api/chat.postMessage", {"text": "hi"})

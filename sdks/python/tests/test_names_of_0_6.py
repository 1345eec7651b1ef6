"""What the 0.6 series could be asked, by the names and signatures that it published."""

from __future__ import annotations

import importlib
import inspect

import pytest

import interven

#: Module, name, parameters that a caller may have used (in order for those without `*`).
PUBLISHED = [
    ("Client", "api_key *gateway_url *timeout *agent_id *runtime_type"),
    ("Client.scan", "self *method *url *body *headers *agent_id *runtime_type"),
    ("Client.scan_response", "self *trace_id *response_body *response_status"),
    ("Client.poll_approval", "self approval_id"),
    ("Client.wait_for_approval", "self approval_id *poll_interval *max_wait *raise_on_terminal"),
    ("Client.health", "self"),
    ("IntervenClient", "api_key *gateway_url *timeout *agent_id *runtime_type"),
    ("ScanResponse", "decision risk_score risk_band reason_codes sanitized_body approval_id trace_id raw"),
    ("ScanResponse.from_dict", "data"),
    ("ToolResult", "decision trace_id risk_score risk_band reason_codes sanitized_body upstream_status upstream_body "
                   "approval_id approval_url error raw"),
    ("ToolResult.from_response", "status_code data"),
    ("ToolsClient", "*gateway_url *api_key *timeout"),
    ("ToolsClient.call", "self tool operation"),
    ("guard", "client *url *method *poll_interval *max_wait *blocked_message *on_pending"),
    ("gate", "client *method *url *body *headers *poll_interval *max_wait *on_pending"),
    ("GateResult", "proceed decision scan body blocked_reason approval_waited"),
    ("AifClient", "gateway_url agent_id agent_name agent_secret *runtime_type *deployment_env *telemetry_url *timeout "
                  "*raise_on_deny"),
    ("AifClient.invoke", "self params"),
    ("AifClient.execute_approval", "self approval_id credential_token credential_type scopes"),
    ("AifClient.poll_approval", "self approval_id"),
    ("AifClient.wait_for_approval", "self approval_id *poll_interval *max_wait *raise_on_terminal"),
    ("AifMcpMiddleware", "gateway_url agent_id agent_secret *agent_name *credential_type *credential_token *scopes *timeout"),
    ("AifMcpMiddleware.intercept", "self mcp_request"),
    ("AifMcpMiddleware.is_allowed", "self mcp_response"),
    ("AifMcpMiddleware.get_approval_id", "self mcp_response"),
    ("AifMcpMiddleware.list_tools", "self"),
    ("InvokeParams", "tool_name method url_path credential_type credential_token scopes operation body headers trace_id"),
    ("InvokeResponse", "decision risk matched_policies reason_codes approval_id error upstream_response response_actions "
                       "http_status"),
    ("InvokeResponse.from_dict", "data http_status"),
    ("ApprovalStatus", "approval_id status decision decided_at expires_at remaining_seconds poll_guidance retry_guidance error"),
    ("ApprovalStatus.from_dict", "data"),
    ("AifError", "message *code *details"),
    ("AuthenticationError", "message *code *details"),
    ("GatewayError", "message *code *details"),
    ("ApprovalDeniedError", "approval_id message"),
    ("ApprovalExpiredError", "approval_id message"),
    ("ApprovalTimeoutError", "approval_id waited_seconds"),
    ("PayloadTooLargeError", ""),
    ("PolicyDeniedError", "message *reason_codes *matched_policies"),
    ("ReplayRejectedError", ""),
]

PROPERTIES = {
    "ScanResponse": "allowed blocked needs_sanitization needs_approval",
    "ToolResult": "allowed sanitized awaiting_approval blocked",
    "ApprovalStatus": "is_approved is_terminal",
    "Client": "api_key gateway_url timeout agent_id runtime_type",
}

MODULES = {
    "aif_sdk": "enable_langchain InterventBlockedError InterventApprovalRequired Client guard gate AifClient",
    "aif_sdk.auth": "hmac_sign",
    "aif_sdk.client": "AifClient",
    "aif_sdk.exceptions": "AifError GatewayError PolicyDeniedError ReplayRejectedError PayloadTooLargeError",
    "aif_sdk.guard": "GateResult gate guard",
    "aif_sdk.langchain_auto": "enable_interven InterventBlockedError InterventApprovalRequired",
    "aif_sdk.mcp": "AifMcpMiddleware",
    "aif_sdk.scan": "Client IntervenClient ScanResponse",
    "aif_sdk.tools": "ToolResult ToolsClient SlackTools GitHubTools GDriveTools HttpTools",
    "aif_sdk.types": "ApprovalStatus InvokeParams InvokeResponse MatchedPolicy RiskInfo",
}

TOOLS = {
    "slack.post_message": "text channel blocks",
    "github.create_pull_request": "owner repo title head base body",
    "github.update_file": "owner repo path message content sha branch",
    "gdrive.share_file": "file_id role type email_address",
    "http.request": "url method body headers",
}


@pytest.mark.parametrize(("name", "parameters"), PUBLISHED)
def test_a_name_can_be_called_as_before(name: str, parameters: str) -> None:
    value = interven
    for part in name.split("."):
        value = getattr(value, part)
    signature = inspect.signature(value)  # type: ignore[arg-type]
    words = parameters.split()
    positional = [object() for word in words if not word.startswith("*")]
    named = {word[1:]: object() for word in words if word.startswith("*")}
    bound = signature.bind(*positional, **named)
    in_order = [word for word in words if not word.startswith("*")]
    assert list(bound.arguments)[: len(in_order)] == in_order


@pytest.mark.parametrize(("name", "properties"), PROPERTIES.items())
def test_its_properties(name: str, properties: str) -> None:
    for each in properties.split():
        assert isinstance(vars(getattr(interven, name))[each], property)


@pytest.mark.parametrize(("module", "names"), MODULES.items())
def test_the_other_name_of_the_package(module: str, names: str) -> None:
    imported = importlib.import_module(module)
    for each in names.split():
        assert getattr(imported, each)


@pytest.mark.parametrize(("name", "parameters"), TOOLS.items())
def test_a_tool_by_name(name: str, parameters: str) -> None:
    tools = interven.Client("k").tools
    space, operation = name.split(".")
    assert list(inspect.signature(getattr(getattr(tools, space), operation)).parameters) == parameters.split()


def test_everything_that_is_exported_is_there() -> None:
    assert all(hasattr(interven, name) for name in interven.__all__)
    assert interven.IntervenError is interven.AifError and interven.IntervenClient is interven.Client
    errors = [value for value in vars(interven).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert all(issubclass(error, interven.AifError) for error in errors)


def test_errors_say_what_they_said() -> None:
    assert interven.ApprovalTimeoutError("a", 3.0).waited_seconds == 3.0
    assert interven.ApprovalDeniedError("a").approval_id == "a"
    assert interven.PolicyDeniedError("m", reason_codes=["A"], matched_policies=["p"]).reason_codes == ["A"]
    codes = [interven.PayloadTooLargeError().code, interven.ReplayRejectedError().code]
    assert codes == ["PAYLOAD_TOO_LARGE", "REPLAY_REJECTED"]


def test_the_signature_of_the_hmac_endpoints() -> None:
    """HMAC-SHA-256, RFC 4231 test case 2, in base64."""
    from aif_sdk.auth import hmac_sign

    assert hmac_sign("what do ya want for nothing?", "Jefe") == "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="

"""Tool calls in the types of the OpenAI package, against the real gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from interven import AsyncClient, Client, ConfigurationError
from interven_openai_assistants import ScannedToolCall, ascan_tool_calls, scan_tool_calls
from openai.types.beta.threads import RequiredActionFunctionToolCall
from openai.types.chat import ChatCompletionMessageCustomToolCall, ChatCompletionMessageFunctionToolCall
from openai.types.responses import ResponseCustomToolCall, ResponseFunctionToolCall
from tests.faults import FAULTS, Fault

LUNCH = {"text": "lunch at noon?"}
SSN = {"text": "her ssn is 536-22-8417"}
REDACTED = {"text": "her ssn is [REDACTED:us_ssn]"}
AWS_KEY = {"text": "key AKIASIQOKQPY64PQRIZ3"}
EVE = {"user_name": "eve"}


def _assistants(name: str, arguments: str) -> Any:
    function = {"name": name, "arguments": arguments}
    return RequiredActionFunctionToolCall.model_validate({"id": "c1", "type": "function", "function": function})


def _chat(name: str, arguments: str) -> Any:
    function = {"name": name, "arguments": arguments}
    return ChatCompletionMessageFunctionToolCall.model_validate({"id": "c1", "type": "function", "function": function})


def _responses(name: str, arguments: str) -> Any:
    return ResponseFunctionToolCall(type="function_call", call_id="c1", name=name, arguments=arguments)


SHAPES: dict[str, Callable[[str, str], Any]] = {
    "assistants": _assistants,
    "chat": _chat,
    "responses": _responses,
    "map": lambda name, arguments: _chat(name, arguments).model_dump(),
}


def both_ways(calls: list[Any], client: Client, **settings: Any) -> list[list[ScannedToolCall]]:
    async def ask() -> list[ScannedToolCall]:
        async with AsyncClient.beside(client) as beside:
            return await ascan_tool_calls(calls, client=beside, **settings)

    return [scan_tool_calls(calls, client=client, **settings), asyncio.run(ask())]


@pytest.mark.parametrize("shape", SHAPES)
def test_each_call_gets_its_verdict_and_what_to_run_it_with(client: Client, shape: str) -> None:
    given = [LUNCH, SSN, AWS_KEY]
    calls = [SHAPES[shape]("slack_post_message", json.dumps(each)) for each in given]
    for scanned in both_ways(calls, client):
        assert [each.scan.decision for each in scanned] == ["ALLOW", "SANITIZE", "DENY"]
        assert [each.effective_arguments for each in scanned] == [LUNCH, REDACTED, {}]
        assert [each.should_run for each in scanned] == [True, True, False]
        assert [each.tool_call for each in scanned] == calls and scanned[0].name == "slack_post_message"
        refusal, output = scanned[2].refusal(), scanned[0].output("done")
        assert refusal["output"].startswith("Action blocked by security policy: denied by policy: ")
        if shape == "responses":
            assert output == {"type": "function_call_output", "call_id": "c1", "output": "done"}
        else:
            assert output == {"tool_call_id": "c1", "output": "done"}


def test_custom_tools_are_given_text(client: Client) -> None:
    custom = {"id": "c1", "type": "custom", "custom": {"name": "slack_post_message", "input": SSN["text"]}}
    calls = [
        ChatCompletionMessageCustomToolCall.model_validate(custom),
        ResponseCustomToolCall(type="custom_tool_call", call_id="c1", name="slack_post_message", input=SSN["text"]),
    ]
    for each in scan_tool_calls(calls, client=client):
        assert each.effective_arguments == {"input": REDACTED["text"]}
    assert each.output("x")["type"] == "custom_tool_call_output"


def test_a_person_approves_and_the_call_may_run_in_the_same_turn(client: Client, approve: Callable[[Any], None]) -> None:
    calls = [_assistants("aws_iam_create_user", json.dumps(EVE))]
    for (held,) in both_ways(calls, client):
        assert not held.should_run and held.scan.approval_id and "approve" in held.refusal()["output"]
    for (granted,) in both_ways(calls, client, max_wait=60, on_pending=approve):
        assert granted.should_run and granted.effective_arguments == EVE
    ((late,), _) = both_ways(calls, client, max_wait=0.1)
    assert not late.should_run and "nobody decided" in late.reason


@pytest.mark.parametrize("arguments", ['{"text": "her ssn', "[1]", '"text"', "null"])
def test_arguments_that_are_no_map_are_recorded_and_do_not_run(client: Client, arguments: str) -> None:
    (scanned,) = scan_tool_calls([_chat("slack_post_message", arguments)], client=client)
    assert not scanned.should_run and scanned.effective_arguments == {} and scanned.scan.trace_id
    assert "no JSON object" in scanned.refusal()["output"]


def test_no_arguments_at_all(client: Client) -> None:
    (scanned,) = scan_tool_calls([_chat("get_time", "")], client=client)
    assert scanned.should_run and scanned.effective_arguments == {}


def test_what_is_no_tool_call_is_an_error_before_anything_is_asked(client: Client) -> None:
    for odd in ({"type": "computer_call", "id": "x"}, {"type": "function"}, object()):
        with pytest.raises(ConfigurationError, match="only calls of functions"):
            scan_tool_calls([_chat("a", "{}"), odd], client=client)
    assert client.counters.requests == 0


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_without_a_verdict_there_is_nothing_to_run_unless_fail_open_was_chosen(fault: Fault) -> None:
    calls = [_chat("slack_post_message", json.dumps(LUNCH))]
    with fault.client() as client, pytest.raises(fault.error):
        scan_tool_calls(calls, client=client)
    with fault.client(fail_open=True) as client:
        if fault.is_outage:
            (scanned,) = scan_tool_calls(calls, client=client)
            assert scanned.should_run and scanned.effective_arguments == LUNCH and client.counters.fail_opens == 1
        else:
            with pytest.raises(fault.error):
                scan_tool_calls(calls, client=client)

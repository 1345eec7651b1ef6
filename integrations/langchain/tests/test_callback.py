"""The callback: what it stops, what it cannot do, and that its errors are never forgotten."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import pytest
from agents import AWS_KEY, EVE, LUNCH, SSN, Noting, Scripted, UserMaker, asks_for, call, told
from interven import Client
from interven_langchain import IntervenCallback, InterventBlockedError, InterventCallback, guard
from langchain_core.messages import AIMessage
from langchain_core.tools import StructuredTool
from langgraph.prebuilt import ToolNode, create_react_agent
from tests.faults import FAULTS, Fault

WAYS: dict[str, Callable[[Any, dict[str, Any], Any], Any]] = {
    "invoke": lambda tool, given, config: tool.invoke(given, config),
    "ainvoke": lambda tool, given, config: asyncio.run(tool.ainvoke(given, config)),
    "batch": lambda tool, given, config: tool.batch([given], config)[0],
    "abatch": lambda tool, given, config: asyncio.run(tool.abatch([given], config))[0],
    "with_config": lambda tool, given, config: tool.with_config(config).invoke(given),
    "a tool call": lambda tool, given, config: tool.invoke(call(tool.name, given), config).content,
}


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_it_stops_what_is_denied_and_what_would_have_to_be_redacted(client: Client, way: str, is_async: bool) -> None:
    noting = Noting(is_async=is_async)
    config = {"callbacks": [InterventCallback(client=client)]}
    assert WAYS[way](noting.tool, LUNCH, config) == "posted: lunch at noon?"
    with pytest.raises(InterventBlockedError, match="denied by policy"):
        WAYS[way](noting.tool, AWS_KEY, config)
    with pytest.raises(InterventBlockedError, match=r"use guard\(tool\)"):
        WAYS[way](noting.tool, SSN, config)
    assert noting.ran == [LUNCH]


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_it_waits_for_a_person(client: Client, way: str, approve: Callable[[Any], None]) -> None:
    maker = UserMaker()
    config = {"callbacks": [IntervenCallback(client=client, on_pending=approve, max_wait=60)]}
    assert WAYS[way](maker.tool, EVE, config) == "created eve"
    with pytest.raises(InterventBlockedError, match="nobody decided"):
        WAYS[way](maker.tool, EVE, {"callbacks": [InterventCallback(client=client, max_wait=0.1)]})
    assert maker.ran == ["eve"]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_without_a_verdict_nothing_runs_unless_fail_open_was_chosen(fault: Fault, way: str) -> None:
    for fail_open in (False, True):
        noting = Noting()
        with fault.client(fail_open=fail_open) as client:
            config = {"callbacks": [InterventCallback(client=client)]}
            if fail_open and fault.is_outage:
                WAYS[way](noting.tool, LUNCH, config)
                assert noting.ran == [LUNCH] and client.counters.fail_opens == 1
            else:
                with pytest.raises(fault.error):
                    WAYS[way](noting.tool, LUNCH, config)
                assert noting.ran == []


def test_guarded_tools_are_asked_about_once_and_the_tools_they_call_as_well(client: Client) -> None:
    inner = Noting()

    def outer(text: str) -> str:
        """Calls another, which is not guarded."""
        return str(inner.tool.invoke({"text": text}))

    guarded = guard(StructuredTool.from_function(outer, name="note"), client=client)
    config: Any = {"callbacks": [InterventCallback(client=client)]}
    assert guarded.invoke(LUNCH, config) == "posted: lunch at noon?"
    assert client.counters.requests == 2
    with pytest.raises(InterventBlockedError, match="slack_post_message"):
        guarded.invoke(SSN, config)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_tool_node_answers_the_model_where_that_is_asked(client: Client, is_async: bool) -> None:
    noting = Noting()
    model = Scripted(says=[asks_for(call("slack_post_message", AWS_KEY), call("slack_post_message", LUNCH)), AIMessage("ok")])
    agent = create_react_agent(model, ToolNode([noting.tool]))
    config: Any = {"callbacks": [InterventCallback(client=client, on_block="return_message")]}
    given: Any = {"messages": [("user", "post")]}
    state = asyncio.run(agent.ainvoke(given, config)) if is_async else agent.invoke(given, config)
    (status, text), posted = told(state["messages"])
    assert status == "error" and "denied by policy" in text and "AKIA" not in text
    assert posted == ("success", "posted: lunch at noon?")
    assert noting.ran == [LUNCH] and state["messages"][-1].content == "ok"


def test_the_names_of_the_published_series_are_there() -> None:
    from interven_langchain.langgraph import guard_state_graph, interven_tool_node, scan_tool_call

    for function in (InterventCallback, interven_tool_node, guard_state_graph, scan_tool_call):
        assert {"api_key", "client", "gateway_url", "runtime_type"} <= set(inspect.signature(function).parameters)
    callback = InterventCallback("iv_live_x", gateway_url="http://localhost:1", timeout=3.0, runtime_type="mine")
    assert callback.client.settings.runtime_type == "mine" and callback.client.settings.timeout == 3.0

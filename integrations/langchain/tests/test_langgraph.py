"""Graphs: a node of guarded tools, guarded graphs, subgraphs, streams, approvals while a graph waits."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from agents import AWS_KEY, EVE, LUNCH, REDACTED, SSN, Noting, Scripted, UserMaker, asks_for, call, told
from interven import AsyncClient, Client
from interven_langchain import (
    InterventBlockedError,
    ascan_tool_call,
    guard_state_graph,
    interven_tool_node,
    scan_tool_call,
)
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState, ToolNode, create_react_agent
from langgraph.types import RetryPolicy
from tests.faults import FAULTS, Fault

GIVEN: Any = {"messages": [("user", "go on")]}


async def _collect(stream: Any) -> list[Any]:
    return [each async for each in stream]


#: Each runs a graph to its end and answers the last state.
WAYS: dict[str, Callable[[Any], Any]] = {
    "invoke": lambda graph: graph.invoke(GIVEN),
    "ainvoke": lambda graph: asyncio.run(graph.ainvoke(GIVEN)),
    "stream": lambda graph: list(graph.stream(GIVEN, stream_mode="values"))[-1],
    "astream": lambda graph: asyncio.run(_collect(graph.astream(GIVEN, stream_mode="values")))[-1],
    "batch": lambda graph: graph.batch([GIVEN])[0],
    "abatch": lambda graph: asyncio.run(graph.abatch([GIVEN]))[0],
    "astream_events": lambda graph: asyncio.run(_collect(graph.astream_events(GIVEN, version="v2")))[-1]["data"]["output"],
    # Callbacks of the caller's own take no guard away.
    "with callbacks": lambda graph: graph.invoke(GIVEN, {"callbacks": []}),
    "with_config": lambda graph: graph.with_config(tags=["mine"]).invoke(GIVEN),
    "as a subgraph": lambda graph: _around(graph).invoke(GIVEN),
    "called within a node": lambda graph: _around(lambda state: graph.invoke(state)).invoke(GIVEN),
}


def _around(node: Any) -> Any:
    builder = StateGraph(MessagesState)
    builder.add_node("inner", node)
    builder.add_edge(START, "inner")
    builder.add_edge("inner", END)
    return builder.compile()


def script() -> Scripted:
    """Three calls at once."""
    calls = (call("slack_post_message", each) for each in (LUNCH, SSN, AWS_KEY))
    return Scripted(says=[asks_for(*calls), AIMessage("done")])


def expect_guarded(state: dict[str, Any], noting: Noting) -> None:
    answers = told(state["messages"])
    assert [status for status, _ in answers] == ["success", "success", "error"]
    assert answers[1][1] == f"posted: {REDACTED['text']}" and "denied by policy" in answers[2][1]
    assert sorted(each["text"] for each in noting.ran) == [REDACTED["text"], LUNCH["text"]]
    assert state["messages"][-1].content == "done"


@pytest.mark.parametrize("way", WAYS)
def test_a_tool_node(client: Client, way: str) -> None:
    noting = Noting()
    agent = create_react_agent(script(), interven_tool_node([noting.tool], client=client, on_block="return_message"))
    expect_guarded(WAYS[way](agent), noting)
    assert client.counters.requests == 3


@pytest.mark.parametrize("way", WAYS)
def test_a_guarded_graph(client: Client, way: str) -> None:
    noting = Noting()
    agent = create_react_agent(script(), [noting.tool])
    expect_guarded(WAYS[way](guard_state_graph(agent, client=client, on_block="return_message")), noting)
    assert client.counters.requests == 3


@pytest.mark.parametrize("way", WAYS)
def test_a_graph_within_a_guarded_graph(client: Client, way: str) -> None:
    noting = Noting()
    outer = _around(create_react_agent(script(), [noting.tool]))
    expect_guarded(WAYS[way](guard_state_graph(outer, client=client, on_block="return_message")), noting)
    assert client.counters.requests == 3


#: Before Python 3.11 a task cannot be given a context: LangChain asks nodes there to pass their `config` on by hand.
FORGETFUL = [way for way in WAYS if sys.version_info < (3, 11) and way.startswith("a") and way != "as a subgraph"]


@pytest.mark.parametrize("way", [way for way in WAYS if way not in FORGETFUL])
def test_a_tool_that_a_node_calls_by_itself_is_stopped(client: Client, way: str) -> None:
    noting = Noting()
    graph = guard_state_graph(_around(lambda state: {"messages": [AIMessage(noting.tool.invoke(SSN))]}), client=client)
    with pytest.raises(InterventBlockedError, match="which a callback cannot do"):
        WAYS[way](graph)
    assert noting.ran == [] and client.counters.requests == 1


def test_the_graph_that_was_guarded_stays_as_it_was(client: Client) -> None:
    noting = Noting()
    agent = create_react_agent(script(), [noting.tool])
    guard_state_graph(agent, client=client)
    agent.invoke(GIVEN)
    assert len(noting.ran) == 3 and client.counters.requests == 0


def test_a_refusal_ends_the_run_where_that_is_asked(client: Client) -> None:
    noting = Noting()
    node = interven_tool_node([noting.tool], client=client, handle_tool_errors=False)
    with pytest.raises(InterventBlockedError, match="denied by policy"):
        create_react_agent(Scripted(says=[asks_for(call("slack_post_message", AWS_KEY))]), node).invoke(GIVEN)
    assert noting.ran == []


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "as a subgraph"])
@pytest.mark.parametrize("with_node", [True, False])
def test_an_approval_while_the_graph_waits(client: Client, way: str, with_node: bool, approve: Callable[[Any], None]) -> None:
    maker = UserMaker()
    model = Scripted(says=[asks_for(call("aws_iam_create_user", EVE)), AIMessage("done")])
    ask: dict[str, Any] = {"client": client, "on_pending": approve, "max_wait": 60}
    if with_node:
        agent = create_react_agent(model, interven_tool_node([maker.tool], **ask))
    else:
        agent = guard_state_graph(create_react_agent(model, [maker.tool]), **ask)
    state = WAYS[way](agent)
    assert told(state["messages"]) == [("success", "created eve")] and maker.ran == ["eve"]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_without_a_verdict_no_tool_of_a_graph_runs(fault: Fault) -> None:
    noting = Noting()
    model = Scripted(says=[asks_for(call("slack_post_message", LUNCH)), AIMessage("done")])
    with fault.client() as client:
        node = interven_tool_node([noting.tool], client=client, on_block="return_message", handle_tool_errors=False)
        with pytest.raises(fault.error):
            create_react_agent(model, node).invoke(GIVEN)
    assert noting.ran == []


def test_injected_state_is_neither_judged_nor_lost(client: Client) -> None:
    seen: list[int] = []

    @tool
    def slack_post_message(text: str, state: Annotated[dict[str, Any], InjectedState]) -> str:
        """Posts."""
        seen.append(len(state["messages"]))
        return text

    # The conversation holds a key, which is none of the call's business.
    given: Any = {"messages": [("user", AWS_KEY["text"]), asks_for(call("slack_post_message", SSN))]}
    graphs = [
        _around(interven_tool_node([slack_post_message], client=client)),
        guard_state_graph(_around(ToolNode([slack_post_message])), client=client),
    ]
    for graph in graphs:
        assert told(graph.invoke(given)["messages"]) == [("success", REDACTED["text"])]
    assert seen == [2, 2]


def test_retry_policies_do_not_repeat_a_refusal(client: Client) -> None:
    noting = Noting()
    given: Any = {"messages": [asks_for(call("slack_post_message", AWS_KEY))]}
    builder = StateGraph(MessagesState)
    node = interven_tool_node([noting.tool], client=client, handle_tool_errors=False)
    policy = RetryPolicy(max_attempts=3, initial_interval=0.01)
    try:
        builder.add_node("tools", node, retry_policy=policy)
    except TypeError:  # its name before LangGraph 0.4
        builder.add_node("tools", node, retry=policy)  # type: ignore[call-overload, unused-ignore]
    builder.add_edge(START, "tools")
    with pytest.raises(InterventBlockedError):
        builder.compile().invoke(given)
    assert client.counters.requests == 1


def test_the_question_alone(client: Client) -> None:
    async def ask(name: str, arguments: Any) -> Any:
        async with AsyncClient.beside(client) as beside:
            return await ascan_tool_call(name, arguments, client=beside)

    for scan in (
        lambda name, arguments: scan_tool_call(name, arguments, client=client),
        lambda name, arguments: asyncio.run(ask(name, arguments)),
    ):
        redacted, text = scan("slack_post_message", SSN), scan("slack_post_message", SSN["text"])
        assert redacted.should_run and redacted.arguments == REDACTED == redacted.sanitized_body
        assert text.arguments == REDACTED["text"]
        held = scan("aws_iam_create_user", EVE)
        assert held.is_blocked and held.decision == "REQUIRE_APPROVAL" and held.approval_id and held.arguments is None
        denied = scan("slack_post_message", AWS_KEY)
        assert denied.is_blocked and denied.arguments is None and denied.reason_codes and denied.trace_id

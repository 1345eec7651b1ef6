"""What a guard adds to one call of a tool that does nothing, beside the same call unguarded and beside the bare scan.

    INTERVEN_API_KEY=… INTERVEN_GATEWAY_URL=http://127.0.0.1:4000 PYTHONPATH=src:../../sdks/python/src python bench/overhead.py

All take turns, so that each meets the same gateway; what is compared is the median over all rounds.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from typing import Any

from interven import Client
from interven_langchain import InterventCallback, guard, interven_tool_node
from langchain_core.messages import AIMessage
from langchain_core.tools import StructuredTool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

ROUNDS = 1000
WARM_UP = 100
GIVEN: dict[str, Any] = {"text": "lunch at noon?"}
CALL: Any = {"messages": [AIMessage("", tool_calls=[{"name": "slack_post_message", "args": GIVEN, "id": "1"}])]}


def main() -> None:
    client = Client()
    loop = asyncio.new_event_loop()

    def post(text: str) -> str:
        """Posts nothing."""
        return text

    async def apost(text: str) -> str:
        return text

    bare = StructuredTool.from_function(post, apost, name="slack_post_message")
    guarded = guard(bare, client=client)
    watched: Any = {"callbacks": [InterventCallback(client=client)]}
    unguarded_graph, guarded_graph = graph(ToolNode([bare])), graph(interven_tool_node([bare], client=client))
    contenders: dict[str, Callable[[], object]] = {
        "scan alone": lambda: client.scan("POST", "tool://langchain/slack_post_message", GIVEN),
        "tool": lambda: bare.invoke(dict(GIVEN)),
        "tool, guarded": lambda: guarded.invoke(dict(GIVEN)),
        "tool, callback": lambda: bare.invoke(dict(GIVEN), watched),
        "tool, async": lambda: loop.run_until_complete(bare.ainvoke(dict(GIVEN))),
        "tool, async, guarded": lambda: loop.run_until_complete(guarded.ainvoke(dict(GIVEN))),
        "ToolNode": lambda: unguarded_graph.invoke(CALL),
        "ToolNode, guarded": lambda: guarded_graph.invoke(CALL),
    }
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for at in range(WARM_UP + ROUNDS):
        for name, call in contenders.items():
            started = time.perf_counter()
            call()
            if at >= WARM_UP:
                taken[name].append((time.perf_counter() - started) * 1e6)
    medians = {name: statistics.median(times) for name, times in taken.items()}
    for name, median in medians.items():
        plain = medians.get(name.rpartition(", ")[0])
        added = f"   +{median - plain:6.0f} µs" if plain and name != "tool, async" else ""
        print(f"{name:<22} median {median:7.0f} µs{added}")


def graph(node: Any) -> Any:
    builder = StateGraph(MessagesState)
    builder.add_node("tools", node)
    builder.add_edge(START, "tools")
    return builder.compile()


if __name__ == "__main__":
    main()

"""LangGraph: a node of guarded tools, a guarded graph, and the question alone for nodes of one's own."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Optional, TypeVar, Union

from interven import AsyncClient, Client, ScanResponse
from langchain_core.callbacks import BaseCallbackManager
from langchain_core.runnables import ensure_config
from langchain_core.tools import BaseTool

from .callback import InterventCallback
from .errors import InterventBlockedError
from .tools import DEFAULT_MAX_WAIT, OnBlock, OnPending, client_for, guard, url_of

Graph = TypeVar("Graph")


def interven_tool_node(
    tools: Sequence[Union[BaseTool, Callable[..., Any]]],
    *,
    api_key: Optional[str] = None,
    client: Optional[Client] = None,
    on_block: OnBlock = "raise",
    gateway_url: Optional[str] = None,
    runtime_type: str = "langgraph",
    max_wait: float = DEFAULT_MAX_WAIT,
    on_pending: Optional[OnPending] = None,
    **of_tool_node: Any,
) -> Any:
    """A ``ToolNode`` of guarded tools; other arguments are those of ToolNode. See :func:`~interven_langchain.guard`."""
    from langgraph.prebuilt import ToolNode

    asker = client if client is not None else client_for(api_key, gateway_url, runtime_type=runtime_type)
    guarded = [guard(each, client=asker, on_block=on_block, max_wait=max_wait, on_pending=on_pending) for each in tools]
    return ToolNode(guarded, **of_tool_node)


def guard_state_graph(
    compiled_graph: Graph,
    *,
    api_key: Optional[str] = None,
    client: Optional[Client] = None,
    on_block: OnBlock = "raise",
    gateway_url: Optional[str] = None,
    runtime_type: str = "langgraph",
    max_wait: float = DEFAULT_MAX_WAIT,
    on_pending: Optional[OnPending] = None,
) -> Graph:
    """A copy of a compiled graph in which every tool is judged, in subgraphs too; the original stays as it was.

    Tools of ToolNodes are guarded: they get redacted arguments. Tools that nodes call by themselves are seen by an
    InterventCallback, which stops what would have to be redacted.
    """
    asker = client if client is not None else client_for(api_key, gateway_url, runtime_type=runtime_type)
    ask: dict[str, Any] = {"client": asker, "on_block": on_block, "max_wait": max_wait, "on_pending": on_pending}
    graph: Graph = _guard_tools(compiled_graph, partial(guard, **ask))
    object.__setattr__(graph, "__class__", _watched_class(type(graph), InterventCallback(**ask)))
    return graph


def _guard_tools(graph: Any, guard_tool: Callable[[BaseTool], BaseTool]) -> Any:
    from langgraph.prebuilt import ToolNode
    from langgraph.pregel import Pregel

    guarded = copy.copy(graph)
    guarded.nodes = dict(graph.nodes)
    for name, node in graph.nodes.items():
        if isinstance(node.bound, ToolNode):
            guarded.nodes[name] = node.copy({"bound": _guard_tool_node(node.bound, guard_tool)})
        elif isinstance(node.bound, Pregel):
            guarded.nodes[name] = node.copy({"bound": _guard_tools(node.bound, guard_tool)})
    return guarded


def _guard_tool_node(node: Any, guard_tool: Callable[[BaseTool], BaseTool]) -> Any:
    guarded = copy.copy(node)
    tools = {name: guard_tool(each) for name, each in node.tools_by_name.items()}
    # An attribute at first, a property over one later.
    vars(guarded)["_tools_by_name" if "_tools_by_name" in vars(node) else "tools_by_name"] = tools
    for method in ("func", "afunc"):
        function: Any = getattr(node, method, None)
        if getattr(function, "__self__", None) is node:
            setattr(guarded, method, function.__func__.__get__(guarded))
    return guarded


def _watched_class(kind: Any, handler: InterventCallback) -> Any:
    """Everything that runs a graph goes through these two. A subclass, not `with_config`: there, callbacks of a caller would
    take the place of this one."""

    def stream(self: Any, input: Any, config: Any = None, **named: Any) -> Any:
        return kind.stream(self, input, _watched(self, config, handler), **named)

    def astream(self: Any, input: Any, config: Any = None, **named: Any) -> Any:
        return kind.astream(self, input, _watched(self, config, handler), **named)

    names = {"__module__": __name__, "__qualname__": f"Guarded{kind.__qualname__}", "stream": stream, "astream": astream}
    return type(f"Guarded{kind.__name__}", (kind,), names)


def _watched(graph: Any, config: Any, handler: InterventCallback) -> dict[str, Any]:
    callbacks: Any = ensure_config(config).get("callbacks") or (graph.config or {}).get("callbacks") or []
    is_managed = isinstance(callbacks, BaseCallbackManager)
    # One that tools inherit: a handler of the graph's own run alone sees none of them.
    present = callbacks.inheritable_handlers if is_managed else callbacks
    if any(isinstance(each, InterventCallback) for each in present):
        return config or {}
    if is_managed:
        callbacks = callbacks.copy()
        callbacks.add_handler(handler, inherit=True)
    else:
        callbacks = [*callbacks, handler]
    return {**(config or {}), "callbacks": callbacks}


@dataclass(frozen=True)
class ScanDecision:
    """The verdict on one tool call, and what the tool may be given."""

    decision: str
    risk_score: float
    risk_band: str
    reason_codes: list[str]
    trace_id: str
    sanitized_body: Any = None
    approval_id: Optional[str] = None
    #: The arguments to run with: the original or the redacted ones. None unless ``should_run``.
    arguments: Any = None

    @property
    def should_run(self) -> bool:
        return self.decision in ("ALLOW", "SANITIZE")

    @property
    def is_blocked(self) -> bool:
        return not self.should_run


def scan_tool_call(
    tool_name: str,
    args: Any,
    *,
    api_key: Optional[str] = None,
    client: Optional[Client] = None,
    gateway_url: Optional[str] = None,
    url: Optional[str] = None,
    method: str = "POST",
    runtime_type: str = "langgraph",
) -> ScanDecision:
    """Asks about one call, for nodes that run tools by themselves. Waits for nobody: ``client.wait_for_approval`` does.

    ``args`` is what JSON can hold; text counts as ``{"input": text}``. Raises GatewayError and its kin without a verdict.
    """
    asker = client if client is not None else client_for(api_key, gateway_url, runtime_type=runtime_type)
    verdict = asker.scan(method, url or url_of(tool_name), _as_body(args))
    return _decision(verdict, args)


async def ascan_tool_call(
    tool_name: str, args: Any, *, client: AsyncClient, url: Optional[str] = None, method: str = "POST"
) -> ScanDecision:
    """As :func:`scan_tool_call`, awaited."""
    return _decision(await client.scan(method, url or url_of(tool_name), _as_body(args)), args)


def _as_body(args: Any) -> Any:
    return args if isinstance(args, dict) else {"input": args}


def _decision(verdict: ScanResponse, args: Any) -> ScanDecision:
    arguments = None
    if verdict.allowed or verdict.needs_sanitization:
        body = verdict.body_to_forward
        arguments = body if isinstance(args, dict) else body["input"]
    return ScanDecision(
        decision=verdict.decision,
        risk_score=verdict.risk_score,
        risk_band=verdict.risk_band,
        reason_codes=verdict.reason_codes,
        trace_id=verdict.trace_id,
        sanitized_body=verdict.sanitized_body,
        approval_id=verdict.approval_id,
        arguments=arguments,
    )


__all__ = [
    "InterventBlockedError",
    "InterventCallback",
    "ScanDecision",
    "ascan_tool_call",
    "guard_state_graph",
    "interven_tool_node",
    "scan_tool_call",
]

"""Interven for LangChain and LangGraph: ask before a tool runs, and run it with what may be sent, or not at all.

>>> from interven_langchain import guard
>>> tools = [guard(tool) for tool in tools]                      # INTERVEN_API_KEY, INTERVEN_GATEWAY_URL

See README.md for what each of these can enforce.
"""

from .callback import IntervenCallback, InterventCallback
from .errors import IntervenBlockedError, InterventBlockedError
from .langgraph import ScanDecision, ascan_tool_call, guard_state_graph, interven_tool_node, scan_tool_call
from .tools import guard

__version__ = "0.4.0"

__all__ = [
    "IntervenBlockedError",
    "IntervenCallback",
    "InterventBlockedError",
    "InterventCallback",
    "ScanDecision",
    "__version__",
    "ascan_tool_call",
    "guard",
    "guard_state_graph",
    "interven_tool_node",
    "scan_tool_call",
]

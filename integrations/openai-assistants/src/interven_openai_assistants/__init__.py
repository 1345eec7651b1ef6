"""Interven for tool calls that an OpenAI model asks for: Assistants, Chat Completions and Responses.

>>> from interven_openai_assistants import scan_tool_calls
>>> scanned = scan_tool_calls(run.required_action.submit_tool_outputs.tool_calls)   # INTERVEN_API_KEY, INTERVEN_GATEWAY_URL
"""

from .scan import ScannedToolCall, ascan_tool_calls, scan_tool_calls

__version__ = "0.2.0"

__all__ = ["ScannedToolCall", "__version__", "ascan_tool_calls", "scan_tool_calls"]

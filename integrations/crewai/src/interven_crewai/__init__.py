"""Interven for CrewAI: ask before a tool runs, and run it with what may be sent, or not at all.

>>> from interven_crewai import guard
>>> tools = [guard(tool) for tool in tools]                       # INTERVEN_API_KEY, INTERVEN_GATEWAY_URL
"""

from .hooks import guard_all_tools
from .tools import InterventBlockedError, guard

IntervenBlockedError = InterventBlockedError

__version__ = "0.2.0"

__all__ = ["IntervenBlockedError", "InterventBlockedError", "__version__", "guard", "guard_all_tools"]

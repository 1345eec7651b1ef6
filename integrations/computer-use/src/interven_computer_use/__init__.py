"""Interven for models that use a computer, a browser, a shell or an editor.

>>> from interven_computer_use import IntervenGuard
>>> guard = IntervenGuard()                                       # INTERVEN_API_KEY, INTERVEN_GATEWAY_URL
>>> result = guard.guard_tool_use(block, execute)
"""

from .guard import IntervenGuard, Verdict

Guard = IntervenGuard

__version__ = "0.2.0"

__all__ = ["Guard", "IntervenGuard", "Verdict", "__version__"]

"""A tool that was not run."""

from __future__ import annotations

import functools
from typing import Any, Optional

from interven import AifError, BlockedError, ScanResponse


class InterventBlockedError(BlockedError, RuntimeError):
    """The tool did not run: denied, not approved, or not to be rewritten as the gateway asks.

    A RuntimeError too, which LangGraph's retry policies do not repeat.
    """

    def __init__(self, tool: str, refusal: AifError) -> None:
        scan: Optional[ScanResponse] = getattr(refusal, "scan", None)
        super().__init__(f"Interven blocked tool `{tool}`: {refusal}", scan=scan, code=refusal.code or "BLOCKED")
        self.tool = tool
        #: Where a person decides, when the call waited for one.
        self.approval_url = scan.approval_url if scan else None
        #: The guarded tool; None where a callback refused.
        self.tool_object: Any = None


IntervenBlockedError = InterventBlockedError


@functools.cache
def answerable() -> type[InterventBlockedError]:
    """The error that LangGraph's ToolNode answers to the model, in place of ending the run as it does with others."""
    try:
        from langgraph.prebuilt.tool_node import ToolInvocationError
    except ImportError:
        return InterventBlockedError

    class AnswerableBlockedError(InterventBlockedError, ToolInvocationError):  # type: ignore[misc, unused-ignore]
        __init__ = InterventBlockedError.__init__  # type: ignore[assignment, unused-ignore]

    return AnswerableBlockedError  # type: ignore[no-any-return, unused-ignore]

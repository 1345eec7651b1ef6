"""Every tool of every crew in the process, by CrewAI's hooks (<https://docs.crewai.com/en/learn/tool-hooks>).

CrewAI runs the tool when a hook fails. So nothing may escape from ours: whatever goes wrong in it blocks the call.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Optional

from crewai.hooks import (
    register_after_tool_call_hook,
    register_before_tool_call_hook,
    unregister_after_tool_call_hook,
    unregister_before_tool_call_hook,
)
from interven import AifError, BlockedError, Client, gate
from interven.arguments import to_json

from .tools import DEFAULT_MAX_WAIT, OnPending, is_guarded, url_of

log = logging.getLogger("interven")


def guard_all_tools(
    *,
    client: Optional[Client] = None,
    api_key: Optional[str] = None,
    gateway_url: Optional[str] = None,
    max_wait: float = DEFAULT_MAX_WAIT,
    on_pending: Optional[OnPending] = None,
) -> Callable[[], None]:
    """Has every tool call of every crew judged from now on, and answers a function that ends this.

    As with :func:`~interven_crewai.guard`, redacted arguments are what the tool gets, and the agent is told why a call does not
    run. Arguments are judged as the model wrote them, without the tool's defaults. Guarded tools ask for themselves.
    """
    asker = client if client is not None else Client(api_key, gateway_url=gateway_url, runtime_type="crewai")
    refusals: dict[int, str] = {}

    def ask(context: Any) -> Optional[bool]:
        if is_guarded(context.tool):
            return None
        try:
            given = context.tool_input
            body = {name: to_json(value, name) for name, value in given.items()}
            gated = gate(
                asker, method="POST", url=url_of(context.tool_name), body=body, max_wait=max_wait, on_pending=on_pending
            )
            if not gated.proceed:
                raise BlockedError(gated.blocked_reason, scan=gated.scan)
            if gated.scan is not None and gated.scan.needs_sanitization:
                # In place: CrewAI runs the tool with this very map.
                given.clear()
                given.update(gated.body or {})
        except Exception as refusal:
            known = isinstance(refusal, (AifError, TypeError))
            reason = str(refusal) if known else f"it could not be judged: {type(refusal).__name__}"
            if not isinstance(refusal, BlockedError):
                log.error("tool `%s` was blocked, because there is no verdict on it: %s", context.tool_name, reason)
            refusals[id(context.tool_input)] = f"Interven blocked tool `{context.tool_name}`: {reason}"
            return False
        return None

    def tell(context: Any) -> Optional[str]:
        return refusals.pop(id(context.tool_input), None)

    register_before_tool_call_hook(ask)
    register_after_tool_call_hook(tell)

    def end() -> None:
        unregister_before_tool_call_hook(ask)
        unregister_after_tool_call_hook(tell)

    return end

"""A callback that asks before every tool of a run. It can stop a tool; it cannot change what the tool is given.

LangChain ignores what a callback returns, and hands tools the arguments that it had before. So a call that must be redacted is
stopped here, and :func:`~interven_langchain.guard` is what lets it go on redacted.
"""

from __future__ import annotations

from typing import Any, Optional
from uuid import UUID

from interven import BlockedError, Client, ConfigurationError, gate
from interven.arguments import to_json
from langchain_core.callbacks import BaseCallbackHandler

from .errors import InterventBlockedError, answerable
from .langsmith_runs import note_verdict
from .tools import DEFAULT_MAX_WAIT, GUARDED, OnBlock, OnPending, client_for, url_of


class InterventCallback(BaseCallbackHandler):
    """Pass it in ``config={"callbacks": [...]}``: the tools of that run, of its subgraphs and of tools within tools are judged.

    DENY, SANITIZE, and REQUIRE_APPROVAL that nobody grants within ``max_wait`` seconds raise InterventBlockedError before the
    tool runs. With ``on_block="return_message"`` the error is of a kind that LangGraph's ToolNode answers to the model; outside
    a ToolNode nobody does, and it is raised all the same. Without a verdict GatewayError or AuthenticationError is raised.

    Guarded tools ask for themselves and are passed over.
    """

    #: LangChain logs and forgets the errors of callbacks that do not say this.
    raise_error = True

    def __init__(
        self,
        api_key: Optional[str] = None,
        *,
        client: Optional[Client] = None,
        on_block: OnBlock = "raise",
        gateway_url: Optional[str] = None,
        timeout: Optional[float] = None,
        runtime_type: str = "langchain",
        max_wait: float = DEFAULT_MAX_WAIT,
        on_pending: Optional[OnPending] = None,
    ) -> None:
        if on_block not in ("raise", "return_message"):
            raise ConfigurationError(f"on_block is `raise` or `return_message`, not `{on_block}`")
        self.client = client if client is not None else client_for(api_key, gateway_url, timeout, runtime_type)
        self.on_block = on_block
        self._max_wait = max_wait
        self._on_pending = on_pending

    # Not a coroutine: a blocking run of LangChain swallows what coroutine callbacks raise. An asynchronous run calls this in a
    # thread of its executor.
    def on_tool_start(
        self,
        serialized: dict[str, Any],
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: Optional[UUID] = None,
        tags: Optional[list[str]] = None,
        metadata: Optional[dict[str, Any]] = None,
        inputs: Optional[dict[str, Any]] = None,
        **kwargs: Any,
    ) -> None:
        if metadata and metadata.get(GUARDED):
            return
        name = (serialized or {}).get("name") or kwargs.get("name") or "unknown"
        url = url_of(name)
        gated = gate(
            self.client,
            method="POST",
            url=url,
            body=_body(inputs, input_str),
            max_wait=self._max_wait,
            on_pending=self._on_pending,
        )
        if gated.scan is not None:
            note_verdict(name, url, gated.scan)
        if gated.proceed and not (gated.scan and gated.scan.needs_sanitization):
            return
        reason = gated.blocked_reason or "the call must be redacted, which a callback cannot do: use guard(tool)"
        kind = answerable() if self.on_block == "return_message" else InterventBlockedError
        raise kind(name, BlockedError(reason, scan=gated.scan))


IntervenCallback = InterventCallback


def _body(inputs: Optional[dict[str, Any]], input_str: str) -> dict[str, Any]:
    """The arguments; where they cannot be read one by one, the whole of them as text."""
    try:
        return {name: to_json(value, name) for name, value in inputs.items()} if inputs else {"input": input_str}
    except TypeError:
        return {"input": input_str}

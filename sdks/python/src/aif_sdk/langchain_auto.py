"""Guards every LangChain tool of the process with one call. ``interven_langchain`` guards chosen tools and says more."""

from __future__ import annotations

import functools
from typing import Any, Optional
from urllib.parse import quote

from interven import AsyncClient, Client, ScanResponse

_MARK = "_interven_guarded"


class InterventBlockedError(RuntimeError):
    """The tool was denied and did not run."""

    def __init__(self, tool: str, reason_codes: list[str], trace_id: str) -> None:
        super().__init__(f"Interven blocked tool `{tool}`: {', '.join(reason_codes) or 'no reason given'}")
        self.tool = tool
        self.reason_codes = reason_codes
        self.trace_id = trace_id


class InterventApprovalRequired(RuntimeError):
    """A person must agree first; the tool did not run."""

    def __init__(self, tool: str, approval_id: Optional[str], trace_id: str) -> None:
        super().__init__(f"tool `{tool}` needs approval {approval_id or ''}; call it again once it is given")
        self.tool = tool
        self.approval_id = approval_id
        self.trace_id = trace_id


def enable_interven(
    api_key: Optional[str] = None, gateway_url: Optional[str] = None, agent_name: str = "langchain-agent"
) -> None:
    """Has every ``run`` and ``arun`` of a LangChain tool judged from now on. Calling it twice changes nothing.

    SANITIZE runs the tool with the redacted arguments; DENY and REQUIRE_APPROVAL raise the errors above, and an outage raises
    GatewayError: the tool does not run. Needs ``langchain-core``.
    """
    from langchain_core.tools import BaseTool

    if getattr(BaseTool.run, _MARK, False):
        return
    client = Client(api_key, gateway_url=gateway_url, agent_name=agent_name, runtime_type="langchain")
    beside = AsyncClient.beside(client)
    run, arun = BaseTool.run, BaseTool.arun

    @functools.wraps(run)
    def guarded_run(self: Any, tool_input: Any, *positional: Any, **named: Any) -> Any:
        verdict = client.scan("POST", _url(self.name), _body(tool_input))
        return run(self, _input(self.name, tool_input, verdict), *positional, **named)

    @functools.wraps(arun)
    async def guarded_arun(self: Any, tool_input: Any, *positional: Any, **named: Any) -> Any:
        # A tool without a coroutine of its own falls back to its blocking form, which is not `run`: it is judged once.
        verdict = await beside.scan("POST", _url(self.name), _body(tool_input))
        return await arun(self, _input(self.name, tool_input, verdict), *positional, **named)

    for name, guarded in (("run", guarded_run), ("arun", guarded_arun)):
        setattr(guarded, _MARK, True)
        setattr(BaseTool, name, guarded)


def _url(tool: str) -> str:
    return f"tool://langchain/{quote(tool, safe='')}"


def _body(tool_input: Any) -> dict[str, Any]:
    return tool_input if isinstance(tool_input, dict) else {"input": tool_input}


def _input(tool: str, tool_input: Any, verdict: ScanResponse) -> Any:
    """What the tool may be given. Raises where it may not run."""
    if verdict.needs_approval:
        raise InterventApprovalRequired(tool, verdict.approval_id, verdict.trace_id)
    if verdict.blocked:
        raise InterventBlockedError(tool, verdict.reason_codes, verdict.trace_id)
    body = verdict.body_to_forward
    return body if isinstance(tool_input, dict) else body["input"]

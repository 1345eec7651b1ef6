"""A verdict for each tool call, and what to run it with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Optional
from urllib.parse import quote

from interven import AsyncClient, Client, GateResult, ScanResponse, gate

from .calls import ToolCall

OnPending = Callable[[ScanResponse], None]
_METHOD = "POST"


@dataclass(frozen=True)
class ScannedToolCall:
    """A call, the verdict, and what may be done."""

    #: As it was given.
    tool_call: Any
    scan: ScanResponse
    #: What to run the tool with: the original or the redacted arguments. Empty unless ``should_run``.
    effective_arguments: dict[str, Any]
    should_run: bool
    #: Why not, in a sentence for the model.
    reason: str = ""
    _call: ToolCall = field(repr=False, default=ToolCall("", "", None, "", None))

    @property
    def name(self) -> str:
        return self._call.name

    def output(self, text: str) -> dict[str, Any]:
        """What to submit: an entry of ``tool_outputs``, or an item of ``input`` with the Responses API."""
        return self._call.answer(text)

    def refusal(self) -> dict[str, Any]:
        """What to submit for a call that does not run, so that the model can go on without it."""
        return self._call.answer(f"Action blocked by security policy: {self.reason}")


def scan_tool_calls(
    tool_calls: Iterable[Any],
    *,
    api_key: Optional[str] = None,
    client: Optional[Client] = None,
    gateway_url: Optional[str] = None,
    timeout: Optional[float] = None,
    max_wait: float = 0.0,
    on_pending: Optional[OnPending] = None,
) -> list[ScannedToolCall]:
    """Judges each call, in order, as ``tool://openai/<name>`` with its arguments. Nothing is run.

    With ``max_wait`` (seconds, for each call) it waits for approvals, and answers what may be done then; without, a call that
    needs one does not run. Arguments that are no JSON object are judged as text, and do not run.

    Raises GatewayError, AuthenticationError and their kin where there is no verdict, unless ``fail_open``.
    """
    asker = client or Client(api_key, gateway_url=gateway_url, timeout=timeout, runtime_type="openai_assistants")
    # All are read before any is judged: an odd one is no surprise after others have run.
    read = [(each, ToolCall.read(each)) for each in tool_calls]
    return [
        _scanned(each, call, gate(asker, **_question(call), max_wait=max_wait, on_pending=on_pending))
        if max_wait > 0
        else _judged(each, call, asker.scan(**_question(call)))
        for each, call in read
    ]


async def ascan_tool_calls(
    tool_calls: Iterable[Any],
    *,
    client: AsyncClient,
    max_wait: float = 0.0,
    on_pending: Optional[OnPending] = None,
) -> list[ScannedToolCall]:
    """As :func:`scan_tool_calls`, all calls at once; the answers in the order of the calls."""
    read = [(each, ToolCall.read(each)) for each in tool_calls]

    async def ask(each: Any, call: ToolCall) -> ScannedToolCall:
        if max_wait > 0:
            gated = await gate(client, **_question(call), max_wait=max_wait, on_pending=on_pending)
            return _scanned(each, call, gated)
        return _judged(each, call, await client.scan(**_question(call)))

    return list(await asyncio.gather(*(ask(each, call) for each, call in read)))


def _question(call: ToolCall) -> dict[str, Any]:
    body = call.arguments if call.arguments is not None else {"arguments": call.text}
    return {"method": _METHOD, "url": f"tool://openai/{quote(call.name, safe='')}", "body": body}


def _judged(each: Any, call: ToolCall, verdict: ScanResponse) -> ScannedToolCall:
    proceed = verdict.allowed or verdict.needs_sanitization
    reason = "" if proceed else "a person must approve it first" if verdict.needs_approval else f"denied by policy: {verdict.reasons}"
    body = verdict.body_to_forward if proceed else None
    return _scanned(each, call, GateResult(proceed, verdict.decision, verdict, body, reason))


def _scanned(each: Any, call: ToolCall, gated: GateResult) -> ScannedToolCall:
    assert gated.scan is not None
    if call.arguments is None:
        return ScannedToolCall(each, gated.scan, {}, False, "its arguments are no JSON object", call)
    return ScannedToolCall(each, gated.scan, gated.body or {}, gated.proceed, gated.blocked_reason, call)

"""Asks before an action, and runs it with what may be sent, or not at all."""

from __future__ import annotations

import copy
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, Callable, Optional

from interven import AifError, AsyncClient, Client, ConfigurationError, GateResult, ScanResponse, gate

from .mapping import question

OnPending = Callable[[ScanResponse], None]


@dataclass(frozen=True)
class Verdict:
    """What may be done with one block. Ask ``proceed``."""

    #: ``ALLOW``, ``SANITIZE``, ``DENY``, ``REQUIRE_APPROVAL``; without a verdict ``FAIL_CLOSED`` or ``FAIL_OPEN``.
    decision: str
    proceed: bool
    reason: str
    risk_band: Optional[str] = None
    risk_score: Optional[float] = None
    reason_codes: list[str] = field(default_factory=list)
    trace_id: Optional[str] = None
    approval_id: Optional[str] = None
    approval_url: Optional[str] = None
    #: ``input`` is not what the block holds.
    sanitized: bool = False
    #: What to run the action with. None unless ``proceed``.
    input: Optional[dict[str, Any]] = field(default=None, repr=False)


class IntervenGuard:
    """Judges ``tool_use`` blocks, dictionaries or objects of the Anthropic SDK, before they run.

    ``fail_closed`` is the default; ``fail_closed=False`` lets calls through while the gateway is out of order, logged and
    counted in ``client.counters``. ``max_wait`` is how many seconds a call waits for a person: 0, it does not wait.
    """

    def __init__(
        self,
        api_key: Optional[str] = None,
        gateway: Optional[str] = None,
        *,
        client: Optional[Client] = None,
        timeout: Optional[float] = None,
        fail_closed: Optional[bool] = None,
        agent_name: Optional[str] = None,
        max_wait: float = 0.0,
        on_pending: Optional[OnPending] = None,
    ) -> None:
        self.client = client or Client(
            api_key,
            gateway_url=gateway,
            timeout=timeout,
            agent_name=agent_name,
            runtime_type="computer_use",
            fail_open=None if fail_closed is None else not fail_closed,
        )
        self._beside = AsyncClient.beside(self.client)
        self._max_wait = max_wait
        self._on_pending = on_pending

    def check(self, tool_use: Any) -> Verdict:
        """Raises only for what is no block; where there is no verdict, ``decision`` says FAIL_CLOSED."""
        asked = self._question(tool_use)
        try:
            if self._max_wait > 0:
                return _settled(gate(self.client, **asked, max_wait=self._max_wait, on_pending=self._on_pending))
            return _judged(self.client.scan(**asked))
        except AifError as error:
            return Verdict("FAIL_CLOSED", False, f"no verdict, so it does not run: {error}")

    async def acheck(self, tool_use: Any) -> Verdict:
        """As :meth:`check`, awaited."""
        asked = self._question(tool_use)
        try:
            if self._max_wait > 0:
                return _settled(await gate(self._beside, **asked, max_wait=self._max_wait, on_pending=self._on_pending))
            return _judged(await self._beside.scan(**asked))
        except AifError as error:
            return Verdict("FAIL_CLOSED", False, f"no verdict, so it does not run: {error}")

    def guard_tool_use(self, tool_use: Any, execute: Callable[[Any], Any]) -> dict[str, Any]:
        """The ``tool_result`` block: of ``execute``, called with the block that may run, or of the refusal.

        What ``execute`` raises is raised.
        """
        verdict = self.check(tool_use)
        return _result(tool_use, verdict, execute(_permitted(tool_use, verdict)) if verdict.proceed else None)

    async def aguard_tool_use(self, tool_use: Any, execute: Callable[[Any], Awaitable[Any]]) -> dict[str, Any]:
        """As :meth:`guard_tool_use`; ``execute`` is awaited."""
        verdict = await self.acheck(tool_use)
        return _result(tool_use, verdict, await execute(_permitted(tool_use, verdict)) if verdict.proceed else None)

    def _question(self, tool_use: Any) -> dict[str, Any]:
        name, given = _get(tool_use, "name"), _get(tool_use, "input")
        if given is None:
            given = {}
        elif not isinstance(given, dict) and hasattr(given, "model_dump"):
            given = given.model_dump(exclude_none=True)
        if not isinstance(name, str) or not isinstance(given, dict):
            raise ConfigurationError("a tool_use block has a `name`, and an `input` that is a map of arguments")
        method, url = question(name, given, str(_get(tool_use, "toolset_name") or ""))
        return {"method": method, "url": url, "body": given}


def _judged(verdict: ScanResponse) -> Verdict:
    proceed = verdict.allowed or verdict.needs_sanitization
    reason = "" if proceed else "a person must approve it first" if verdict.needs_approval else f"denied by policy: {verdict.reasons}"
    return _settled(GateResult(proceed, verdict.decision, verdict, verdict.body_to_forward if proceed else None, reason))


def _settled(gated: GateResult) -> Verdict:
    scan = gated.scan
    assert scan is not None
    return Verdict(
        decision="FAIL_OPEN" if scan.fail_open else scan.decision if gated.proceed else gated.decision,
        proceed=gated.proceed,
        reason=gated.blocked_reason or scan.reasons,
        risk_band=scan.risk_band,
        risk_score=scan.risk_score,
        reason_codes=scan.reason_codes,
        trace_id=scan.trace_id,
        approval_id=scan.approval_id,
        approval_url=scan.approval_url,
        sanitized=gated.proceed and scan.needs_sanitization,
        input=gated.body,
    )


def _permitted(tool_use: Any, verdict: Verdict) -> Any:
    """The block itself, or a copy of it with the redacted input."""
    if not verdict.sanitized:
        return tool_use
    if isinstance(tool_use, dict):
        return {**tool_use, "input": verdict.input}
    changed = copy.copy(tool_use)
    given = _get(tool_use, "input")
    changed.input = type(given).model_validate(verdict.input) if hasattr(given, "model_validate") else verdict.input
    return changed


def _result(tool_use: Any, verdict: Verdict, content: Any) -> dict[str, Any]:
    if not verdict.proceed:
        content = f"Action blocked by security policy: {verdict.reason}"
    elif not isinstance(content, (str, list)):
        content = "" if content is None else str(content)
    result = {"type": "tool_result", "tool_use_id": _get(tool_use, "id") or "", "content": content}
    return result if verdict.proceed else {**result, "is_error": True}


def _get(block: Any, name: str) -> Any:
    return block.get(name) if isinstance(block, dict) else getattr(block, name, None)

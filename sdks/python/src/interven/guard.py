"""Before a function runs: ask, wait for approval where that is asked, and run it with what may be sent, or not at all."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Optional, TypeVar, Union, overload
from urllib.parse import quote

from .arguments import Arguments, ArgumentReader
from .async_client import AsyncClient
from .calls import DEFAULT_POLL_INTERVAL, Calls
from .client import Client
from .errors import (
    AifError,
    ApprovalDeniedError,
    ApprovalExpiredError,
    ApprovalTimeoutError,
    BlockedError,
    ConfigurationError,
)
from .exchange import Steps
from .verdict import ScanResponse

if TYPE_CHECKING:
    from typing import Protocol

    from typing_extensions import ParamSpec

    P = ParamSpec("P")
    R = TypeVar("R")

    class _RaisingGuard(Protocol):
        def __call__(self, function: Callable[P, R], /) -> Callable[P, R]: ...

    class _AnsweringGuard(Protocol):
        @overload
        def __call__(
            self, function: Callable[P, Coroutine[Any, Any, R]], /
        ) -> Callable[P, Coroutine[Any, Any, Union[R, str]]]: ...
        @overload
        def __call__(self, function: Callable[P, R], /) -> Callable[P, Union[R, str]]: ...


OnVerdict = Callable[[ScanResponse], None]
#: What a guard answers in place of its function; it gets the refusal, and may raise an error of its own.
OnBlock = Callable[[AifError], Any]
DEFAULT_GATE_WAIT = 600.0
#: A decision against the call; an outage is none of these.
_Refused = (BlockedError, ApprovalDeniedError, ApprovalExpiredError, ApprovalTimeoutError)


@dataclass(frozen=True)
class _Instead:
    """The function does not run; this is what its caller gets."""

    answer: Any


@dataclass(frozen=True)
class GateResult:
    """Whether to go on, and with what."""

    #: Send ``body`` if true; drop the call otherwise.
    proceed: bool
    #: What the gateway answered first.
    decision: str
    #: The last verdict; its ``trace_id`` is the one to report the tool's answer under.
    scan: Optional[ScanResponse] = None
    #: What to send: the original, or the redacted form. None unless ``proceed``.
    body: Optional[Any] = None
    blocked_reason: str = ""
    approval_waited: bool = False


def settle(
    calls: Calls,
    method: str,
    url: str,
    body: Optional[Any],
    headers: Optional[dict[str, str]],
    poll_interval: float,
    max_wait: float,
    on_pending: Optional[OnVerdict],
) -> Steps[ScanResponse]:
    """Asks until the call may be made, and answers the verdict that says so. Raises one of the refusals otherwise, and GatewayError where there is no verdict."""
    first = last = yield from calls.scan(method, url, body, headers)
    if first.needs_approval:
        if on_pending is not None:
            on_pending(first)
        if not first.approval_id:
            raise BlockedError("approval is required and the gateway named none to wait for", scan=first)
        try:
            status = yield from calls.wait_for_approval(
                first.approval_id, max_wait=max_wait, poll_interval=poll_interval
            )
        except (ApprovalDeniedError, ApprovalExpiredError, ApprovalTimeoutError) as refused:
            refused.scan = first
            raise
        if not status.is_approved:
            raise BlockedError(f"approval {first.approval_id} was used by another call", scan=first)
        # The yes holds for the identical call, once: sending it again uses it, and says what may go out.
        last = yield from calls.scan(method, url, body, headers)
        if last.needs_approval:
            raise BlockedError(f"approval {first.approval_id} did not hold for the repeated call", scan=last)
    if last.blocked:
        raise BlockedError(f"denied by policy: {last.reasons}", scan=last)
    return last


def _gate_steps(
    calls: Calls,
    method: str,
    url: str,
    body: Optional[Any],
    headers: Optional[dict[str, str]],
    poll_interval: float,
    max_wait: float,
    on_pending: Optional[OnVerdict],
) -> Steps[GateResult]:
    pending: list[ScanResponse] = []

    def note(verdict: ScanResponse) -> None:
        pending.append(verdict)
        if on_pending is not None:
            on_pending(verdict)

    try:
        last = yield from settle(calls, method, url, body, headers, poll_interval, max_wait, note)
    except _Refused as refused:
        first = pending[0] if pending else refused.scan
        decision = first.decision if first else "DENY"
        return GateResult(False, decision, refused.scan, None, str(refused), approval_waited=bool(pending))
    decision = (pending or [last])[0].decision
    return GateResult(True, decision, last, last.body_to_forward, approval_waited=bool(pending))


@overload
def gate(
    client: Client,
    *,
    method: str,
    url: str,
    body: Optional[Any] = None,
    headers: Optional[dict[str, str]] = None,
    poll_interval: float = DEFAULT_POLL_INTERVAL,
    max_wait: float = DEFAULT_GATE_WAIT,
    on_pending: Optional[OnVerdict] = None,
) -> GateResult: ...
@overload
def gate(
    client: AsyncClient,
    *,
    method: str,
    url: str,
    body: Optional[Any] = None,
    headers: Optional[dict[str, str]] = None,
    poll_interval: float = DEFAULT_POLL_INTERVAL,
    max_wait: float = DEFAULT_GATE_WAIT,
    on_pending: Optional[OnVerdict] = None,
) -> Coroutine[Any, Any, GateResult]: ...
def gate(
    client: Union[Client, AsyncClient],
    *,
    method: str,
    url: str,
    body: Optional[Any] = None,
    headers: Optional[dict[str, str]] = None,
    poll_interval: float = DEFAULT_POLL_INTERVAL,
    max_wait: float = DEFAULT_GATE_WAIT,
    on_pending: Optional[OnVerdict] = None,
) -> Union[GateResult, Coroutine[Any, Any, GateResult]]:
    """One question for all four decisions: ``proceed`` with ``body``, or do not. With an AsyncClient, await it.

    Waits up to ``max_wait`` seconds for an approval and calls ``on_pending`` with the verdict before it does.
    Raises GatewayError and its kin where there is no verdict.
    """
    steps = _gate_steps(client._calls, method, url, body, headers, poll_interval, max_wait, on_pending)
    return client._transport.run(steps)


@overload
def guard(
    client: Union[Client, AsyncClient, None] = None,
    *,
    on_block: Literal["raise"],
    api_key: Optional[str] = None,
    url: Optional[str] = None,
    method: str = "POST",
    tool: Optional[str] = None,
    operation: Optional[str] = None,
    exclude: Collection[str] = (),
    poll_interval: float = DEFAULT_POLL_INTERVAL,
    max_wait: float = DEFAULT_GATE_WAIT,
    blocked_message: str = ...,
    on_pending: Optional[OnVerdict] = None,
    on_verdict: Optional[OnVerdict] = None,
) -> _RaisingGuard: ...
@overload
def guard(
    client: Union[Client, AsyncClient, None] = None,
    *,
    on_block: OnBlock,
    api_key: Optional[str] = None,
    url: Optional[str] = None,
    method: str = "POST",
    tool: Optional[str] = None,
    operation: Optional[str] = None,
    exclude: Collection[str] = (),
    poll_interval: float = DEFAULT_POLL_INTERVAL,
    max_wait: float = DEFAULT_GATE_WAIT,
    blocked_message: str = ...,
    on_pending: Optional[OnVerdict] = None,
    on_verdict: Optional[OnVerdict] = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]: ...
@overload
def guard(
    client: Union[Client, AsyncClient, None] = None,
    *,
    on_block: Literal["return_message"] = "return_message",
    api_key: Optional[str] = None,
    url: Optional[str] = None,
    method: str = "POST",
    tool: Optional[str] = None,
    operation: Optional[str] = None,
    exclude: Collection[str] = (),
    poll_interval: float = DEFAULT_POLL_INTERVAL,
    max_wait: float = DEFAULT_GATE_WAIT,
    blocked_message: str = ...,
    on_pending: Optional[OnVerdict] = None,
    on_verdict: Optional[OnVerdict] = None,
) -> _AnsweringGuard: ...
def guard(
    client: Union[Client, AsyncClient, None] = None,
    *,
    on_block: Union[Literal["raise", "return_message"], OnBlock] = "return_message",
    api_key: Optional[str] = None,
    url: Optional[str] = None,
    method: str = "POST",
    tool: Optional[str] = None,
    operation: Optional[str] = None,
    exclude: Collection[str] = (),
    poll_interval: float = DEFAULT_POLL_INTERVAL,
    max_wait: float = DEFAULT_GATE_WAIT,
    blocked_message: str = "Action blocked by security policy: {reason}",
    on_pending: Optional[OnVerdict] = None,
    on_verdict: Optional[OnVerdict] = None,
) -> Any:
    """Guards a function: its arguments are judged as the body of a call of ``url``, or of ``operation`` of ``tool``.

    ALLOW runs it. SANITIZE runs it with the redacted arguments. REQUIRE_APPROVAL waits up to ``max_wait`` seconds, and asks
    again. Otherwise it does not run: its caller gets ``blocked_message`` as a string, which suits a model, or an error
    (BlockedError, ApprovalDeniedError, ApprovalExpiredError, ApprovalTimeoutError) with ``on_block="raise"``; a function given
    as ``on_block`` is called with that error, and its result is the answer.
    Where there is no verdict it does not run either, and GatewayError or AuthenticationError is raised, unless ``fail_open``.

    ``exclude`` names parameters that are no content (a session, a logger): they are neither judged nor sent.
    ``on_verdict`` is called with the verdict that settled each call, before the function runs.
    Coroutine functions are guarded without blocking the event loop, with a Client as with an AsyncClient.
    """
    if url is None and tool is not None and operation is not None:
        target = f"tool://{quote(tool, safe='')}/{quote(operation, safe='')}"
    elif url is not None and tool is None and operation is None:
        target = url
    else:
        raise ConfigurationError("guard needs either url=…, or tool=… and operation=…")
    if not callable(on_block) and on_block not in ("raise", "return_message"):
        raise ConfigurationError(f"on_block is `raise` or `return_message`, not `{on_block}`")
    if client is not None and api_key is not None:
        raise ConfigurationError("guard needs a client or an api_key, not both")
    asker = client if client is not None else Client(api_key)

    def steps(arguments: Arguments) -> Steps[Optional[_Instead]]:
        """None to go on, with the arguments as they may be sent; what to answer otherwise."""
        verdict: Optional[ScanResponse] = None
        try:
            verdict = yield from settle(
                asker._calls, method, target, arguments.body, None, poll_interval, max_wait, on_pending
            )
            arguments.require_unchanged()
            if verdict.needs_sanitization:
                arguments.redact(verdict.body_to_forward)
        except _Refused as refused:
            verdict = refused.scan = refused.scan or verdict
            if on_block == "raise":
                raise
            if callable(on_block):
                return _Instead(on_block(refused))
            return _Instead(blocked_message.replace("{reason}", str(refused)))
        finally:
            if on_verdict is not None and verdict is not None:
                on_verdict(verdict)
        return None

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        reader = ArgumentReader(function, exclude)
        if inspect.iscoroutinefunction(function):
            transport = (asker if isinstance(asker, AsyncClient) else AsyncClient.beside(asker))._transport

            @functools.wraps(function)
            async def guarded_coroutine(*positional: Any, **named: Any) -> Any:
                arguments = reader.read(positional, named)
                instead = await transport.run(steps(arguments))
                if instead is not None:
                    return instead.answer
                return await function(*arguments.positional, **arguments.named)

            return guarded_coroutine
        if isinstance(asker, AsyncClient):
            raise ConfigurationError("an AsyncClient guards coroutine functions only: use a Client here")
        blocking = asker._transport

        @functools.wraps(function)
        def guarded(*positional: Any, **named: Any) -> Any:
            arguments = reader.read(positional, named)
            instead = blocking.run(steps(arguments))
            if instead is not None:
                return instead.answer
            return function(*arguments.positional, **arguments.named)

        return guarded

    return decorate

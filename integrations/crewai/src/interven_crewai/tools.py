"""A copy of a tool that asks before it runs, and runs with what may be sent, or not at all."""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable, Collection
from typing import Any, Literal, Optional, TypeVar, Union, cast
from urllib.parse import quote

from crewai.tools import BaseTool
from crewai.tools.base_tool import Tool
from crewai.tools.structured_tool import CrewStructuredTool
from interven import AifError, AsyncClient, BlockedError, Client, ConfigurationError, ScanResponse
from interven import guard as guard_function

AnyTool = TypeVar("AnyTool", bound=Union[BaseTool, CrewStructuredTool])
OnBlock = Literal["raise", "return_message"]
OnPending = Callable[[ScanResponse], None]
#: Seconds that a call waits for a person.
DEFAULT_MAX_WAIT = 600.0
_guarded: weakref.WeakSet[type] = weakref.WeakSet()


class InterventBlockedError(BlockedError, RuntimeError):
    """The tool did not run: denied, not approved, or not to be rewritten as the gateway asks."""

    def __init__(self, tool: str, refusal: AifError) -> None:
        scan: Optional[ScanResponse] = getattr(refusal, "scan", None)
        super().__init__(f"Interven blocked tool `{tool}`: {refusal}", scan=scan, code=refusal.code or "BLOCKED")
        self.tool = tool
        #: Where a person decides, when the call waited for one.
        self.approval_url = scan.approval_url if scan else None


class Refusal(str):
    """What an agent is told in place of a tool's result; not for its cache."""


def guard(
    tool: AnyTool,
    *,
    client: Union[Client, AsyncClient, None] = None,
    api_key: Optional[str] = None,
    gateway_url: Optional[str] = None,
    on_block: OnBlock = "return_message",
    url: Optional[str] = None,
    max_wait: float = DEFAULT_MAX_WAIT,
    on_pending: Optional[OnPending] = None,
    exclude: Collection[str] = (),
) -> AnyTool:
    """A copy of ``tool`` whose every run is judged.

    Its arguments, validated and with their defaults, are judged as the body of ``tool://crewai/<name>``, or of ``url``.
    ALLOW runs it. SANITIZE runs it with the redacted arguments. REQUIRE_APPROVAL calls ``on_pending``, waits up to
    ``max_wait`` seconds, and asks again. Otherwise it does not run, and the agent is told why; with ``on_block="raise"``
    InterventBlockedError is raised, which CrewAI reports to the agent as an error of the tool, after trying again in some of
    its versions. Where there is no verdict, GatewayError or AuthenticationError is raised, unless ``fail_open``.
    """
    if not isinstance(tool, (BaseTool, CrewStructuredTool)):
        raise ConfigurationError(f"only tools of CrewAI can be guarded, not a {type(tool).__name__}")
    if on_block not in ("raise", "return_message"):
        raise ConfigurationError(f"on_block is `raise` or `return_message`, not `{on_block}`")
    if is_guarded(tool):
        return tool
    name, kind = tool.name, cast("type[Any]", type(tool))

    def refuse(refusal: AifError) -> Any:
        blocked = InterventBlockedError(name, refusal)
        if on_block == "raise":
            raise blocked
        return Refusal(blocked)

    asker = client if client is not None else Client(api_key, gateway_url=gateway_url, runtime_type="crewai")
    ask_before = guard_function(
        asker,
        url=url or url_of(name),
        on_block=refuse,
        max_wait=max_wait,
        on_pending=on_pending,
        exclude=exclude,
    )
    methods: dict[str, Any] = {}
    fields: dict[str, Any] = {"cache_function": _never_of_refusals(getattr(tool, "cache_function", None))}
    if isinstance(tool, (Tool, CrewStructuredTool)):
        fields["func"] = ask_before(tool.func)
    else:
        methods["_run"] = _method(kind._run, ask_before(tool._run))
        if kind._arun is not BaseTool._arun:
            methods["_arun"] = _method(kind._arun, ask_before(tool._arun))
    copied: Any = tool.model_copy(update=fields)
    if isinstance(copied, CrewStructuredTool):
        # Asked for its name and its cache only; the function that runs is the one above.
        copied._original_tool = getattr(tool, "_original_tool", None)
    object.__setattr__(copied, "__class__", _guarded_class(kind, methods))
    return cast("AnyTool", copied)


def is_guarded(tool: Any) -> bool:
    """Whether it asks by itself; also for what CrewAI makes of a guarded tool."""
    return type(tool) in _guarded or type(getattr(tool, "_original_tool", None)) in _guarded


def url_of(tool: str) -> str:
    return f"tool://crewai/{quote(tool, safe='')}"


def _never_of_refusals(may_cache: Optional[Callable[..., bool]]) -> Callable[..., bool]:
    def cache_function(arguments: Any = None, result: Any = None) -> bool:
        return not isinstance(result, Refusal) and (may_cache is None or may_cache(arguments, result))

    return cache_function


def _method(original: Callable[..., Any], guarded: Callable[..., Any]) -> Callable[..., Any]:
    """`guarded`, which is bound already, as a method with the signature of `original`."""
    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def coroutine(self: Any, *positional: Any, **named: Any) -> Any:
            return await guarded(*positional, **named)

        return coroutine

    @functools.wraps(original)
    def method(self: Any, *positional: Any, **named: Any) -> Any:
        return guarded(*positional, **named)

    return method


def _guarded_class(kind: type[Any], methods: dict[str, Any]) -> type[Any]:
    """A subclass made for one tool: it stays what it was for whoever asks for its type or its fields."""
    names = {"__module__": __name__, "__qualname__": f"Guarded{kind.__qualname__}", **methods}
    guarded = type(f"Guarded{kind.__name__}", (kind,), names)
    _guarded.add(guarded)
    return guarded

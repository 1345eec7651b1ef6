"""A copy of a tool that asks before it runs, and runs with what may be sent, or not at all."""

from __future__ import annotations

import copy
import functools
import inspect
import weakref
from collections.abc import Callable, Collection
from typing import Any, Literal, Optional, Union, get_type_hints
from urllib.parse import quote

from interven import AifError, AsyncClient, Client, ConfigurationError, ScanResponse
from interven import guard as guard_function
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, InjectedToolArg, StructuredTool, Tool
from langchain_core.tools import tool as as_tool

from .errors import InterventBlockedError
from .langsmith_runs import note_verdict

OnBlock = Literal["raise", "return_message"]
OnPending = Callable[[ScanResponse], None]
#: Seconds that a call waits for a person.
DEFAULT_MAX_WAIT = 600.0
#: In the metadata of a guarded tool's own runs, which no other run inherits: the callback need not ask again.
GUARDED = "interven_guarded"
#: What the framework itself passes to a method of a tool, and to its function, over whatever a model wrote there.
_TO_METHODS, _TO_FUNCTIONS = "run_manager", "callbacks"
_guarded_classes: weakref.WeakSet[type] = weakref.WeakSet()


def guard(
    tool: Union[BaseTool, Callable[..., Any]],
    *,
    client: Union[Client, AsyncClient, None] = None,
    api_key: Optional[str] = None,
    gateway_url: Optional[str] = None,
    on_block: OnBlock = "raise",
    url: Optional[str] = None,
    max_wait: float = DEFAULT_MAX_WAIT,
    on_pending: Optional[OnPending] = None,
    exclude: Collection[str] = (),
) -> BaseTool:
    """A copy of ``tool`` (or of a function, made a tool) whose every run is judged, however it is called.

    Its arguments, validated and with their defaults, are judged as the body of ``tool://langchain/<name>``, or of ``url``.
    ALLOW runs it. SANITIZE runs it with the redacted arguments. REQUIRE_APPROVAL calls ``on_pending``, waits up to
    ``max_wait`` seconds, and asks again. Otherwise it does not run: InterventBlockedError is raised, or, with
    ``on_block="return_message"``, the model gets the reason as a ToolMessage of status ``error``. Where there is no verdict,
    GatewayError or AuthenticationError is raised, unless ``fail_open``.

    What the framework injects (state, store, runtime, config) is neither judged nor sent; ``exclude`` names further such
    arguments.
    """
    if not isinstance(tool, BaseTool):
        if not callable(tool):
            raise ConfigurationError(f"only tools and functions can be guarded, not a {type(tool).__name__}")
        tool = as_tool(tool)
    if type(tool) in _guarded_classes:
        return tool
    if on_block not in ("raise", "return_message"):
        raise ConfigurationError(f"on_block is `raise` or `return_message`, not `{on_block}`")
    target = url or url_of(tool.name)
    name, guarded = tool.name, copy.copy(tool)
    # A copy of pydantic 1, in langchain-core 0.2, shares its fields with the original.
    object.__setattr__(guarded, "__dict__", dict(vars(tool)))

    def refuse(refusal: AifError) -> Any:
        blocked = InterventBlockedError(name, refusal)
        blocked.tool_object = guarded
        raise blocked

    asked = client if client is not None else client_for(api_key, gateway_url)
    injected = _injected_arguments(tool) | set(exclude)

    def ask_before(function: Callable[..., Any], passed: str) -> Callable[..., Any]:
        return guard_function(
            asked,
            url=target,
            on_block=refuse,
            max_wait=max_wait,
            on_pending=on_pending,
            on_verdict=functools.partial(note_verdict, name, target),
            exclude=_beside_the_arguments(function, passed, injected),
        )(function)

    methods: dict[str, Any] = {}
    kind = type(tool)
    for method, function in (("_run", "func"), ("_arun", "coroutine")):
        if _calls_its_function(kind, method):
            if getattr(tool, function, None) is not None:
                object.__setattr__(guarded, function, ask_before(getattr(tool, function), _TO_FUNCTIONS))
        elif getattr(kind, method) is not BaseTool._arun:  # which runs `_run`
            methods[method] = _method(getattr(kind, method), ask_before(getattr(tool, method), _TO_METHODS))
    object.__setattr__(guarded, "metadata", {**(tool.metadata or {}), GUARDED: True})
    object.__setattr__(guarded, "__class__", _guarded_class(kind, methods, on_block))
    return guarded


def client_for(
    api_key: Optional[str],
    gateway_url: Optional[str],
    timeout: Optional[float] = None,
    runtime_type: str = "langchain",
) -> Client:
    return Client(api_key, gateway_url=gateway_url, timeout=timeout, runtime_type=runtime_type)


def url_of(tool: str) -> str:
    return f"tool://langchain/{quote(tool, safe='')}"


def _injected_arguments(tool: BaseTool) -> set[str]:
    """Names of what the framework puts in and no model can set: in the full schema, and not in the model's."""
    names = set(getattr(tool, "_injected_args_keys", ()))
    shown, full = tool.tool_call_schema, tool.get_input_schema()
    if inspect.isclass(shown):
        names |= set(_fields(full)) - set(_fields(shown))
    return names


def _fields(schema: Any) -> Collection[str]:
    # langchain-core 0.2 uses pydantic 1, whose classes know no `model_fields`.
    fields: Any = getattr(schema, "model_fields", None) or getattr(schema, "__fields__", {})
    return list(fields)


def _beside_the_arguments(function: Callable[..., Any], passed: str, injected: set[str]) -> list[str]:
    parameters = inspect.signature(function).parameters
    takes_any = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())
    # Only a parameter of that very name is the framework's: in `**keywords` it would be the model's.
    own = {name for name, each in parameters.items() if name == passed or _is_config(each)}
    own |= {name for name, hint in _hints(function).items() if _is_injected(hint)}
    return sorted(own | {name for name in injected if takes_any or name in parameters})


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except (NameError, TypeError):
        # Names that only a type checker knows, or a callable object.
        return {}


def _is_injected(hint: Any) -> bool:
    """``Annotated[…, InjectedToolArg]``, which schemas of langchain-core 0.2 forget."""
    kinds = (each if inspect.isclass(each) else type(each) for each in getattr(hint, "__metadata__", ()))
    return any(issubclass(kind, InjectedToolArg) for kind in kinds)


def _is_config(parameter: inspect.Parameter) -> bool:
    return "RunnableConfig" in str(parameter.annotation)


def _calls_its_function(kind: type[BaseTool], method: str) -> bool:
    """The framework's own method, which calls `func` or `coroutine` and nothing else."""
    return any(getattr(kind, method) is getattr(known, method) for known in (StructuredTool, Tool))


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


def _guarded_class(kind: type[BaseTool], methods: dict[str, Any], on_block: OnBlock) -> type[BaseTool]:
    """A subclass made for one tool: it stays what it was for whoever asks for its type or its fields."""
    if on_block == "return_message":

        def run(self: Any, tool_input: Any, *positional: Any, **named: Any) -> Any:
            try:
                return kind.run(self, tool_input, *positional, **named)
            except InterventBlockedError as blocked:
                return _told(self, blocked, named)

        async def arun(self: Any, tool_input: Any, *positional: Any, **named: Any) -> Any:
            try:
                return await kind.arun(self, tool_input, *positional, **named)
            except InterventBlockedError as blocked:
                return _told(self, blocked, named)

        methods = {**methods, "run": run, "arun": arun}
    names = {"__module__": __name__, "__qualname__": f"Guarded{kind.__qualname__}", **methods}
    guarded = type(f"Guarded{kind.__name__}", (kind,), names)
    _guarded_classes.add(guarded)
    return guarded


def _told(tool: BaseTool, blocked: InterventBlockedError, named: dict[str, Any]) -> Any:
    """What a model gets: a message where the framework wants one, the text elsewhere."""
    if blocked.tool_object is not tool:
        # A tool that this one called: its error is this one's.
        raise blocked
    call = named.get("tool_call_id")
    return ToolMessage(str(blocked), tool_call_id=call, name=tool.name, status="error") if call else str(blocked)

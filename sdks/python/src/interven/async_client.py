"""The client for asyncio: the same calls, awaited."""

from __future__ import annotations

from collections.abc import Awaitable
from types import TracebackType
from typing import Any, Optional

from .approval import ApprovalStatus
from .async_transport import AsyncTransport
from .calls import DEFAULT_POLL_INTERVAL, Calls, EphemeralKey
from .client import Client
from .exchange import Counters
from .settings import Settings
from .tools import ToolResult, Tools, call_steps
from .verdict import ScanResponse


class AsyncClient:
    """As :class:`~interven.Client`; every call is a coroutine. Cancelling one closes its connection."""

    def __init__(
        self,
        api_key: Optional[str] = None,
        *,
        gateway_url: Optional[str] = None,
        timeout: Optional[float] = None,
        retries: int = 2,
        agent_id: Optional[str] = None,
        agent_name: Optional[str] = None,
        runtime_type: str = "python",
        fail_open: Optional[bool] = None,
    ) -> None:
        settings = Settings.read(
            api_key, gateway_url, timeout, retries, agent_id, agent_name, runtime_type, fail_open
        )
        self._start(settings, Counters())

    @classmethod
    def beside(cls, client: Client) -> AsyncClient:
        """One with the settings of ``client`` that counts where it does."""
        beside = cls.__new__(cls)
        beside._start(client.settings, client.counters)
        return beside

    def _start(self, settings: Settings, counters: Counters) -> None:
        self.settings = settings
        #: What this client did so far; ``fail_opens`` is the one to watch.
        self.counters = counters
        self._calls = Calls(settings, counters)
        self._transport = AsyncTransport()
        self.tools: Tools[Awaitable[ToolResult]] = Tools(self._call_tool)

    async def scan(
        self,
        method: str,
        url: str,
        body: Optional[Any] = None,
        headers: Optional[dict[str, str]] = None,
        agent_id: Optional[str] = None,
        agent_name: Optional[str] = None,
        runtime_type: Optional[str] = None,
        context: Optional[str] = None,
        env: Optional[str] = None,
    ) -> ScanResponse:
        """See :meth:`interven.Client.scan`."""
        return await self._transport.run(
            self._calls.scan(method, url, body, headers, agent_id, agent_name, runtime_type, context, env)
        )

    async def scan_response(
        self, trace_id: str, response_body: Any, response_status: Optional[int] = None
    ) -> dict[str, Any]:
        """See :meth:`interven.Client.scan_response`."""
        return await self._transport.run(self._calls.scan_response(trace_id, response_body, response_status))

    async def poll_approval(self, approval_id: str) -> ApprovalStatus:
        """See :meth:`interven.Client.poll_approval`."""
        return await self._transport.run(self._calls.poll_approval(approval_id))

    async def wait_for_approval(
        self,
        approval_id: str,
        timeout: Optional[float] = None,
        *,
        max_wait: Optional[float] = None,
        poll_interval: float = DEFAULT_POLL_INTERVAL,
        raise_on_terminal: bool = True,
    ) -> ApprovalStatus:
        """See :meth:`interven.Client.wait_for_approval`."""
        return await self._transport.run(
            self._calls.wait_for_approval(approval_id, timeout, max_wait, poll_interval, raise_on_terminal)
        )

    async def mint_ephemeral_key(
        self,
        *,
        ttl_seconds: int = 600,
        max_uses: int = 1,
        tools: Optional[list[str]] = None,
        verbs: Optional[list[str]] = None,
        description: Optional[str] = None,
    ) -> EphemeralKey:
        """See :meth:`interven.Client.mint_ephemeral_key`."""
        return await self._transport.run(
            self._calls.mint_ephemeral_key(ttl_seconds, max_uses, tools, verbs, description)
        )

    async def health(self) -> bool:
        """See :meth:`interven.Client.health`."""
        return await self._transport.run(self._calls.health())

    async def _call_tool(self, tool: str, operation: str, parameters: dict[str, Any]) -> ToolResult:
        return await self._transport.run(call_steps(self._calls, tool, operation, parameters))

    async def aclose(self) -> None:
        """Closes the connections that this event loop keeps open. The client can still be used."""
        await self._transport.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"AsyncClient({self.settings!r})"

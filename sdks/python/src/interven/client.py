"""The blocking client."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Optional

from .approval import ApprovalStatus
from .calls import DEFAULT_POLL_INTERVAL, Calls, EphemeralKey
from .exchange import Counters
from .settings import Settings
from .tools import ToolResult, Tools, call_steps
from .transport import Transport
from .verdict import ScanResponse


class Client:
    """Asks a gateway before a tool is called. Threads may share one; it keeps a few connections open.

    ``timeout`` is in seconds and holds for a whole call, repeated requests and waiting between them included. What is not
    given comes from the environment: ``INTERVEN_API_KEY``, ``INTERVEN_GATEWAY_URL``, ``INTERVEN_AGENT_ID``,
    ``INTERVEN_AGENT_NAME``, ``INTERVEN_TIMEOUT_MS``, ``INTERVEN_FAIL_OPEN``, ``INTERVEN_FAIL_CLOSED``.

    Raises AuthenticationError without a key and ConfigurationError for settings that cannot be used.
    """

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
        self.settings = Settings.read(
            api_key, gateway_url, timeout, retries, agent_id, agent_name, runtime_type, fail_open
        )
        #: What this client did so far; ``fail_opens`` is the one to watch.
        self.counters = Counters()
        self._calls = Calls(self.settings, self.counters)
        self._transport = Transport()
        self.tools: Tools[ToolResult] = Tools(self._call_tool)

    def scan(
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
        """Judges the call that an agent intends to make. ``body`` is anything that JSON can hold.

        Raises AuthenticationError, PayloadTooLargeError, RateLimitError, QuotaExceededError, or GatewayError where there is
        no verdict; with ``fail_open`` an outage answers ALLOW with ``fail_open`` set, is logged and counted.
        """
        return self._transport.run(
            self._calls.scan(method, url, body, headers, agent_id, agent_name, runtime_type, context, env)
        )

    def scan_response(
        self, trace_id: str, response_body: Any, response_status: Optional[int] = None
    ) -> dict[str, Any]:
        """Tells the gateway what came back: ``{data_classes, fields_redacted_count, content_fingerprint, injection}``."""
        return self._transport.run(self._calls.scan_response(trace_id, response_body, response_status))

    def poll_approval(self, approval_id: str) -> ApprovalStatus:
        """Where an approval stands now. The gateway allows one poll in 2 s."""
        return self._transport.run(self._calls.poll_approval(approval_id))

    def wait_for_approval(
        self,
        approval_id: str,
        timeout: Optional[float] = None,
        *,
        max_wait: Optional[float] = None,
        poll_interval: float = DEFAULT_POLL_INTERVAL,
        raise_on_terminal: bool = True,
    ) -> ApprovalStatus:
        """Waits until a person has decided, for ``timeout`` (or ``max_wait``) seconds: an hour unless told.

        The gateway holds each question until there is a decision, so the answer comes at once. ``poll_interval`` (seconds,
        at least 2.5) is for gateways that do not. Outages are waited through.

        Raises ApprovalDeniedError and ApprovalExpiredError (unless ``raise_on_terminal`` is false), ApprovalTimeoutError.
        """
        return self._transport.run(
            self._calls.wait_for_approval(approval_id, timeout, max_wait, poll_interval, raise_on_terminal)
        )

    def mint_ephemeral_key(
        self,
        *,
        ttl_seconds: int = 600,
        max_uses: int = 1,
        tools: Optional[list[str]] = None,
        verbs: Optional[list[str]] = None,
        description: Optional[str] = None,
    ) -> EphemeralKey:
        """A key for one task: ends after ``ttl_seconds`` (1 to 86,400) or ``max_uses`` scans, for these tools and verbs only."""
        return self._transport.run(
            self._calls.mint_ephemeral_key(ttl_seconds, max_uses, tools, verbs, description)
        )

    def health(self) -> bool:
        """Whether the gateway can decide and record now. Raises nothing."""
        return self._transport.run(self._calls.health())

    def _call_tool(self, tool: str, operation: str, parameters: dict[str, Any]) -> ToolResult:
        return self._transport.run(call_steps(self._calls, tool, operation, parameters))

    @property
    def api_key(self) -> str:
        return self.settings.api_key

    @property
    def gateway_url(self) -> str:
        return str(self.settings.origin)

    @property
    def timeout(self) -> float:
        return self.settings.timeout

    @property
    def agent_id(self) -> Optional[str]:
        return self.settings.agent_id

    @property
    def agent_name(self) -> Optional[str]:
        return self.settings.agent_name

    @property
    def runtime_type(self) -> str:
        return self.settings.runtime_type

    def close(self) -> None:
        """Closes the connections that are kept open. The client can still be used."""
        self._transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.settings!r})"


#: The same under its longer name.
IntervenClient = Client


class ToolsClient(Tools[ToolResult]):
    """The tool gateway alone; ``Client(…).tools`` is the same."""

    def __init__(self, *, gateway_url: str, api_key: str, timeout: Optional[float] = None) -> None:
        super().__init__(Client(api_key, gateway_url=gateway_url, timeout=timeout)._call_tool)

"""The tool gateway: send parameters, and Interven judges them and calls the real tool with a credential the agent never sees.

Nothing here fails open: there is no unguarded way to the tool.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Callable, Generic, Optional, TypeVar
from urllib.parse import quote

from .calls import Calls
from .errors import GatewayError
from .exchange import Steps, read_object, refusal
from .http1 import Answer
from .verdict import DECISIONS

R = TypeVar("R")


@dataclass(frozen=True)
class ToolResult:
    """The verdict, and what the tool answered where it was called."""

    decision: str
    trace_id: str = ""
    risk_score: float = 0.0
    risk_band: str = "LOW"
    reason_codes: list[str] = field(default_factory=list)
    #: With SANITIZE: what the tool was given.
    sanitized_body: Optional[Any] = None
    #: HTTP status of the tool; None where it was not called.
    upstream_status: Optional[int] = None
    upstream_body: Optional[Any] = None
    approval_id: Optional[str] = None
    approval_url: Optional[str] = None
    error: Optional[str] = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def allowed(self) -> bool:
        """The tool was called, with what was sent or with the sanitized form of it."""
        return self.decision in ("ALLOW", "SANITIZE")

    @property
    def sanitized(self) -> bool:
        return self.decision == "SANITIZE"

    @property
    def awaiting_approval(self) -> bool:
        return self.decision == "REQUIRE_APPROVAL"

    @property
    def blocked(self) -> bool:
        return self.decision not in ("ALLOW", "SANITIZE", "REQUIRE_APPROVAL")

    @classmethod
    def from_response(cls, status_code: int, data: Mapping[str, Any]) -> ToolResult:
        """Raises GatewayError for an answer without a decision that this version knows."""
        if data.get("decision") not in DECISIONS:
            raise GatewayError(
                f"the tool gateway answered {status_code} without a decision that is known here",
                code="UNREADABLE_ANSWER",
                status=status_code,
            )
        upstream = data.get("upstream")
        upstream = upstream if isinstance(upstream, dict) else {}
        names = ("decision", "trace_id", "risk_score", "risk_band", "reason_codes", "sanitized_body",
                 "approval_id", "approval_url", "error")
        return cls(
            **{name: data[name] for name in names if data.get(name) is not None},
            upstream_status=upstream.get("status"),
            upstream_body=upstream.get("body"),
            raw=dict(data),
        )


def call_steps(calls: Calls, tool: str, operation: str, parameters: dict[str, Any]) -> Steps[ToolResult]:
    path = f"/v1/tools/{quote(tool, safe='')}/{quote(operation, safe='')}"
    answer = yield from calls.send(calls.post(path, parameters, is_repeatable=False))
    return _read(answer, calls)


def _read(answer: Answer, calls: Calls) -> ToolResult:
    # 202 and 403 carry verdicts here; 403 without one is a refusal like any other.
    origin = calls.settings.origin
    if answer.status == 403:
        try:
            fields = read_object(Answer(200, answer.headers, answer.body), origin)
        except GatewayError:
            fields = {}
        if "decision" not in fields:
            raise refusal(answer, origin)
    else:
        fields = read_object(answer, origin)
    return ToolResult.from_response(answer.status, fields)


class _Tool(Generic[R]):
    def __init__(self, name: str, call: Callable[[str, str, dict[str, Any]], R]) -> None:
        self._name = name
        self._call = call

    def _send(self, operation: str, **parameters: Any) -> R:
        given = {name: value for name, value in parameters.items() if value is not None}
        return self._call(self._name, operation, given)


class SlackTools(_Tool[R]):
    def post_message(self, *, text: str, channel: Optional[str] = None, blocks: Optional[list[Any]] = None) -> R:
        return self._send("post_message", text=text, channel=channel, blocks=blocks)


class GitHubTools(_Tool[R]):
    def create_pull_request(
        self, *, owner: str, repo: str, title: str, head: str, base: str = "main", body: Optional[str] = None
    ) -> R:
        return self._send(
            "create_pull_request", owner=owner, repo=repo, title=title, head=head, base=base, body=body
        )

    def update_file(
        self,
        *,
        owner: str,
        repo: str,
        path: str,
        message: str,
        content: str,
        sha: Optional[str] = None,
        branch: Optional[str] = None,
    ) -> R:
        """``content`` is base64."""
        return self._send(
            "update_file", owner=owner, repo=repo, path=path, message=message, content=content, sha=sha, branch=branch
        )


class GDriveTools(_Tool[R]):
    def share_file(self, *, file_id: str, role: str, type: str, email_address: Optional[str] = None) -> R:
        return self._send("share_file", file_id=file_id, role=role, type=type, email_address=email_address)


class HttpTools(_Tool[R]):
    def request(
        self,
        *,
        url: str,
        method: str = "GET",
        body: Optional[Any] = None,
        headers: Optional[dict[str, str]] = None,
    ) -> R:
        return self._send("request", url=url, method=method, body=body, headers=headers)


class Tools(Generic[R]):
    """``client.tools``; with :class:`~interven.AsyncClient` each call is awaited."""

    def __init__(self, call: Callable[[str, str, dict[str, Any]], R]) -> None:
        self._call = call
        self.slack = SlackTools("slack", call)
        self.github = GitHubTools("github", call)
        self.gdrive = GDriveTools("gdrive", call)
        self.http = HttpTools("http", call)

    def call(self, tool: str, operation: str, /, **parameters: Any) -> R:
        """Any tool and operation by name."""
        return self._call(tool, operation, parameters)

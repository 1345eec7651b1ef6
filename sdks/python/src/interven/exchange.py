"""How a request is sent until it is answered, written once for both clients.

A call is a generator of what must happen next (:class:`Send`, :class:`Pause`); a client drives it with blocking sockets, or with
asyncio. So both clients decide alike, and what they decide can be read in one place.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from json import loads
from typing import Any, Optional, TypeVar, Union

from .errors import (
    AifError,
    AuthenticationError,
    GatewayError,
    PayloadTooLargeError,
    QuotaExceededError,
    RateLimitError,
)
from .http1 import Answer, Origin, Request

T = TypeVar("T")

#: Statuses of a gateway that may be well a moment later.
_PASSING = (502, 503, 504)
_FIRST_BACKOFF_SECONDS = 0.1


@dataclass(frozen=True)
class Send:
    request: Request
    origin: Origin
    #: On the monotonic clock.
    deadline: float


@dataclass(frozen=True)
class Pause:
    seconds: float


Steps = Generator[Union[Send, Pause], Optional[Answer], T]


class TransportError(Exception):
    """No answer: the reason, and whether the request may have arrived."""

    def __init__(self, reason: str, *, may_have_arrived: bool, is_timeout: bool = False) -> None:
        super().__init__(reason)
        self.may_have_arrived = may_have_arrived
        self.is_timeout = is_timeout


class Counters:
    """What a client did since it was made. Read the attributes; they only grow."""

    def __init__(self) -> None:
        #: Requests sent, repeated ones included.
        self.requests = 0
        #: Requests that repeated an earlier one.
        self.retries = 0
        #: Calls that went through without a verdict because ``fail_open`` was chosen.
        self.fail_opens = 0
        self._lock = threading.Lock()

    def add(self, requests: int = 0, retries: int = 0, fail_opens: int = 0) -> None:
        with self._lock:
            self.requests += requests
            self.retries += retries
            self.fail_opens += fail_opens

    def __repr__(self) -> str:
        return f"Counters(requests={self.requests}, retries={self.retries}, fail_opens={self.fail_opens})"


def exchange(request: Request, origin: Origin, deadline: float, retries: int, counters: Counters) -> Steps[Answer]:
    """The answer, whatever its status. Raises GatewayError when there is none before the deadline.

    Repeats after connection errors, 502, 503 and 504, and after 429 that says when to come back. A request that must not happen
    twice is repeated only where it cannot have arrived, or was turned away with 429.
    """
    attempt = 0
    while True:
        counters.add(requests=1, retries=1 if attempt else 0)
        answer: Optional[Answer] = None
        failure: Optional[TransportError] = None
        wait: Optional[float] = _FIRST_BACKOFF_SECONDS * 2**attempt * random.uniform(0.5, 1.0)
        try:
            answer = yield Send(request, origin, deadline)
        except TransportError as error:
            failure = error
            if error.is_timeout or (error.may_have_arrived and not request.is_repeatable):
                wait = None
        else:
            assert answer is not None
            wait = _wait_after(answer, request, wait)
        attempt += 1
        if wait is None or attempt > retries or time.monotonic() + wait >= deadline:
            if answer is not None:
                return answer
            assert failure is not None
            raise _unreachable(origin, failure, attempt)
        yield Pause(wait)


def _wait_after(answer: Answer, request: Request, backoff: Optional[float]) -> Optional[float]:
    """Seconds until the request is worth repeating; None: it is not."""
    asked = retry_after(answer)
    if answer.status == 429:
        return None if _fields(answer).get("code") == "QUOTA_EXCEEDED" else asked
    if answer.status in _PASSING and request.is_repeatable:
        return asked if asked is not None else backoff
    return None


def retry_after(answer: Answer) -> Optional[float]:
    """Seconds, from either form of the header (RFC 9110, 10.2.3)."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        when = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=timezone.utc)
    return max(0.0, (when - datetime.now(timezone.utc)).total_seconds())


def read_object(answer: Answer, origin: Origin) -> dict[str, Any]:
    """The object in an answer of 2xx. Raises the error that any other answer is."""
    if not 200 <= answer.status < 300:
        raise refusal(answer, origin)
    try:
        value = loads(answer.body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise GatewayError(
            f"{origin} answered {answer.status} with something that is no JSON object; is that an Interven gateway?",
            code="UNREADABLE_ANSWER",
            status=answer.status,
            is_outage=True,
        )
    return value


def refusal(answer: Answer, origin: Origin) -> AifError:
    """The error that an answer other than 2xx is, in the gateway's own words where it has some."""
    status, fields = answer.status, _fields(answer)
    code = _text(fields, "code") or f"HTTP_{status}"
    sentence = _text(fields, "error") or f"{origin} answered {status} without saying why"
    if 300 <= status < 400:
        sentence = f"{origin} answered {status}, a redirect, which is not followed: correct gateway_url"
    message, trace_id = f"{sentence} ({code})", _text(fields, "trace_id")
    if status in (401, 403):
        return AuthenticationError(message, code=code, details=fields, status=status, trace_id=trace_id)
    if status == 413:
        return PayloadTooLargeError(message, code=code, details=fields, status=status, trace_id=trace_id)
    kind = GatewayError
    if status == 429:
        kind = QuotaExceededError if code == "QUOTA_EXCEEDED" else RateLimitError
    return kind(
        message,
        code=code,
        details=fields,
        status=status,
        trace_id=trace_id,
        retry_after=retry_after(answer),
        is_outage=status >= 500,
    )


def _unreachable(origin: Origin, failure: TransportError, attempts: int) -> GatewayError:
    if failure.is_timeout:
        message, code = f"no answer from {origin} in time: {failure}", "TIMEOUT"
    else:
        tried = f" (tried {attempts} times)" if attempts > 1 else ""
        message, code = f"no answer from {origin}: {failure}{tried}; is the gateway running there?", "UNREACHABLE"
    return GatewayError(message, code=code, is_outage=True)


def _fields(answer: Answer) -> dict[str, Any]:
    try:
        value = loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _text(fields: dict[str, Any], name: str) -> Optional[str]:
    value = fields.get(name)
    return value if isinstance(value, str) and value else None

"""Requests as bytes, and answers read from bytes as they come (HTTP/1.1, RFC 9112). No input or output happens here.

Only what a gateway needs: no redirects (a key must not travel to another host), no compression, no cookies, no proxies.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Optional
from urllib.parse import urlsplit

from .errors import ConfigurationError

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 64 * 1024 * 1024


class Malformed(Exception):
    """What came is no HTTP answer, or not a whole one."""


@dataclass(frozen=True)
class Origin:
    """Where a server is, and under which path."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, address: str) -> Origin:
        """Raises ConfigurationError for anything but ``http(s)://host[:port][/path]``."""
        try:
            parts = urlsplit(address.strip())
            port = parts.port
        except ValueError as error:
            raise _bad_address(address, str(error)) from None
        if parts.scheme not in ("http", "https"):
            raise _bad_address(address, "it does not start with http:// or https://")
        if not parts.hostname or not parts.hostname.isascii():
            raise _bad_address(address, "it names no host in ASCII")
        if parts.username is not None or parts.query or parts.fragment:
            raise _bad_address("…", "a user, a query or a fragment has no place in it")
        path = parts.path.rstrip("/")
        if not all("!" <= letter <= "~" for letter in parts.hostname + path):
            raise _bad_address(address, "it holds spaces or control characters")
        return cls(parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80), path)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.scheme == "https" else 80) else f"{host}:{self.port}"


def _bad_address(address: str, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"gateway_url (or INTERVEN_GATEWAY_URL) `{address}` cannot be used: {reason}; an address looks like http://localhost:4000"
    )


@dataclass(frozen=True)
class Request:
    method: str
    #: Below the origin's own path, escaped.
    path: str
    headers: Mapping[str, str]
    body: Optional[bytes] = None
    #: Sending it twice does what sending it once does.
    is_repeatable: bool = True

    def encode(self, origin: Origin) -> bytes:
        lines = [f"{self.method} {origin.path}{self.path} HTTP/1.1", f"Host: {origin.authority}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(self.body)}"]
        return "\r\n".join([*lines, "", ""]).encode("ascii") + (self.body or b"")


@dataclass(frozen=True)
class Answer:
    status: int
    #: Names in lower case.
    headers: Mapping[str, str]
    body: bytes
    #: The connection can carry another request.
    keeps_alive: bool = False


class AnswerReader:
    """Feed it bytes, and ``b""`` once when the peer closes, until ``answer`` is there."""

    def __init__(self) -> None:
        self.answer: Optional[Answer] = None
        #: Whether anything has come.
        self.has_begun = False
        self._unread = bytearray()
        self._is_closed = False
        self._steps = self._read()
        next(self._steps)

    def feed(self, data: bytes) -> None:
        """Raises Malformed."""
        self.has_begun = self.has_begun or bool(data)
        self._unread += data
        self._is_closed = not data
        try:
            next(self._steps)
        except StopIteration as stop:
            self.answer = stop.value

    def _read(self) -> Generator[None, None, Answer]:
        status = 100
        while status < 200:  # interim answers say nothing that matters here
            version, status, headers = _parse_head((yield from self._until(b"\r\n\r\n")))
        coding = headers.get("transfer-encoding")
        length = headers.get("content-length")
        ends_with_connection = False
        if status in (204, 304):
            body = b""
        elif coding is not None:
            if coding.lower() != "chunked" or length is not None:
                raise Malformed("its length is told in a way that cannot be trusted")
            body = yield from self._chunks()
        elif length is not None:
            body = yield from self._exactly(_number(length, 10))
        else:
            ends_with_connection = True
            body = yield from self._rest()
        says_close = "close" in headers.get("connection", "").lower()
        is_clean = not (ends_with_connection or says_close or self._unread or self._is_closed)
        return Answer(status, headers, body, keeps_alive=is_clean and version == "HTTP/1.1")

    def _more(self) -> Generator[None, None, None]:
        if self._is_closed:
            raise Malformed("the connection was closed before the answer was complete")
        yield

    def _until(self, mark: bytes) -> Generator[None, None, bytes]:
        while (end := self._unread.find(mark)) < 0:
            if len(self._unread) > MAX_HEAD_BYTES:
                raise Malformed("its head is too long")
            yield from self._more()
        taken = bytes(self._unread[:end])
        del self._unread[: end + len(mark)]
        return taken

    def _exactly(self, count: int) -> Generator[None, None, bytes]:
        if count > MAX_BODY_BYTES:
            raise Malformed(f"it is larger than {MAX_BODY_BYTES} bytes")
        while len(self._unread) < count:
            yield from self._more()
        taken = bytes(self._unread[:count])
        del self._unread[:count]
        return taken

    def _chunks(self) -> Generator[None, None, bytes]:
        body = bytearray()
        while True:
            line = yield from self._until(b"\r\n")
            size = _number(line.split(b";")[0].strip().decode("latin-1"), 16)
            if size == 0:
                break
            body += yield from self._exactly(size)
            if (yield from self._exactly(2)) != b"\r\n" or len(body) > MAX_BODY_BYTES:
                raise Malformed("a chunk of it has another size than it says")
        while (yield from self._until(b"\r\n")):  # trailers
            pass
        return bytes(body)

    def _rest(self) -> Generator[None, None, bytes]:
        while not self._is_closed:
            if len(self._unread) > MAX_BODY_BYTES:
                raise Malformed(f"it is larger than {MAX_BODY_BYTES} bytes")
            yield
        taken = bytes(self._unread)
        self._unread.clear()
        return taken


def _parse_head(head: bytes) -> tuple[str, int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    status = rest[:3]
    if version not in ("HTTP/1.1", "HTTP/1.0") or not (status.isdigit() and status.isascii()) or rest[3:4] not in ("", " "):
        raise Malformed("it is not HTTP/1.1")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name, value = name.lower(), value.strip()
        if not colon or not name or name != name.strip():
            raise Malformed("a header of it has no name")
        if name in ("content-length", "transfer-encoding") and headers.get(name, value) != value:
            raise Malformed("its length is told twice")
        headers[name] = value
    return version, int(status), headers


def _number(text: str, base: int) -> int:
    digits = "0123456789abcdef"[:base]
    if not 0 < len(text) <= 16 or not all(letter in digits for letter in text.lower()):
        raise Malformed("its length is no number")
    return int(text, base)

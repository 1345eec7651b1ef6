"""Requests over blocking sockets, with one deadline for name, connection, TLS, sending and every byte of the answer."""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
import threading
import time
import weakref
from functools import lru_cache
from typing import Any, Optional, TypeVar

from .exchange import Pause, Send, Steps, TransportError
from .http1 import Answer, AnswerReader, Malformed, Origin

T = TypeVar("T")
MAX_IDLE_CONNECTIONS = 8
_READ_BYTES = 64 * 1024


class Transport:
    """Drives calls; keeps a few connections open. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[tuple[Origin, socket.socket]] = []
        self._process = os.getpid()
        weakref.finalize(self, _close_all, self._idle)

    def run(self, steps: Steps[T]) -> T:
        """Does what the steps ask for, until they are done."""
        try:
            effect = next(steps)
            while True:
                if isinstance(effect, Pause):
                    time.sleep(effect.seconds)
                    effect = steps.send(None)
                    continue
                try:
                    answer = self._send(effect)
                except TransportError as failure:
                    effect = steps.throw(failure)
                else:
                    effect = steps.send(answer)
        except StopIteration as stop:
            result: T = stop.value
            return result

    def close(self) -> None:
        with self._lock:
            _close_all(self._idle)

    def _send(self, send: Send) -> Answer:
        # A kept connection may have been closed by the peer: what must not happen twice is sent on a fresh one.
        connection = self._take(send.origin) if send.request.is_repeatable else None
        if connection is not None:
            reader = AnswerReader()
            try:
                return self._exchange(connection, reader, send)
            except TransportError as failure:
                if reader.has_begun or failure.is_timeout:
                    raise
        return self._exchange(_connect(send.origin, send.deadline), AnswerReader(), send)

    def _exchange(self, connection: socket.socket, reader: AnswerReader, send: Send) -> Answer:
        answer = None
        try:
            connection.settimeout(_remaining(send.deadline))
            connection.sendall(send.request.encode(send.origin))
            while (answer := reader.answer) is None:
                connection.settimeout(_remaining(send.deadline))
                reader.feed(connection.recv(_READ_BYTES))
        except socket.timeout:
            raise _too_late() from None
        except (OSError, Malformed) as error:
            raise TransportError(reason_of(error), may_have_arrived=True) from None
        finally:
            if answer is None or not answer.keeps_alive or not self._give_back(send.origin, connection):
                connection.close()
        return answer

    def _take(self, origin: Origin) -> Optional[socket.socket]:
        with self._lock:
            if self._process != os.getpid():  # after a fork, the parent's connections are the parent's
                self._process = os.getpid()
                _close_all(self._idle)
            for at in reversed(range(len(self._idle))):
                if self._idle[at][0] == origin:
                    return self._idle.pop(at)[1]
        return None

    def _give_back(self, origin: Origin, connection: socket.socket) -> bool:
        with self._lock:
            has_room = len(self._idle) < MAX_IDLE_CONNECTIONS
            if has_room:
                self._idle.append((origin, connection))
            return has_room


def _close_all(idle: list[tuple[Origin, socket.socket]]) -> None:
    while idle:
        idle.pop()[1].close()


def _connect(origin: Origin, deadline: float) -> socket.socket:
    reason = "the name has no address"
    try:
        for family, kind, protocol, _, address in _resolve(origin, deadline):
            connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(_remaining(deadline))
                connection.connect(address)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if origin.scheme == "https":
                    return tls().wrap_socket(connection, server_hostname=origin.host)
                return connection
            except socket.timeout:
                connection.close()
                raise
            except OSError as error:
                connection.close()
                reason = reason_of(error)
    except socket.timeout:
        raise _too_late() from None
    except OSError as error:
        reason = reason_of(error)
    raise TransportError(reason, may_have_arrived=False)


def _resolve(origin: Origin, deadline: float) -> list[Any]:
    """Asks for the name's addresses beside this thread: the system's resolver knows no deadline."""
    try:
        ipaddress.ip_address(origin.host)
    except ValueError:
        pass
    else:
        return socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    found: list[Any] = []

    def ask() -> None:
        try:
            found.append(socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.append(error)

    asking = threading.Thread(target=ask, daemon=True, name="interven-resolve")
    asking.start()
    asking.join(_remaining(deadline))
    if not found:
        raise socket.timeout
    if isinstance(found[0], Exception):
        raise OSError(reason_of(found[0]))
    return list(found[0])


@lru_cache(maxsize=1)
def tls() -> ssl.SSLContext:
    """The system's certificates; SSL_CERT_FILE and SSL_CERT_DIR name others."""
    return ssl.create_default_context()


def reason_of(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text[:1].lower() + text[1:] if text else type(error).__name__


def _remaining(deadline: float) -> float:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise socket.timeout
    return remaining


def _too_late() -> TransportError:
    return TransportError("the time for the whole call ran out", may_have_arrived=True, is_timeout=True)

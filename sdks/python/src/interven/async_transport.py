"""The same over asyncio streams."""

from __future__ import annotations

import asyncio
import time
import weakref
from typing import TypeVar

from .exchange import Pause, Send, Steps, TransportError
from .http1 import Answer, AnswerReader, Malformed, Origin
from .transport import MAX_IDLE_CONNECTIONS, reason_of, tls

T = TypeVar("T")
_READ_BYTES = 64 * 1024
_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class AsyncTransport:
    """Drives calls; keeps a few connections open for each event loop."""

    def __init__(self) -> None:
        self._idle: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, list[tuple[Origin, _Connection]]] = (
            weakref.WeakKeyDictionary()
        )

    async def run(self, steps: Steps[T]) -> T:
        """Does what the steps ask for, until they are done."""
        try:
            effect = next(steps)
            while True:
                if isinstance(effect, Pause):
                    await asyncio.sleep(effect.seconds)
                    effect = steps.send(None)
                    continue
                try:
                    answer = await self._send_in_time(effect)
                except TransportError as failure:
                    effect = steps.throw(failure)
                else:
                    effect = steps.send(answer)
        except StopIteration as stop:
            result: T = stop.value
            return result

    async def close(self) -> None:
        for _, connection in self._idle.pop(asyncio.get_running_loop(), []):
            _abort(connection)

    async def _send_in_time(self, send: Send) -> Answer:
        try:
            return await asyncio.wait_for(self._send(send), max(0.0, send.deadline - time.monotonic()))
        except asyncio.TimeoutError:
            raise TransportError("the time for the whole call ran out", may_have_arrived=True, is_timeout=True) from None

    async def _send(self, send: Send) -> Answer:
        # A kept connection may have been closed by the peer: what must not happen twice is sent on a fresh one.
        kept = self._take(send.origin) if send.request.is_repeatable else None
        if kept is not None:
            reader = AnswerReader()
            try:
                return await self._exchange(kept, reader, send)
            except TransportError:
                if reader.has_begun:
                    raise
        origin = send.origin
        try:
            secure = tls() if origin.scheme == "https" else None
            connection = await asyncio.open_connection(origin.host, origin.port, ssl=secure)
        except (OSError, UnicodeError) as error:
            raise TransportError(reason_of(error), may_have_arrived=False) from None
        return await self._exchange(connection, AnswerReader(), send)

    async def _exchange(self, connection: _Connection, reader: AnswerReader, send: Send) -> Answer:
        source, sink = connection
        answer = None
        try:
            sink.write(send.request.encode(send.origin))
            await sink.drain()
            while (answer := reader.answer) is None:
                reader.feed(await source.read(_READ_BYTES))
        except (OSError, Malformed) as error:
            raise TransportError(reason_of(error), may_have_arrived=True) from None
        finally:
            if answer is None or not answer.keeps_alive or not self._give_back(send.origin, connection):
                _abort(connection)
        return answer

    def _take(self, origin: Origin) -> "_Connection | None":
        idle = self._idle.get(asyncio.get_running_loop(), [])
        for at in reversed(range(len(idle))):
            if idle[at][0] == origin:
                return idle.pop(at)[1]
        return None

    def _give_back(self, origin: Origin, connection: _Connection) -> bool:
        idle = self._idle.setdefault(asyncio.get_running_loop(), [])
        has_room = len(idle) < MAX_IDLE_CONNECTIONS
        if has_room:
            idle.append((origin, connection))
        return has_room


def _abort(connection: _Connection) -> None:
    """Closes without waiting for the peer; also while the task is being cancelled."""
    connection[1].transport.abort()

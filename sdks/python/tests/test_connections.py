"""What a client does with its connections."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import interven
from interven import AsyncClient, Client
from interven.http1 import AnswerReader, Malformed, Origin

from .conformance.scripted_server import VERDICT

BODY = json.dumps(VERDICT).encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


class KeepingServer:
    """Keeps connections open; `uses` answers on each, and closes it then without a word."""

    def __init__(self, uses: int) -> None:
        self.uses = uses
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            for _ in range(self.uses):
                if not connection.recv(65536):
                    return
                connection.sendall(ANSWER)


@contextmanager
def keeping(uses: int) -> Iterator[KeepingServer]:
    server = KeepingServer(uses)
    yield server
    server.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
    server.listener.close()


def test_a_connection_is_used_again() -> None:
    with keeping(100) as server, Client("k", gateway_url=server.address) as client:
        for _ in range(5):
            client.scan("GET", "https://a.example")
        assert server.connections == 1


def test_a_connection_that_the_gateway_closed_meanwhile_is_no_failed_call() -> None:
    with keeping(1) as server, Client("k", gateway_url=server.address, retries=0) as client:
        for _ in range(3):
            assert client.scan("GET", "https://a.example").allowed
        assert server.connections == 3 and client.counters.retries == 0


def test_the_same_with_asyncio_in_one_loop_and_in_the_next() -> None:
    with keeping(2) as server:
        client = AsyncClient("k", gateway_url=server.address, retries=0)

        async def story() -> None:
            for _ in range(4):
                assert (await client.scan("GET", "https://a.example")).allowed
            await client.aclose()

        asyncio.run(story())
        asyncio.run(story())
        assert server.connections == 4


def test_what_must_not_happen_twice_goes_over_a_fresh_connection() -> None:
    with keeping(100) as server, Client("k", gateway_url=server.address) as client:
        client.scan("GET", "https://a.example")
        client.tools.slack.post_message(text="hi")
        assert server.connections == 2


def test_threads_share_a_client() -> None:
    with keeping(1000) as server, Client("k", gateway_url=server.address) as client:
        threads = [
            threading.Thread(target=lambda: [client.scan("GET", "https://a.example") for _ in range(20)]) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert client.counters.requests == 160 and server.connections <= 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_does_not_use_its_parents_connections() -> None:
    with keeping(100) as server, Client("k", gateway_url=server.address) as client:
        client.scan("GET", "https://a.example")
        child = os.fork()
        if child == 0:
            os._exit(0 if client.scan("GET", "https://a.example").allowed else 1)
        assert os.waitpid(child, 0)[1] == 0
        client.scan("GET", "https://a.example")
        assert server.connections == 2


def test_cancelling_a_call_closes_its_connection() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    async def story() -> None:
        client = AsyncClient("k", gateway_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        call = asyncio.create_task(client.scan("GET", "https://a.example"))
        connection, _ = await asyncio.get_running_loop().run_in_executor(None, listener.accept)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        connection.settimeout(5)
        received = b"x"
        while received:
            try:
                received = connection.recv(65536)
            except ConnectionResetError:
                break

    asyncio.run(story())


def test_fail_open_is_logged_each_time(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    client = Client("k", gateway_url=address, fail_open=True, retries=0)
    with caplog.at_level(logging.WARNING, logger="interven"):
        client.scan("GET", "https://a.example")
        client.scan("GET", "https://a.example")
    assert [record.message.startswith("FAIL OPEN") for record in caplog.records] == [True, True]
    assert client.counters.fail_opens == 2


def test_https_refuses_a_server_that_cannot_prove_itself() -> None:
    with keeping(1) as server:
        client = Client("k", gateway_url=server.address.replace("http:", "https:"), retries=0, timeout=5)
        with pytest.raises(interven.GatewayError) as error:
            client.scan("GET", "https://a.example")
        assert error.value.is_outage


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"HTTP/1.1 103 Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\n{}",
     b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\n{\r\n01\r\n}\r\n0\r\nT: r\r\n\r\n"],
)  # fmt: skip
def test_an_answer_in_pieces_of_any_size(head: bytes, size: int) -> None:
    reader = AnswerReader()
    for at in range(0, len(head), size):
        assert reader.answer is None
        reader.feed(head[at : at + size])
    assert reader.answer is not None and reader.answer.body == b"{}" and reader.answer.keeps_alive


@pytest.mark.parametrize(
    "data",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", b"HTTP/2 200\r\n\r\n", b"x" * 70_000, b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"],
)  # fmt: skip
def test_an_answer_whose_end_cannot_be_trusted_is_none(data: bytes) -> None:
    with pytest.raises(Malformed):
        AnswerReader().feed(data)


@pytest.mark.parametrize(
    ("address", "shown"),
    [("http://[::1]:4000/", "http://[::1]:4000"), ("https://a.example:443/x/", "https://a.example/x"), ("http://A.example", "http://a.example")],
)
def test_an_address_is_shown_as_it_is_used(address: str, shown: str) -> None:
    assert str(Origin.parse(address)) == shown

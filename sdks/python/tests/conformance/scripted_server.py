"""A local server that answers connections as a case scripts them, one request per connection, and notes what it was asked."""

from __future__ import annotations

import base64
import json
import socket
import struct
import threading
import time
from typing import Any

#: What `verdict` in a case is laid over; null there removes nothing, it is sent as null.
VERDICT = {
    "decision": "ALLOW",
    "risk_score": 0.1,
    "risk_band": "LOW",
    "reason_codes": [],
    "trace_id": "0190f3a4-0000-7000-8000-000000000001",
    "tool_name": "slack",
    "operation": "post_message",
    "verb": "WRITE",
    "classifications": [],
    "signals": [],
    "coverage": {"evaluated": [], "skipped": []},
    "ledger_seq": 7,
}


class ScriptedServer:
    def __init__(self, script: list[dict[str, Any]]) -> None:
        self._script = script
        #: In order: method, path, headers (names in lower case), body.
        self.requests: list[dict[str, Any]] = []
        #: Their bodies as they came.
        self.bodies: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        for connection in self._open:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            read = _read_request(connection)
            if read is None:
                return
            request, body = read
            at = len(self.requests)
            self.bodies.append(body)
            self.requests.append(request)
            if at < len(self._script):
                self._answer(connection, self._script[at])
        except OSError:
            pass
        finally:
            connection.close()

    def _answer(self, connection: socket.socket, answer: dict[str, Any]) -> None:
        time.sleep(answer.get("delay_ms", 0) / 1000)
        fault = answer.get("fault")
        if fault == "never":
            connection.recv(1)  # until the client gives up
        elif fault == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif fault != "close":
            data = encode(answer, self.address)
            if fault in ("truncate", "stall"):
                data = data[: len(data) - 20]
            if "byte_pause_ms" in answer:
                for at in range(len(data)):
                    connection.sendall(data[at : at + 1])
                    time.sleep(answer["byte_pause_ms"] / 1000)
            else:
                connection.sendall(data)
            if fault == "stall":
                connection.recv(1)


def encode(answer: dict[str, Any], address: str) -> bytes:
    """The bytes of an answer."""
    if "raw" in answer:
        raw: str = answer["raw"]
        return raw.encode("latin-1")
    if "verdict" in answer:
        body = json.dumps({**VERDICT, **answer["verdict"]}).encode()
    elif "json" in answer:
        body = json.dumps(answer["json"]).encode()
    elif "base64" in answer:
        body = base64.b64decode(answer["base64"])
    else:
        body = answer["text"].encode()
    headers = {"Content-Type": "application/json", **answer.get("headers", {}), "Connection": "close"}
    framing = answer.get("framing", "length")
    if framing == "length":
        headers["Content-Length"] = str(len(body))
    elif framing == "chunked":
        headers["Transfer-Encoding"] = "chunked"
        parts = [body[at : at + 7] for at in range(0, len(body), 7)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    lines = [f"HTTP/1.1 {answer.get('status', 200)} Scripted"]
    lines += [f"{name}: {value.replace('{server}', address)}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _read_request(connection: socket.socket) -> tuple[dict[str, Any], bytes] | None:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return None
        data += part
    head, body = data.split(b"\r\n\r\n", 1)
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65536)
    method, path, _ = first.split(" ")
    return {"method": method, "path": path, "headers": headers, "body": json.loads(body) if body else None}, body


def closed_address() -> str:
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

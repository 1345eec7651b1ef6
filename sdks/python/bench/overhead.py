"""How long a scan takes through this package, beside the same request with Python's bare HTTP client.

    INTERVEN_API_KEY=… INTERVEN_GATEWAY_URL=http://127.0.0.1:4000 PYTHONPATH=src python bench/overhead.py

The three take turns, so that each meets the same gateway; what is compared is the median over all rounds.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import statistics
import time
from collections.abc import Callable

from interven import AsyncClient, Client

ROUNDS = 2000
WARM_UP = 200
URL = "https://slack.com/api/chat.postMessage"
BODY = {"channel": "#general", "text": "lunch at noon?"}


def main() -> None:
    client = Client()
    beside = AsyncClient.beside(client)
    loop = asyncio.new_event_loop()
    contenders: dict[str, Callable[[], object]] = {
        "http.client alone": bare(client),
        "Client.scan": lambda: client.scan("POST", URL, BODY),
        "AsyncClient.scan": lambda: loop.run_until_complete(beside.scan("POST", URL, BODY)),
    }
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for at in range(WARM_UP + ROUNDS):
        for name, call in contenders.items():
            started = time.perf_counter()
            call()
            if at >= WARM_UP:
                taken[name].append((time.perf_counter() - started) * 1e6)
    loop.run_until_complete(beside.aclose())
    loop.close()
    least = statistics.median(taken["http.client alone"])
    for name, times in taken.items():
        median = statistics.median(times)
        p99 = statistics.quantiles(times, n=100)[98]
        print(f"{name:<20} median {median:7.0f} µs   p99 {p99:7.0f} µs   beside http.client {median - least:+6.0f} µs")


def bare(client: Client) -> Callable[[], object]:
    """The same request and the answer's JSON, over one kept connection."""
    connection = http.client.HTTPConnection(client.settings.origin.host, client.settings.origin.port)
    headers = {"Authorization": f"Bearer {client.api_key}", "Content-Type": "application/json"}

    def call() -> object:
        payload = json.dumps({"method": "POST", "url": URL, "body": BODY, "runtime_type": "python"}).encode()
        connection.request("POST", "/v1/scan", payload, headers)
        return json.loads(connection.getresponse().read())

    return call


if __name__ == "__main__":
    main()

"""Runs a case of sdks/conformance with this package's clients; see the README there."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from dataclasses import asdict, is_dataclass
from typing import Any, Union

import interven
from interven import AsyncClient, Client

from .expectation import Outcome
from .scripted_server import ScriptedServer, closed_address

_environment = threading.Lock()

KINDS: dict[type[interven.AifError], str] = {
    interven.AuthenticationError: "authentication",
    interven.ConfigurationError: "configuration",
    interven.RateLimitError: "rate_limit",
    interven.QuotaExceededError: "quota_exceeded",
    interven.PayloadTooLargeError: "payload_too_large",
    interven.GatewayError: "gateway",
    interven.ApprovalDeniedError: "approval_denied",
    interven.ApprovalExpiredError: "approval_expired",
    interven.ApprovalTimeoutError: "approval_timeout",
    interven.BlockedError: "blocked",
}


def run_case(case: dict[str, Any], is_async: bool) -> Outcome:
    server = ScriptedServer(case["server"])
    client: Union[Client, AsyncClient, None] = None
    result = error = None
    started = time.monotonic()
    try:
        client = _client(case, server.address, is_async)
        ((kind, arguments),) = case["call"].items()
        arguments = {name.replace("_ms", ""): value / 1000 if name.endswith("_ms") else value for name, value in arguments.items()}
        if isinstance(client, Client):
            result = CALLS[kind](client, arguments)
        else:
            result = asyncio.run(_awaited(client, kind, arguments))
    except interven.AifError as raised:
        error = _fields(raised)
    elapsed = (time.monotonic() - started) * 1000
    server.close()
    counters = None
    if client is not None:
        counted = client.counters
        counters = {"requests": counted.requests, "retries": counted.retries, "fail_opens": counted.fail_opens}
    return Outcome(result, error, server.requests, counters, elapsed)


def _client(case: dict[str, Any], address: str, is_async: bool) -> Union[Client, AsyncClient]:
    def put(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return value.replace("{server}", address).replace("{closed}", closed_address())

    given = {"api_key": "iv_live_conformance", "gateway_url": "{server}", "timeout_ms": 10_000, "runtime_type": "conformance"}
    options = {name: put(value) for name, value in {**given, **case.get("client", {})}.items()}
    timeout = options.pop("timeout_ms")
    options["timeout"] = None if timeout is None else timeout / 1000
    with _environment:
        kept = {name: value for name, value in os.environ.items() if name.startswith("INTERVEN_")}
        for name in kept:
            del os.environ[name]
        os.environ.update({name: put(value) for name, value in case.get("environment", {}).items()})
        try:
            return AsyncClient(**options) if is_async else Client(**options)
        finally:
            for name in case.get("environment", {}):
                del os.environ[name]
            os.environ.update(kept)


async def _awaited(client: AsyncClient, kind: str, arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = await ASYNC_CALLS[kind](client, arguments)
        return answer
    finally:
        await client.aclose()


def _view(value: Any) -> dict[str, Any]:
    """The fields and properties of an answer by name. `body_to_forward` only where there is one."""
    if isinstance(value, dict):
        return value
    if isinstance(value, bool):
        return {"healthy": value}
    assert is_dataclass(value) and not isinstance(value, type)
    view = asdict(value)
    for name, each in vars(type(value)).items():
        if isinstance(each, property):
            try:
                view[name] = each.fget(value) if each.fget else None
            except interven.BlockedError:
                pass
    return view


def _scan_then_forward(client: Client, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"body": client.scan(**arguments).body_to_forward}


async def _ascan_then_forward(client: AsyncClient, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"body": (await client.scan(**arguments)).body_to_forward}


def _guard(client: Client, arguments: dict[str, Any]) -> dict[str, Any]:
    ran: list[dict[str, Any]] = []

    def tool(**given: Any) -> None:
        ran.append(given)

    named = arguments.pop("arguments")
    return _guarded(ran, interven.guard(client, **arguments)(tool)(**named))


async def _aguard(client: AsyncClient, arguments: dict[str, Any]) -> dict[str, Any]:
    ran: list[dict[str, Any]] = []

    async def tool(**given: Any) -> None:
        ran.append(given)

    named = arguments.pop("arguments")
    return _guarded(ran, await interven.guard(client, **arguments)(tool)(**named))


def _guarded(ran: list[dict[str, Any]], answer: Any) -> dict[str, Any]:
    return {"ran": bool(ran), "arguments": ran[0] if ran else None, "message": answer}


CALLS: dict[str, Any] = {
    "body_to_forward": _scan_then_forward,
    "gate": lambda client, given: _view(interven.gate(client, **given)),
    "guard": _guard,
    "health": lambda client, given: _view(client.health()),
    "mint_ephemeral_key": lambda client, given: _view(client.mint_ephemeral_key(**given)),
    "poll_approval": lambda client, given: _view(client.poll_approval(**given)),
    "scan": lambda client, given: _view(client.scan(**given)),
    "scan_response": lambda client, given: _view(client.scan_response(**given)),
    "tool": lambda client, given: _view(client.tools.call(given["tool"], given["operation"], **given["parameters"])),
    "wait_for_approval": lambda client, given: _view(client.wait_for_approval(**given)),
}


def _async(name: str) -> Any:
    async def call(client: AsyncClient, given: dict[str, Any]) -> dict[str, Any]:
        return _view(await getattr(client, name)(**given))

    return call


async def _agate(client: AsyncClient, given: dict[str, Any]) -> dict[str, Any]:
    return _view(await interven.gate(client, **given))


async def _atool(client: AsyncClient, given: dict[str, Any]) -> dict[str, Any]:
    return _view(await client.tools.call(given["tool"], given["operation"], **given["parameters"]))


ASYNC_CALLS: dict[str, Any] = {
    **{name: _async(name) for name in CALLS},
    "body_to_forward": _ascan_then_forward,
    "gate": _agate,
    "guard": _aguard,
    "tool": _atool,
}


def _fields(error: interven.AifError) -> dict[str, Any]:
    return {
        "kind": KINDS[type(error)],
        "message": str(error),
        "code": error.code,
        "status": error.status,
        "trace_id": error.trace_id,
        "is_outage": getattr(error, "is_outage", None),
        "retry_after_s": getattr(error, "retry_after", None),
        "approval_id": getattr(error, "approval_id", None),
    }

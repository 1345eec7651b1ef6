"""Whether what came out of a case is what it expects; each difference in one line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Optional


@dataclass
class Outcome:
    #: Fields by name, or None after an error.
    result: Optional[dict[str, Any]]
    #: `kind`, `message` and the other fields of an error, or None.
    error: Optional[dict[str, Any]]
    requests: list[dict[str, Any]]
    #: None where no client could be made.
    counters: Optional[dict[str, int]]
    elapsed_ms: float


def differences(expected: dict[str, Any], outcome: Outcome) -> Iterator[str]:
    if "result" in expected:
        if outcome.result is None:
            yield f"expected a result, got the error {outcome.error}"
        else:
            yield from _within("result", expected["result"], outcome.result)
    if "error" in expected:
        if outcome.error is None:
            yield f"expected an error, got the result {outcome.result}"
        else:
            yield from _error(expected["error"], outcome.error)
    if "requests" in expected:
        yield from _requests(expected["requests"], outcome.requests)
    if "counters" in expected and outcome.counters != expected["counters"]:
        yield f"counters: expected {expected['counters']}, got {outcome.counters}"
    limits = expected.get("elapsed_ms", {})
    if not limits.get("at_least", 0) <= outcome.elapsed_ms <= limits.get("at_most", 30_000):
        yield f"took {outcome.elapsed_ms:.0f} ms, expected {limits or 'less than 30 s'}"


def _error(expected: dict[str, Any], error: dict[str, Any]) -> Iterator[str]:
    for name, value in expected.items():
        if name in ("message", "message_without"):
            for part in value:
                if (part in error["message"]) != (name == "message"):
                    yield f"{name} `{part}`: the message is `{error['message']}`"
        elif error.get(name) != value:
            yield f"error {name}: expected {value!r}, got {error.get(name)!r}: {error['message']}"


def _requests(expected: list[dict[str, Any]], requests: list[dict[str, Any]]) -> Iterator[str]:
    if len(expected) != len(requests):
        yield f"expected {len(expected)} requests, got {len(requests)}"
        return
    for at, (wanted, request) in enumerate(zip(expected, requests)):
        for name in ("method", "path"):
            if wanted[name] != request[name]:
                yield f"request {at} {name}: expected {wanted[name]}, got {request[name]}"
        if "body" in wanted and not is_equal(wanted["body"], request["body"]):
            yield f"request {at} body: expected {wanted['body']}, got {request['body']}"
        for name, value in wanted.get("headers", {}).items():
            got = request["headers"].get(name)
            first = requests[0]["headers"].get(name)
            if isinstance(value, dict):
                rules = {"present": bool(got), "same": bool(got) and got == first, "different": bool(got) and got != first}
                is_right = rules[value["is"]]
            else:
                is_right = got == value
            if not is_right:
                yield f"request {at} header {name}: expected {value}, got {got}"


def _within(place: str, expected: Any, got: Any) -> Iterator[str]:
    """Maps may hold more than is expected; everything else is equal."""
    if isinstance(expected, dict) and set(expected) == {"contains"}:
        if not isinstance(got, str) or expected["contains"] not in got:
            yield f"{place}: expected it to contain `{expected['contains']}`, got {got!r}"
    elif isinstance(expected, dict) and expected and isinstance(got, dict):
        for name, value in expected.items():
            if name not in got:
                yield f"{place}.{name} is missing"
            else:
                yield from _within(f"{place}.{name}", value, got[name])
    elif not is_equal(expected, got):
        yield f"{place}: expected {expected!r}, got {got!r}"


def is_equal(one: Any, other: Any) -> bool:
    """As JSON: true is not 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)

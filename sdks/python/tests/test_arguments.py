"""What a guard makes of a function's arguments, in the types that Python has and JSON has not."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import interven
from interven import Client, guard

from .conformance.scripted_server import ScriptedServer, closed_address


class Color(enum.Enum):
    RED = "red"


@dataclass
class Mail:
    to: str
    text: str


def run(function: Callable[..., Any], answer: dict[str, Any], *positional: Any, exclude: tuple[str, ...] = (), **named: Any) -> tuple[Any, Any]:
    """What the function returned, and the body that was judged."""
    server = ScriptedServer([{"verdict": answer}])
    client = Client("k", gateway_url=server.address)
    try:
        guarded: Any = guard(client, tool="t", operation="o", exclude=exclude, on_block="raise")(function)
        result = guarded(*positional, **named)
    finally:
        server.close()
    return result, server.requests[0]["body"]["body"]


def echo(value: Any) -> Any:
    return value


@pytest.mark.parametrize(
    ("value", "judged"),
    [
        (Color.RED, "red"),
        (datetime.date(2026, 11, 23), "2026-11-23"),
        (Path("/tmp/x"), "/tmp/x"),
        (b"text", "text"),
        (b"\xff\xfe", "//4="),
        ({"b", "a"}, ["a", "b"]),
        ((1, "x"), [1, "x"]),
        (Mail("a", "b"), {"to": "a", "text": "b"}),
    ],
)
def test_a_value_is_judged_by_its_content_and_passed_on_as_it_is(value: Any, judged: Any) -> None:
    result, body = run(echo, {"decision": "ALLOW"}, value)
    assert result is value and body == {"value": judged}
    result, _ = run(echo, {"decision": "SANITIZE", "sanitized_body": {"value": judged}}, value)
    assert result == value and type(result) is type(value)


@pytest.mark.parametrize(
    ("value", "redacted", "received"),
    [
        (("a", "ssn"), ["a", "*"], ("a", "*")),
        (b"ssn", "*", b"*"),
        (Mail("a", "ssn"), {"to": "a", "text": "*"}, Mail("a", "*")),
        ([Mail("a", "ssn")], [{"to": "a", "text": "*"}], [Mail("a", "*")]),
        ({"ssn": 1}, {"*": 1}, {"*": 1}),
        (17, 0, 0),
    ],
)
def test_a_redacted_value_comes_back_in_its_type(value: Any, redacted: Any, received: Any) -> None:
    result, _ = run(echo, {"decision": "SANITIZE", "sanitized_body": {"value": redacted}}, value)
    assert result == received and type(result) is type(received)


@pytest.mark.parametrize(("value", "redacted"), [(Color.RED, "*"), (datetime.date(2026, 1, 1), "*"), ({"ssn"}, ["*"]), (("a",), ["*", "*"])])
def test_a_value_that_cannot_be_redacted_blocks(value: Any, redacted: Any) -> None:
    with pytest.raises(interven.BlockedError, match="cannot be"):
        run(echo, {"decision": "SANITIZE", "sanitized_body": {"value": redacted}}, value)


def test_a_value_that_cannot_be_seen_is_refused_before_anything_is_sent() -> None:
    guarded: Any = guard(Client("k", gateway_url=closed_address(), fail_open=True), tool="t", operation="o")(echo)
    for value, part in ((object(), "exclude="), ({1: "x"}, "no text"), (float("nan"), "JSON"), ("\ud800", "UTF-8")):
        with pytest.raises((TypeError, ValueError), match=part):
            guarded(value)


def test_a_collection_is_judged_by_what_it_holds_whatever_it_says_of_itself() -> None:
    class Quiet(list):  # type: ignore[type-arg]
        def __iter__(self) -> Any:
            return iter(["harmless"])

    class Mute(dict):  # type: ignore[type-arg]
        def items(self) -> Any:
            return {}.items()

    assert run(echo, {"decision": "ALLOW"}, Quiet(["a"]))[1] == {"value": ["a"]}
    assert run(echo, {"decision": "ALLOW"}, Mute(a="b"))[1] == {"value": {"a": "b"}}


def test_what_changes_while_it_is_judged_is_not_sent() -> None:
    server = ScriptedServer([{"verdict": {"decision": "ALLOW"}}])
    ran: list[Any] = []
    try:
        guarded: Any = guard(Client("k", gateway_url=server.address), tool="t", operation="o", on_block="raise")(ran.append)
        changing = iter(["judged", "another"])

        class Changing:
            def model_dump(self, mode: str) -> Any:
                return {"a": next(changing)}

        with pytest.raises(interven.BlockedError, match="changed while"):
            guarded([Changing()])
    finally:
        server.close()
    assert ran == []


def test_what_is_excluded_is_neither_judged_nor_changed() -> None:
    session = object()

    def tool(session: Any, text: str) -> Any:
        return session, text

    answer = {"decision": "SANITIZE", "sanitized_body": {"text": "*"}}
    assert run(tool, answer, session, text="ssn", exclude=("session",)) == ((session, "*"), {"text": "ssn"})
    with pytest.raises(interven.ConfigurationError, match="sesion"):
        run(tool, answer, session, "x", exclude=("sesion",))


def test_every_way_to_pass_an_argument_is_judged_and_redacted() -> None:
    def tool(a: str, /, b: str, *rest: str, c: str = "c", **more: str) -> Any:
        return a, b, rest, c, more

    redacted = {"a": "1*", "b": "2*", "rest": ["3*"], "c": "c*", "d": "4*"}
    result, body = run(tool, {"decision": "SANITIZE", "sanitized_body": redacted}, "1", "2", "3", d="4")
    assert body == {"a": "1", "b": "2", "rest": ["3"], "c": "c", "d": "4"}
    assert result == ("1*", "2*", ("3*",), "c*", {"d": "4*"})


def test_a_method_is_guarded_without_its_self() -> None:
    class Bot:
        def say(self, text: str) -> Any:
            return self, text

    bot = Bot()
    assert run(Bot.say, {"decision": "ALLOW"}, bot, "hi") == ((bot, "hi"), {"text": "hi"})


def test_arguments_that_the_function_does_not_take_are_its_own_error() -> None:
    guarded: Any = guard(Client("k", gateway_url=closed_address()), tool="t", operation="o")(echo)
    with pytest.raises(TypeError, match="missing a required argument"):
        guarded(valu=1)


def test_a_blocking_function_needs_a_blocking_client() -> None:
    with pytest.raises(interven.ConfigurationError, match="use a Client"):
        guard(interven.AsyncClient("k"), tool="t", operation="o")(echo)
    with pytest.raises(interven.ConfigurationError, match="not both"):
        guard(Client("k"), api_key="k", tool="t", operation="o")


def test_neither_clients_nor_keys_nor_bodies_print_secrets() -> None:
    verdict = replace(interven.ScanResponse("ALLOW"), original_body="s3cret")
    key = interven.EphemeralKey("s3cret", "id", "iv_eph_a", "2026-11-23T00:00:00.000Z", 1)
    params = interven.InvokeParams("t", "GET", "/", "pat", "s3cret", [])
    for value in (Client("s3cret"), interven.AsyncClient("s3cret"), verdict, key, params, Client("s3cret").settings):
        assert "s3cret" not in repr(value)


def test_what_is_excluded_from_keywords_is_neither_judged_nor_lost() -> None:
    session = object()

    def tool(**named: Any) -> dict[str, Any]:
        return named

    answer = {"decision": "SANITIZE", "sanitized_body": {"text": "*"}}
    result, judged = run(tool, answer, text="ssn", session=session, exclude=("session",))
    assert result == {"text": "*", "session": session} and judged == {"text": "ssn"}

"""Guarded tools and hooks in real crews, against the real gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from crews import work

from crewai.tools import BaseTool, tool  # isort: skip
from crewai.tools.structured_tool import CrewStructuredTool
from interven import Client, ConfigurationError
from interven_crewai import InterventBlockedError, guard, guard_all_tools
from tests.faults import FAULTS, Fault

LUNCH = {"text": "lunch at noon?"}
SSN = {"text": "her ssn is 536-22-8417"}
REDACTED = {"text": "her ssn is [REDACTED:us_ssn]"}
AWS_KEY = {"text": "key AKIASIQOKQPY64PQRIZ3"}
EVE = {"user_name": "eve"}

Kind = Callable[[list[Any]], Any]


def of_a_function(ran: list[Any]) -> Any:
    @tool("slack_post_message")
    def post(text: str) -> str:
        """Posts a message."""
        ran.append({"text": text})
        return f"posted: {text}"

    return post


def of_a_class(ran: list[Any]) -> Any:
    class Poster(BaseTool):
        name: str = "slack_post_message"
        description: str = "Posts a message."

        def _run(self, text: str) -> str:
            ran.append({"text": text})
            return f"posted: {text}"

    return Poster()


def structured(ran: list[Any]) -> Any:
    def slack_post_message(text: str) -> str:
        """Posts a message."""
        ran.append({"text": text})
        return f"posted: {text}"

    return CrewStructuredTool.from_function(slack_post_message)


def user_maker(ran: list[Any]) -> Any:
    @tool("aws_iam_create_user")
    def create(user_name: str) -> str:
        """Creates a user."""
        ran.append(user_name)
        return f"created {user_name}"

    return create


KINDS: list[Kind] = [of_a_function, of_a_class]


@pytest.fixture(autouse=True)
def _hooks_end() -> Iterator[None]:
    from crewai.hooks import clear_all_hooks

    yield
    clear_all_hooks()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_native", [False, True])
@pytest.mark.parametrize("by_hook", [False, True])
def test_a_crew_works_with_what_may_be_sent(client: Client, kind: Kind, is_native: bool, by_hook: bool) -> None:
    ran: list[Any] = []
    poster = kind(ran)
    if by_hook:
        guard_all_tools(client=client)
    else:
        poster = guard(poster, client=client)
    calls = [("slack_post_message", each) for each in (LUNCH, SSN, AWS_KEY)]
    told = work([poster], calls, is_native=is_native)
    assert ran == [LUNCH, REDACTED]
    assert "Interven blocked tool `slack_post_message`: denied by policy: " in told
    assert client.counters.requests == 3


@pytest.mark.parametrize("is_native", [False, True])
@pytest.mark.parametrize("by_hook", [False, True])
def test_an_approval_resumes_the_same_turn(
    client: Client, approve: Callable[[Any], None], is_native: bool, by_hook: bool
) -> None:
    ran: list[Any] = []
    maker = user_maker(ran)
    if by_hook:
        guard_all_tools(client=client, on_pending=approve, max_wait=60)
    else:
        maker = guard(maker, client=client, on_pending=approve, max_wait=60)
    assert "created eve" in work([maker], [("aws_iam_create_user", EVE)], is_native=is_native)
    assert ran == ["eve"]


@pytest.mark.parametrize("is_native", [False, True])
def test_a_refusal_is_not_kept_in_the_cache_of_the_crew(
    client: Client, approve: Callable[[Any], None], is_native: bool
) -> None:
    ran: list[Any] = []
    answers = [lambda verdict: None, approve, approve]
    maker = guard(user_maker(ran), client=client, max_wait=3, on_pending=lambda verdict: answers.pop(0)(verdict))
    call = ("aws_iam_create_user", EVE)
    told = work([maker], [call, ("aws_iam_create_user", {"user_name": "mallory"}), call], is_native=is_native)
    assert "nobody decided approval" in told and "created mallory" in told
    assert ran == ["mallory", "eve"] and "created eve" in told


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("by_hook", [False, True])
def test_without_a_verdict_nothing_runs_unless_fail_open_was_chosen(fault: Fault, by_hook: bool) -> None:
    for fail_open in (False, True):
        ran: list[Any] = []
        with fault.client(fail_open=fail_open) as client:
            poster = of_a_function(ran)
            end = guard_all_tools(client=client) if by_hook else None
            if not by_hook:
                poster = guard(poster, client=client)
            work([poster], [("slack_post_message", LUNCH)], is_native=True)
            if end:
                end()
            is_open = fail_open and fault.is_outage
            assert bool(ran) == is_open and client.counters.fail_opens == is_open


def test_a_hook_that_breaks_blocks(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """CrewAI runs the tool when a hook raises."""
    monkeypatch.setattr("interven_crewai.hooks.gate", lambda *given, **named: 1 / 0)
    guard_all_tools(client=client)
    ran: list[Any] = []
    told = work([of_a_function(ran)], [("slack_post_message", LUNCH)], is_native=True)
    assert ran == [] and "it could not be judged: ZeroDivisionError" in told


def test_hooks_end_and_pass_over_guarded_tools(client: Client) -> None:
    ran: list[Any] = []
    end = guard_all_tools(client=client)
    work([guard(of_a_function(ran), client=client)], [("slack_post_message", SSN)], is_native=True)
    assert ran == [REDACTED] and client.counters.requests == 1
    end()
    work([of_a_function(ran)], [("slack_post_message", SSN)], is_native=True)
    assert ran == [REDACTED, SSN]


@pytest.mark.parametrize("kind", [*KINDS, structured])
def test_tools_on_their_own(client: Client, kind: Kind) -> None:
    ran: list[Any] = []
    original = kind(ran)
    guarded = guard(original, client=client)
    assert type(original) in type(guarded).__mro__ and guarded.name == original.name and guard(guarded) is guarded
    ways: list[Any] = [
        lambda given: guarded._run(**given),
        (lambda given: guarded.invoke(given)) if kind is structured else (lambda given: guarded.run(**given)),
        (lambda given: asyncio.run(guarded.ainvoke(given)))
        if kind is structured
        else (lambda given: guarded.to_structured_tool().invoke(given)),
    ]
    for way in ways:
        assert way(SSN) == f"posted: {REDACTED['text']}"
        assert "denied by policy" in way(AWS_KEY)
    assert ran == [REDACTED] * 3
    with pytest.raises(InterventBlockedError) as error:
        guard(original, client=client, on_block="raise")._run(**AWS_KEY)
    assert error.value.reason_codes and error.value.trace_id


def test_coroutines(client: Client) -> None:
    class Poster(BaseTool):
        name: str = "slack_post_message"
        description: str = "Posts a message."

        def _run(self, text: str) -> str:
            return f"posted: {text}"

        async def _arun(self, text: str) -> str:
            return self._run(text)

    @tool("slack_post_message")
    async def post(text: str) -> str:
        """Posts a message."""
        return f"posted: {text}"

    for each in (Poster(), post):
        guarded: Any = guard(each, client=client)
        assert asyncio.run(guarded.arun(**SSN)) == f"posted: {REDACTED['text']}"
    assert client.counters.requests == 2


def test_exceptions_of_tools_are_theirs(client: Client) -> None:
    @tool("note")
    def note(text: str) -> str:
        """Fails."""
        raise LookupError(text)

    with pytest.raises(LookupError, match="lunch"):
        guard(note, client=client).run(**LUNCH)


def test_what_cannot_be_guarded_says_so(client: Client) -> None:
    with pytest.raises(ConfigurationError, match="only tools of CrewAI"):
        guard(print, client=client)  # type: ignore[type-var]
    with pytest.raises(ConfigurationError, match="on_block"):
        guard(of_a_class([]), client=client, on_block="shrug")  # type: ignore[arg-type]

"""Guarded tools: one table of ways to call them, and what each kind of tool keeps."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from typing import Annotated, Any, Optional

import pytest
from agents import AWS_KEY, EVE, LUNCH, REDACTED, SSN, Noting, UserMaker, call
from interven import AsyncClient, Client, ConfigurationError
from interven_langchain import InterventBlockedError, guard
from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, InjectedToolArg, StructuredTool, Tool, ToolException, tool
from pydantic import BaseModel
from tests.faults import FAULTS, Fault

#: Each runs a tool once with these arguments and answers what it answered.
WAYS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "invoke": lambda tool, given: tool.invoke(given),
    "ainvoke": lambda tool, given: asyncio.run(tool.ainvoke(given)),
    "run": lambda tool, given: tool.run(given),
    "arun": lambda tool, given: asyncio.run(tool.arun(given)),
    "batch": lambda tool, given: tool.batch([given])[0],
    "abatch": lambda tool, given: asyncio.run(tool.abatch([given]))[0],
    "stream": lambda tool, given: next(tool.stream(given)),
    "a tool call": lambda tool, given: tool.invoke(call(tool.name, given)).content,
    "an async tool call": lambda tool, given: asyncio.run(tool.ainvoke(call(tool.name, given))).content,
    "within a chain": lambda tool, given: (tool | str).invoke(given),
}


def run(way: str, tool: Any, given: dict[str, Any]) -> Any:
    # langchain-core 0.2 writes into the arguments that it is given.
    return WAYS[way](tool, dict(given))


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_call_a_tool_is_judged(client: Client, way: str, is_async: bool) -> None:
    noting = Noting(is_async=is_async)
    guarded = guard(noting.tool, client=client)
    assert run(way, guarded, LUNCH) == "posted: lunch at noon?"
    assert run(way, guarded, SSN) == "posted: her ssn is [REDACTED:us_ssn]"
    with pytest.raises(InterventBlockedError) as error:
        run(way, guarded, AWS_KEY)
    assert noting.ran == [LUNCH, REDACTED]
    assert error.value.tool == "slack_post_message" and error.value.trace_id and error.value.reason_codes
    assert "AKIA" not in str(error.value)
    # One question for each call: none was asked twice.
    assert client.counters.requests == 3


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_a_model_can_be_told(client: Client, way: str, is_async: bool) -> None:
    noting = Noting(is_async=is_async)
    answer = run(way, guard(noting.tool, client=client, on_block="return_message"), AWS_KEY)
    assert answer.startswith("Interven blocked tool `slack_post_message`: denied by policy: ")
    assert noting.ran == []


def test_what_a_model_is_told_has_the_status_of_an_error(client: Client) -> None:
    answer = guard(Noting().tool, client=client, on_block="return_message").invoke(call("slack_post_message", AWS_KEY))
    assert isinstance(answer, ToolMessage) and answer.status == "error" and answer.name == "slack_post_message"


def test_calls_at_once_each_get_their_own_verdict(client: Client) -> None:
    noting = Noting(is_async=True)
    guarded = guard(noting.tool, client=client, on_block="return_message")
    given: list[Any] = [dict(each) for each in (LUNCH, SSN, AWS_KEY) * 4]

    async def story() -> list[Any]:
        return await asyncio.gather(*(guarded.ainvoke(each) for each in given))

    expected = ["posted: lunch at noon?", "posted: her ssn is [REDACTED:us_ssn]", "Interven blocked tool"] * 4
    for answers in (asyncio.run(story()), guarded.batch(given)):
        assert all(str(answer).startswith(part) for answer, part in zip(answers, expected))
    assert AWS_KEY not in noting.ran and SSN not in noting.ran


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_an_approval_resumes_the_same_call(client: Client, way: str, approve: Callable[[Any], None]) -> None:
    maker = UserMaker()
    guarded = guard(maker.tool, client=client, on_pending=approve, max_wait=60)
    assert run(way, guarded, EVE) == "created eve"
    assert maker.ran == ["eve"]


def test_nobody_decides_in_time(client: Client) -> None:
    maker = UserMaker()
    with pytest.raises(InterventBlockedError, match="nobody decided approval") as error:
        guard(maker.tool, client=client, max_wait=0.1).invoke(EVE)
    assert maker.ran == [] and error.value.approval_url and error.value.code == "APPROVAL_TIMEOUT"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("way", ["invoke", "ainvoke", "a tool call"])
def test_without_a_verdict_nothing_runs_unless_fail_open_was_chosen(fault: Fault, way: str) -> None:
    for fail_open in (False, True):
        noting = Noting()
        with fault.client(fail_open=fail_open) as client:
            guarded = guard(noting.tool, client=client, on_block="return_message")
            if fail_open and fault.is_outage:
                assert run(way, guarded, LUNCH) == "posted: lunch at noon?"
                assert client.counters.fail_opens == 1
            else:
                with pytest.raises(fault.error):
                    run(way, guarded, LUNCH)
                assert noting.ran == [] and client.counters.fail_opens == 0


def test_kinds_of_tools(client: Client) -> None:
    class OfAClass(BaseTool):
        name: str = "slack_post_message"
        description: str = "Posts."

        def _run(self, text: str, run_manager: Optional[Any] = None, **kwargs: Any) -> str:
            assert run_manager is not None
            return f"{self.name}: {text}"

    class WithBoth(OfAClass):
        async def _arun(self, text: str, run_manager: Optional[Any] = None) -> str:
            assert run_manager is not None
            return self._run(text, run_manager=run_manager.get_sync())

    @tool
    def slack_post_message(text: str, times: int = 1) -> str:
        """Posts."""
        return f"slack_post_message: {text}" * times

    class Plain:
        @staticmethod
        def slack_post_message(text: str) -> str:
            """Posts."""
            return f"slack_post_message: {text}"

    kinds: list[Any] = [
        OfAClass(),
        WithBoth(),
        slack_post_message,
        Plain.slack_post_message,
        Tool("slack_post_message", lambda text: f"slack_post_message: {text}", "Posts."),
    ]
    for kind in kinds:
        before = client.counters.requests
        guarded = guard(kind, client=client)
        for way in ("invoke", "ainvoke", "a tool call", "an async tool call"):
            assert run(way, guarded, SSN) == f"slack_post_message: {REDACTED['text']}", (kind, way)
        assert client.counters.requests == before + 4, kind
    assert guard(kinds[-1], client=client).run("her ssn is 536-22-8417") == f"slack_post_message: {REDACTED['text']}"


def test_a_guarded_tool_stays_what_it_was(client: Client) -> None:
    original = Noting().tool
    guarded = guard(original, client=client)
    assert isinstance(guarded, StructuredTool) and guarded.args == original.args
    assert guarded.name == original.name and guarded.description == original.description
    assert guard(guarded, client=client) is guarded
    assert original.metadata is None and original.invoke(AWS_KEY).startswith("posted")
    with pytest.raises(InterventBlockedError):
        copy.copy(guarded).invoke(AWS_KEY)


def test_what_the_framework_injects_is_neither_judged_nor_lost(client: Client) -> None:
    session = object()  # no JSON: judging it would be an error

    @tool
    def slack_post_message(text: str, session: Annotated[Any, InjectedToolArg], config: RunnableConfig) -> str:
        """Posts."""
        return f"{text} {type(session).__name__} {config['metadata']['who']}"

    guarded = guard(slack_post_message, client=client)
    first: Any = {"session": session, **SSN}
    second: Any = {"session": session, **LUNCH}
    assert guarded.invoke(first, {"metadata": {"who": "me"}}) == f"{REDACTED['text']} object me"
    assert asyncio.run(guarded.ainvoke(second, {"metadata": {"who": "me"}})).endswith("object me")


def test_names_of_the_framework_hide_nothing_that_a_model_wrote(client: Client) -> None:
    def anything(**named: Any) -> str:
        raise AssertionError("it must not run")

    class Schema(BaseModel):
        callbacks: str

    poster = StructuredTool.from_function(anything, name="slack_post_message", description="Posts.", args_schema=Schema)
    guarded = guard(poster, client=client, on_block="return_message")
    assert "denied by policy" in str(guarded.invoke({"callbacks": AWS_KEY["text"]}))


def test_exceptions_of_tools_are_theirs(client: Client) -> None:
    class OddError(Exception):
        pass

    def fails(text: str) -> str:
        """Fails."""
        raise OddError(text)

    def asks_again(text: str) -> str:
        """Fails."""
        raise ToolException(f"try {text}")

    with pytest.raises(OddError, match="lunch"):
        guard(fails, client=client, on_block="return_message").invoke(LUNCH)
    polite = StructuredTool.from_function(asks_again, handle_tool_error=True)
    assert guard(polite, client=client).invoke(LUNCH) == "try lunch at noon?"


def test_a_refusal_of_a_tool_within_a_tool_is_not_taken_for_its_own(client: Client) -> None:
    inner = guard(Noting().tool, client=client)

    def outer(text: str) -> str:
        """Calls another."""
        return str(inner.invoke({"text": text[::-1]}))

    with pytest.raises(InterventBlockedError) as error:
        guard(outer, client=client, on_block="return_message").invoke({"text": AWS_KEY["text"][::-1]})
    assert error.value.tool == "slack_post_message"


def test_content_and_artifact(client: Client) -> None:
    def post(text: str) -> tuple[str, int]:
        """Posts."""
        return text, 7

    poster = StructuredTool.from_function(post, name="slack_post_message", response_format="content_and_artifact")
    guarded = guard(poster, client=client, on_block="return_message")
    allowed, denied = (guarded.invoke(call("slack_post_message", each)) for each in (SSN, AWS_KEY))
    assert (allowed.content, allowed.artifact) == (REDACTED["text"], 7)
    assert denied.status == "error" and denied.artifact is None


def test_retries_of_the_framework_ask_each_time(client: Client) -> None:
    tries: list[str] = []

    def flaky(text: str) -> str:
        """Fails once."""
        tries.append(text)
        if len(tries) == 1:
            raise ConnectionError("again")
        return text

    flaky_tool = StructuredTool.from_function(flaky, name="slack_post_message")
    retried = guard(flaky_tool, client=client).with_retry(
        retry_if_exception_type=(ConnectionError,), wait_exponential_jitter=False
    )
    assert retried.invoke(SSN) == REDACTED["text"]
    assert tries == [REDACTED["text"]] * 2 and client.counters.requests == 2


def test_what_cannot_be_guarded_says_so(client: Client) -> None:
    with pytest.raises(ConfigurationError, match="only tools and functions"):
        guard({"type": "web_search"}, client=client)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="on_block"):
        guard(Noting().tool, client=client, on_block="shrug")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="AsyncClient"):
        guard(Noting().tool, client=AsyncClient.beside(client))

"""Stories with the real gateway: what an agent sends, what it gets, and a person who decides in between."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

import interven
from interven import AsyncClient, Client, gate, guard

from .gateway import Gateway

SLACK = "https://slack.com/api/chat.postMessage"
IAM = "https://iam.amazonaws.com/"
SSN = "her ssn is 536-22-8417"
AWS_KEY = "key AKIASIQOKQPY64PQRIZ3"


def agent(gateway: Gateway) -> Client:
    """Each test is an agent of its own, so that the past of one is no concern of the next."""
    return Client(gateway.api_key, gateway_url=gateway.url, agent_name=f"agent-{uuid.uuid4()}")


def test_the_four_decisions(gateway: Gateway) -> None:
    with agent(gateway) as client:
        assert client.health()
        allowed = client.scan("POST", SLACK, {"text": "lunch at noon?"})
        redacted = client.scan("POST", SLACK, {"text": SSN, "n": 1})
        denied = client.scan("POST", SLACK, {"text": AWS_KEY})
        held = client.scan("POST", IAM, {"Action": "CreateUser", "UserName": "eve"})
    assert allowed.allowed and allowed.body_to_forward == {"text": "lunch at noon?"}
    assert redacted.needs_sanitization and redacted.body_to_forward == {"text": "her ssn is [REDACTED:us_ssn]", "n": 1}
    assert redacted.redactions[0]["path"] == "/text"
    assert denied.blocked and "SECRETS" in denied.classifications and denied.policy_name
    assert held.needs_approval and held.approval_id and held.approval_url
    assert [each.ledger_seq for each in (allowed, redacted, denied, held)] == sorted(
        each.ledger_seq or 0 for each in (allowed, redacted, denied, held)
    )


def test_what_came_back_is_reported_under_the_trace(gateway: Gateway) -> None:
    client = agent(gateway)
    verdict = client.scan("GET", "https://wiki.example.com/page")
    answer = client.scan_response(verdict.trace_id, {"page": SSN}, 200)
    assert answer["data_classes"] == ["PII"]
    with pytest.raises(interven.GatewayError, match="NOT_FOUND") as error:
        client.scan_response(str(uuid.uuid4()), {})
    assert error.value.status == 404 and not error.value.is_outage


@pytest.mark.parametrize(
    ("key", "url", "body", "kind", "part"),
    [
        ("iv_live_nobody", "https://a.example", None, interven.AuthenticationError, "INVALID_KEY"),
        (None, "no url", None, interven.GatewayError, "`url`"),
        (None, "https://a.example", "x" * 300_000, interven.PayloadTooLargeError, "262144"),
    ],
)
def test_refusals_in_the_words_of_the_gateway(
    gateway: Gateway, key: str, url: str, body: str, kind: type[interven.AifError], part: str
) -> None:
    with pytest.raises(kind, match=part):
        Client(key or gateway.api_key, gateway_url=gateway.url, fail_open=True).scan("POST", url, body)


def test_a_guarded_function_runs_with_what_may_be_sent_or_not_at_all(gateway: Gateway) -> None:
    sent = []

    @guard(agent(gateway), tool="slack", operation="post_message")
    def post(text: str, channel: str = "#general") -> str:
        sent.append((text, channel))
        return "sent"

    assert post("lunch at noon?") == "sent"
    assert post(SSN, channel="#hr") == "sent"
    assert "denied by policy" in post(AWS_KEY)
    assert sent == [("lunch at noon?", "#general"), ("her ssn is [REDACTED:us_ssn]", "#hr")]


def approve(gateway: Gateway, verdict: interven.ScanResponse) -> None:
    gateway.operate("approvals", "approve", verdict.approval_id or "")


def test_a_person_says_yes_and_the_same_call_goes_on(gateway: Gateway) -> None:
    @guard(agent(gateway), url=IAM, on_pending=lambda verdict: approve(gateway, verdict), max_wait=60)
    def create(Action: str, UserName: str) -> str:  # noqa: N803
        return f"{Action} {UserName}"

    assert create("CreateUser", UserName="eve") == "CreateUser eve"


def test_a_person_says_no(gateway: Gateway) -> None:
    def deny(verdict: interven.ScanResponse) -> None:
        gateway.operate("approvals", "deny", verdict.approval_id or "")

    result = gate(
        agent(gateway), method="POST", url=IAM, body={"Action": "CreateUser", "UserName": "mallory"}, on_pending=deny
    )
    assert not result.proceed and result.approval_waited and "denied" in result.blocked_reason


@pytest.mark.parametrize("is_async", [False, True])
def test_a_function_answers_for_what_does_not_run_and_another_hears_each_verdict(gateway: Gateway, is_async: bool) -> None:
    heard: list[str] = []
    client = agent(gateway)

    def post(text: str) -> str:
        return text

    async def apost(text: str) -> str:
        return text

    guarded: Any = guard(
        client,
        tool="slack",
        operation="post_message",
        on_block=lambda refusal: None,
        on_verdict=lambda verdict: heard.append(verdict.decision),
    )(apost if is_async else post)

    async def awaited(answer: Any) -> Any:
        return await answer

    answers = [guarded(each) for each in (SSN, AWS_KEY)]
    if is_async:
        answers = [asyncio.run(awaited(each)) for each in answers]
    # None is an answer as well: the function does not run for it.
    assert answers == ["her ssn is [REDACTED:us_ssn]", None]
    assert heard == ["SANITIZE", "DENY"]


def test_a_refusal_of_a_wait_holds_the_scan_that_asked_for_it(gateway: Gateway) -> None:
    @guard(agent(gateway), url=IAM, on_block="raise", max_wait=0.1)
    def create(Action: str, UserName: str) -> str:  # noqa: N803
        raise AssertionError("it must not run")

    with pytest.raises(interven.ApprovalTimeoutError) as error:
        create("CreateUser", UserName="peggy")
    assert error.value.scan is not None and error.value.scan.approval_id == error.value.approval_id


def test_an_answer_to_a_wait_comes_when_the_person_decides(gateway: Gateway) -> None:
    """Asked with a poll interval of five seconds, answered at once: the gateway holds the question."""

    async def story() -> float:
        async with AsyncClient.beside(agent(gateway)) as client:
            verdict = await client.scan("POST", IAM, {"Action": "CreateUser", "UserName": "trent"})
            waiting = asyncio.create_task(client.wait_for_approval(verdict.approval_id or "", 60))
            await asyncio.to_thread(approve, gateway, verdict)
            decided = asyncio.get_running_loop().time()
            status = await waiting
            assert status.is_approved and status.decision == "ALLOW"
            return asyncio.get_running_loop().time() - decided

    assert asyncio.run(story()) < 2.4


def test_an_async_function_is_guarded_with_either_client(gateway: Gateway) -> None:
    client = agent(gateway)

    async def story() -> list[str]:
        answers = []
        for each in (client, AsyncClient.beside(client)):

            @guard(each, tool="slack", operation="post_message", on_block="raise", max_wait=5)
            async def post(text: str) -> str:
                return text

            answers.append(await post(SSN))
            with pytest.raises(interven.BlockedError) as error:
                await post(AWS_KEY)
            assert error.value.scan is not None and error.value.scan.blocked
        return answers

    assert asyncio.run(story()) == ["her ssn is [REDACTED:us_ssn]"] * 2


def test_many_calls_at_once_share_a_few_connections(gateway: Gateway) -> None:
    async def story() -> set[str]:
        async with AsyncClient.beside(agent(gateway)) as client:
            answers = await asyncio.gather(
                *(client.scan("POST", SLACK, {"text": f"lunch {number}?"}) for number in range(50))
            )
            assert client.counters.requests == 50
            return {answer.decision for answer in answers}

    assert asyncio.run(story()) == {"ALLOW"}

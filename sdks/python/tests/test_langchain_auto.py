"""`aif_sdk.enable_langchain` with the real langchain-core."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.tools import BaseTool, tool

import aif_sdk

from .gateway import Gateway


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    run, arun = BaseTool.run, BaseTool.arun
    yield
    BaseTool.run, BaseTool.arun = run, arun


def test_every_tool_is_judged_once_and_runs_with_what_may_be_sent(gateway: Gateway) -> None:
    @tool
    def slack_post_message(text: str) -> str:
        """Posts a message."""
        return text

    for _ in range(2):
        aif_sdk.enable_langchain(gateway.api_key, gateway.url, agent_name="chain")
    secret: dict[str, Any] = {"text": "key AKIASIQOKQPY64PQRIZ3"}
    assert slack_post_message.invoke({"text": "lunch?"}) == "lunch?"
    assert asyncio.run(slack_post_message.ainvoke({"text": "lunch?"})) == "lunch?"
    for call in (lambda: slack_post_message.invoke(secret), lambda: asyncio.run(slack_post_message.ainvoke(secret))):
        with pytest.raises(aif_sdk.InterventBlockedError) as error:
            call()
        assert error.value.reason_codes and error.value.trace_id

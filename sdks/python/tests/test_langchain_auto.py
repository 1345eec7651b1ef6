"""`aif_sdk.enable_langchain` with the real langchain-core."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.tools import BaseTool, StructuredTool

import aif_sdk

from .gateway import Gateway


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    run, arun = BaseTool.run, BaseTool.arun
    yield
    BaseTool.run, BaseTool.arun = run, arun


def test_every_tool_is_judged_once_and_runs_with_what_may_be_sent(gateway: Gateway) -> None:
    def echo(text: str) -> str:
        return text

    poster: Any = StructuredTool.from_function(echo, name="slack_post_message", description="Posts a message.")
    for _ in range(2):
        aif_sdk.enable_langchain(gateway.api_key, gateway.url, agent_name="chain")
    secret: dict[str, Any] = {"text": "key AKIASIQOKQPY64PQRIZ3"}
    assert poster.invoke({"text": "lunch?"}) == "lunch?"
    assert asyncio.run(poster.ainvoke({"text": "lunch?"})) == "lunch?"
    calls: list[Any] = [lambda: poster.invoke(secret), lambda: asyncio.run(poster.ainvoke(secret))]
    for call in calls:
        with pytest.raises(aif_sdk.InterventBlockedError) as error:
            call()
        assert error.value.reason_codes and error.value.trace_id

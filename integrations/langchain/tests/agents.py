"""Tools that note what they were given, and a model that says what a test wrote down for it."""

from __future__ import annotations

import itertools
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import StructuredTool

LUNCH = {"text": "lunch at noon?"}
SSN = {"text": "her ssn is 536-22-8417"}
REDACTED = {"text": "her ssn is [REDACTED:us_ssn]"}
AWS_KEY = {"text": "key AKIASIQOKQPY64PQRIZ3"}
EVE = {"user_name": "eve"}

_ids = itertools.count()


class Noting:
    """A tool and what it was run with."""

    def __init__(self, name: str = "slack_post_message", *, is_async: bool = False) -> None:
        self.ran: list[dict[str, Any]] = []

        def run(text: str) -> str:
            """Posts a message."""
            self.ran.append({"text": text})
            return f"posted: {text}"

        async def arun(text: str) -> str:
            """Posts a message."""
            return run(text)

        self.tool = StructuredTool.from_function(run, arun if is_async else None, name=name)


class UserMaker:
    """A tool that needs an approval."""

    def __init__(self) -> None:
        self.ran: list[str] = []

        def create(user_name: str) -> str:
            """Creates a user."""
            self.ran.append(user_name)
            return f"created {user_name}"

        self.tool = StructuredTool.from_function(create, name="aws_iam_create_user")


def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "args": arguments, "id": f"call-{next(_ids)}", "type": "tool_call"}


def asks_for(*calls: dict[str, Any]) -> AIMessage:
    return AIMessage("", tool_calls=list(calls))


class Scripted(BaseChatModel):
    """Says these in turn, and the last one for ever."""

    says: list[Any]

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        turn = sum(isinstance(each, AIMessage) for each in messages)
        return ChatResult(generations=[ChatGeneration(message=self.says[min(turn, len(self.says) - 1)])])


def told(messages: list[BaseMessage]) -> list[tuple[str, str]]:
    """Status and text of what tools answered."""
    return [(each.status, str(each.content)) for each in messages if isinstance(each, ToolMessage)]

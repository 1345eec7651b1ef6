"""A crew whose model says what a test wrote down for it."""

from __future__ import annotations

import json
import os
from typing import Any

# CrewAI sends nothing anywhere: before it is imported.
os.environ.update(CREWAI_DISABLE_TELEMETRY="true", CREWAI_TRACING_ENABLED="false", OTEL_SDK_DISABLED="true")

from crewai import Agent, Crew, Task  # noqa: E402
from crewai.llms.base_llm import BaseLLM  # noqa: E402

Call = tuple[str, dict[str, Any]]


class Scripted(BaseLLM):
    """Asks for these calls in turn, as text or as native tool calls, and then has its answer."""

    calls: list[Any] = []
    is_native: bool = False
    heard: list[str] = []

    def call(self, messages: Any, *given: Any, **named: Any) -> Any:
        self.heard.append(json.dumps(messages, default=str))
        if not self.calls:
            return "Thought: I now know the final answer\nFinal Answer: done" if not self.is_native else "done"
        name, arguments = self.calls.pop(0)
        if self.is_native:
            function = {"name": name, "arguments": json.dumps(arguments)}
            return [{"id": f"call-{len(self.heard)}", "type": "function", "function": function}]
        return f"Thought: go on\nAction: {name}\nAction Input: {json.dumps(arguments)}"

    async def acall(self, messages: Any, *given: Any, **named: Any) -> Any:
        return self.call(messages)

    def supports_function_calling(self) -> bool:
        return self.is_native


def work(tools: list[Any], calls: list[Call], *, is_native: bool, cache: bool = True) -> str:
    """Runs a crew of one that makes these calls, and answers all that its model was told."""
    model = Scripted(model="scripted", calls=list(calls), is_native=is_native, heard=[])
    agent = Agent(role="poster", goal="post", backstory="posts", llm=model, tools=tools, cache=cache, max_iter=8)
    task = Task(description="Post it.", expected_output="done", agent=agent)
    answer = Crew(agents=[agent], tasks=[task], cache=cache).kickoff()
    assert str(answer) == "done", answer
    return "\n".join(model.heard)

"""Tool calls as the OpenAI APIs write them: Assistants and Chat Completions, and Responses
(<https://platform.openai.com/docs/guides/function-calling>)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Optional

from interven import ConfigurationError


@dataclass(frozen=True)
class ToolCall:
    """What one call asks for, wherever it stood."""

    #: What its answer must name.
    id: str
    name: str
    #: None where the model wrote something that is no JSON object.
    arguments: Optional[dict[str, Any]]
    #: As the model wrote it.
    text: str
    #: Of its answer: the API's ``type``, and the names of its id and its text.
    answer_type: Optional[str]

    @classmethod
    def read(cls, call: Any) -> ToolCall:
        """Raises ConfigurationError for what is no call of a function or a custom tool: it could not be judged."""
        kind = _get(call, "type")
        if kind in ("function_call", "custom_tool_call"):
            is_custom, inner, call_id, answer_type = kind == "custom_tool_call", call, _get(call, "call_id"), f"{kind}_output"
        else:
            is_custom = _get(call, "custom") is not None
            inner, call_id, answer_type = _get(call, "custom" if is_custom else "function"), _get(call, "id"), None
        name, text = _get(inner, "name"), _get(inner, "input" if is_custom else "arguments")
        if not (isinstance(name, str) and isinstance(call_id, str) and isinstance(text, str)):
            raise ConfigurationError(f"only calls of functions and custom tools can be scanned, not `{kind or type(call).__name__}`")
        return cls(call_id, name, {"input": text} if is_custom else _object(text), text, answer_type)

    def answer(self, text: str) -> dict[str, Any]:
        if self.answer_type:
            return {"type": self.answer_type, "call_id": self.id, "output": text}
        return {"tool_call_id": self.id, "output": text}


def _object(text: str) -> Optional[dict[str, Any]]:
    try:
        # A function without parameters is called with nothing at all by some models.
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else getattr(value, name, None)

"""The snippets of the page, run in order against a real gateway; what they say they print is what they print."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from test_scan import AWS_KEY, EVE, LUNCH, SSN, _assistants, _responses
from tests.documentation import run_page
from tests.gateway import ROOT, Gateway


def test_the_page_says_what_happens(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in gateway.environment.items():
        monkeypatch.setenv(name, value)
    calls = [_assistants("slack_post_message", json.dumps(each)) for each in (LUNCH, SSN, AWS_KEY)]
    for number, each in enumerate(calls):
        each.id = f"call_{number + 1}"
    names: dict[str, Any] = {
        "run": SimpleNamespace(required_action=SimpleNamespace(submit_tool_outputs=SimpleNamespace(tool_calls=calls))),
        "response": SimpleNamespace(output=[_responses("slack_post_message", json.dumps(AWS_KEY))]),
        "needs_approval": _assistants("aws_iam_create_user", json.dumps(EVE)),
    }
    assert run_page(ROOT / "docs/integrations/openai-assistants.md", {"__name__": "page", **names}) >= 6

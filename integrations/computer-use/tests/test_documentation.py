"""The snippets of the page, run in order against a real gateway; what they say they print is what they print."""

from __future__ import annotations

from typing import Any

import pytest
from tests.documentation import run_page
from tests.gateway import ROOT, Gateway


def test_the_page_says_what_happens(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in gateway.environment.items():
        monkeypatch.setenv(name, value)
    names: dict[str, Any] = {}
    assert run_page(ROOT / "docs/integrations/computer-use.md", {"__name__": "page", **names}) >= 5

"""The snippets of the documentation, run in order against a real gateway; what they say they print is what they print."""

from __future__ import annotations

import pytest

from .documentation import run_page
from .gateway import ROOT, Gateway


def test_the_page_says_what_happens(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in gateway.environment.items():
        monkeypatch.setenv(name, value)
    assert run_page(ROOT / "docs/integrations/python.md", {"__name__": "page"}) >= 10

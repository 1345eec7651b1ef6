"""The snippets of the documentation, run in order against a real gateway; what they say they print is what they print."""

from __future__ import annotations

import contextlib
import io
import re
from typing import Any

import pytest

from .gateway import ROOT, Gateway

PAGE = ROOT / "docs/integrations/python.md"
SNIPPETS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
#: What is printed: a comment behind `print(…)`, or alone on a line.
SHOWN = re.compile(r"^(?:\s*print\(.*\)\s*)?# (.*)$")


def test_the_page_says_what_happens(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in gateway.environment.items():
        monkeypatch.setenv(name, value)
    names: dict[str, Any] = {"__name__": "page"}
    shown = 0
    for snippet in SNIPPETS:
        expected = [found.group(1) for found in map(SHOWN.match, snippet.splitlines()) if found]
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(snippet, str(PAGE), "exec"), names)
        lines = printed.getvalue().splitlines()
        assert len(lines) == len(expected), (snippet, lines)
        for line, wanted in zip(lines, expected):
            assert line.startswith(wanted[:-1]) if wanted.endswith("…") else line == wanted
        shown += len(expected)
    assert shown >= 10

"""Runs the snippets of a page in order; what they say they print is what they print."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

#: What is printed: a comment behind `print(…)`, or alone on a line.
SHOWN = re.compile(r"^(?:\s*print\(.*\)\s*)?# (.*)$")
SNIPPET = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def run_page(page: Path, names: dict[str, Any]) -> int:
    """With ``names`` defined beforehand. Answers how many lines were printed as shown."""
    shown = 0
    for snippet in SNIPPET.findall(page.read_text()):
        expected = [found.group(1) for found in map(SHOWN.match, snippet.splitlines()) if found]
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(snippet, str(page), "exec"), names)
        lines = printed.getvalue().splitlines()
        assert len(lines) == len(expected), (snippet, lines)
        for line, wanted in zip(lines, expected):
            assert line.startswith(wanted[:-1]) if wanted.endswith("…") else line == wanted, (line, wanted)
        shown += len(expected)
    return shown

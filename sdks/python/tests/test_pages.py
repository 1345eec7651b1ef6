"""Every page of an integration has its three parts, and no block that nothing runs."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from pathlib import Path

import pytest

from .gateway import ROOT

PAGES = sorted((ROOT / "docs/integrations").glob("*.md"))

#: The blocks of each page by language, and the tests that run them: a new block is counted here once a test runs it.
#: Blocks that install are read by ``test_what_is_installed_is_there``: the tests of each package run in an environment that
#: its requirements made, and start gateways of their own.
RUN: dict[str, tuple[dict[str, int], list[str]]] = {
    "claude-code": ({"sh": 4, "json": 1}, ["crates/interven/tests/cli/hook_pages.rs"]),
    "computer-use": ({"sh": 1, "python": 3}, ["integrations/computer-use/tests/test_documentation.py"]),
    "copilot": ({"sh": 2, "json": 1}, ["crates/interven/tests/cli/hook_pages.rs"]),
    "crewai": ({"sh": 1, "python": 3}, ["integrations/crewai/tests/test_documentation.py"]),
    "cursor": ({"sh": 2, "json": 1}, ["crates/interven/tests/cli/hook_pages.rs"]),
    "langchain": ({"sh": 1, "python": 6}, ["integrations/langchain/tests/test_documentation.py"]),
    "mcp-guard": (
        {"sh": 5, "json": 1, "": 1},
        ["crates/guard/tests/clients/test_processes.py", "crates/guard/tests/clients/test_python_client.py"],
    ),
    "openai-assistants": ({"sh": 1, "python": 4}, ["integrations/openai-assistants/tests/test_documentation.py"]),
    "openclaw": ({"sh": 1, "json": 1, "text": 2}, ["integrations/openclaw/test/documentation.test.mjs"]),
    "proxy": ({"sh": 5}, ["crates/interven/tests/cli/proxy/clients.rs"]),
    "python": ({"sh": 1, "python": 7}, ["sdks/python/tests/test_documentation.py"]),
    "typescript": ({"sh": 1, "js": 2}, ["sdks/typescript/test/documentation.test.mjs"]),
}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PARTS = [r"What is (enforced|judged)\b", r"What (is enforced, and what cannot be|cannot be enforced)$", r"What happens on failure$"]


def test_a_test_runs_every_block() -> None:
    found = {page.stem: dict(Counter(language for language, _ in BLOCK.findall(page.read_text()))) for page in PAGES}
    assert found == {name: blocks for name, (blocks, _) in RUN.items()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_tests_read_the_page(page: Path) -> None:
    for test in RUN[page.stem][1]:
        text = (ROOT / test).read_text()
        assert f"integrations/{page.name}" in text or f'"{page.stem}"' in text, test


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_what_is_enforced_what_cannot_be_and_what_a_failure_does(page: Path) -> None:
    headings = re.findall(r"^## (.*)$", page.read_text(), re.MULTILINE)
    for part in PARTS:
        assert any(re.match(part, heading) for heading in headings), (part, headings)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_installed_is_there(page: Path) -> None:
    """Nothing is downloaded: the directories, extras, scripts and targets that a block names exist."""
    for language, block in BLOCK.findall(page.read_text()):
        directory = ROOT
        for words in statements(block) if language == "sh" else []:
            if words[:1] == ["cd"]:
                directory = ROOT / words[1]
            elif words[:1] == ["make"]:
                assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), words
            elif words[:2] == ["pip", "install"]:
                for package, extras in (re.fullmatch(r"(.*?)(?:\[(.*)\])?", word).groups() for word in words[2:]):  # type: ignore[union-attr]
                    project = (ROOT / package / "pyproject.toml").read_text()
                    assert extras is None or re.search(rf"^{extras} = \[", project, re.MULTILINE), words
            elif words[:2] == ["npm", "run"]:
                assert words[2] in json.loads((directory / "package.json").read_text())["scripts"], words
            elif words == ["npm", "ci"]:
                assert (directory / "package-lock.json").exists(), directory
            elif words[:2] == ["npm", "install"]:
                assert (ROOT / words[2] / "package.json").exists(), words


def statements(block: str) -> list[list[str]]:
    """The words of each simple command, without comments."""
    lines = [shlex.split(part, comments=True) for part in re.split(r"\n|&&|(?<!\$)\((?=cd )|\)$", block, flags=re.MULTILINE)]
    return [words for words in lines if words]

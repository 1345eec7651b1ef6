from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from .gateway import Gateway, serving

#: langchain-core needs Python 3.10.
collect_ignore = ["test_langchain_auto.py"] if sys.version_info < (3, 10) else []


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "conformance" not in str(request.path):
        for name in ("API_KEY", "GATEWAY_URL", "GATEWAY", "FAIL_OPEN", "FAIL_CLOSED", "TIMEOUT_MS", "AGENT_ID", "AGENT_NAME"):
            monkeypatch.delenv(f"INTERVEN_{name}", raising=False)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One for each file of tests: denials lower the trust in whoever comes later with the same key."""
    with serving(tmp_path_factory.mktemp("gateway")) as it:
        yield it

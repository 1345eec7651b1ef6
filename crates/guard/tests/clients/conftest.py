from __future__ import annotations

from collections.abc import Iterator

import pytest

from world import World, serving


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One for each file of tests: denials lower the trust in whoever comes later with the same key."""
    with serving(tmp_path_factory.mktemp("world")) as it:
        # Tests deny much; the rules alone decide here.
        yield it

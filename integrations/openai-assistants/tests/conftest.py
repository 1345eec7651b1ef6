"""The real gateway."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from interven import Client
from tests.conftest import _no_settings_of_the_machine, gateway
from tests.gateway import Gateway

__all__ = ["_no_settings_of_the_machine", "gateway"]


@pytest.fixture
def client(gateway: Gateway) -> Client:
    return gateway.new_agent()


@pytest.fixture
def approve(gateway: Gateway) -> Callable[[Any], None]:
    """A person who says yes to whatever waits."""

    def approve(verdict: Any) -> None:
        gateway.operate("approvals", "approve", verdict.approval_id)

    return approve

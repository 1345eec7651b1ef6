"""What a client was told, by arguments first and by the environment then; checked once, at construction."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

from .errors import AuthenticationError, ConfigurationError
from .http1 import Origin

DEFAULT_GATEWAY_URL = "http://localhost:4000"
DEFAULT_TIMEOUT_SECONDS = 30.0
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"", "0", "false", "no", "off"}


@dataclass(frozen=True)
class Settings:
    api_key: str
    origin: Origin
    #: Seconds for a whole call, retries and waiting between them included.
    timeout: float
    #: How often a request is repeated after the first.
    retries: int
    agent_id: Optional[str]
    agent_name: Optional[str]
    runtime_type: str
    fail_open: bool
    console_url: Optional[str]

    def __repr__(self) -> str:
        return f"Settings(gateway={self.origin}, agent={self.agent_name or self.agent_id}, fail_open={self.fail_open})"

    @classmethod
    def read(
        cls,
        api_key: Optional[str],
        gateway_url: Optional[str],
        timeout: Optional[float],
        retries: int,
        agent_id: Optional[str],
        agent_name: Optional[str],
        runtime_type: str,
        fail_open: Optional[bool],
        environment: Mapping[str, str] = os.environ,
    ) -> Settings:
        """Raises AuthenticationError without a key, ConfigurationError for what cannot be used."""
        key = (api_key or environment.get("INTERVEN_API_KEY") or "").strip()
        if not key:
            raise AuthenticationError("no API key: pass api_key=… or set INTERVEN_API_KEY", code="NO_API_KEY")
        if not all("!" <= letter <= "~" for letter in key):
            # The text is not repeated: it is a secret.
            raise ConfigurationError("the API key holds characters that no header may carry; was it pasted whole?")
        address = (
            gateway_url
            or environment.get("INTERVEN_GATEWAY_URL")
            or environment.get("INTERVEN_GATEWAY")
            or DEFAULT_GATEWAY_URL
        )
        seconds = timeout if timeout is not None else _timeout_in(environment)
        if not 0 < seconds < float("inf"):
            raise ConfigurationError(f"timeout must be a number of seconds above 0, not {seconds}")
        if retries < 0:
            raise ConfigurationError(f"retries must be 0 or more, not {retries}")
        return cls(
            api_key=key,
            origin=Origin.parse(address),
            timeout=float(seconds),
            retries=retries,
            agent_id=agent_id or environment.get("INTERVEN_AGENT_ID") or None,
            agent_name=agent_name or environment.get("INTERVEN_AGENT_NAME") or None,
            runtime_type=runtime_type,
            fail_open=_fails_open(fail_open, environment),
            console_url=(environment.get("INTERVEN_CONSOLE_URL") or "").rstrip("/") or None,
        )


def _timeout_in(environment: Mapping[str, str]) -> float:
    text = environment.get("INTERVEN_TIMEOUT_MS", "").strip()
    if not text:
        return DEFAULT_TIMEOUT_SECONDS
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise ConfigurationError(f"INTERVEN_TIMEOUT_MS must be a whole number of milliseconds above 0, not `{text}`")
    return int(text) / 1000


def _fails_open(argument: Optional[bool], environment: Mapping[str, str]) -> bool:
    """The strictest wins: INTERVEN_FAIL_CLOSED=1 closes even what the code opens."""
    if _flag(environment, "INTERVEN_FAIL_CLOSED"):
        return False
    return argument if argument is not None else _flag(environment, "INTERVEN_FAIL_OPEN")


def _flag(environment: Mapping[str, str], name: str) -> bool:
    text = environment.get(name, "").strip().lower()
    if text not in _TRUE | _FALSE:
        raise ConfigurationError(f"{name} must be 1 or 0, not `{text}`")
    return text in _TRUE

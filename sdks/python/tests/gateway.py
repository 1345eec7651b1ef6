"""A real gateway on an embedded database, for as long as tests need it."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interven import Client

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Gateway:
    url: str
    api_key: str
    data_directory: Path

    def operate(self, *arguments: str) -> str:
        """What the operator's command line answers."""
        command = [str(binary()), *arguments, "--data-dir", str(self.data_directory)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def new_agent(self, **settings: Any) -> Client:
        """One with a key of its own: denials lower the trust in whoever comes later with the same key."""
        made = json.loads(self.operate("admin", "key", "create", f"key-{uuid.uuid4()}", "--json"))
        return Client(made["key"], gateway_url=self.url, agent_name=f"agent-{uuid.uuid4()}", **settings)

    @property
    def environment(self) -> dict[str, str]:
        """For a program that finds the gateway as an agent does."""
        return {"INTERVEN_API_KEY": self.api_key, "INTERVEN_GATEWAY_URL": self.url}


def binary() -> Path:
    path = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "interven"
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there: `cargo build -p interven` makes it")
    return path


@contextmanager
def serving(data_directory: Path) -> Iterator[Gateway]:
    environment = {**os.environ, "GATEWAY_ADDR": "127.0.0.1:0", "TELEMETRY_ADDR": "127.0.0.1:0"}
    command = [str(binary()), "serve", "--data-dir", str(data_directory)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            # The banner comes once it serves.
            if not any("try:" in line for line in process.stdout):
                raise RuntimeError("the gateway ended before it served")
            told = json.loads((data_directory / "bootstrap.json").read_text())
            yield Gateway(told["gateway_url"], told["api_key"], data_directory)
        finally:
            process.terminate()

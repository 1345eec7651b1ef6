"""A real gateway with rules of its own, and the guard in front of real servers."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
SECRET = "ghp_016C7aB9dE3fG5hJ7kL9mN1pQ3rS5t2sIQYY"
POLICY = """
policies:
  - name: tests
    rules:
      - {rule_id: secret, priority: 1, condition: {has_data_class: [SECRETS]}, action: DENY, reason_code: NO_SECRETS}
      - {rule_id: person, priority: 2, condition: {has_data_class: [PII]}, action: SANITIZE, reason_code: NO_PEOPLE}
      - {rule_id: wipe, priority: 3, match: {operations: [wipe]}, action: REQUIRE_APPROVAL, reason_code: ASK_FIRST}
"""
SERVER = [sys.executable, str(HERE / "server.py")]


def binary() -> str:
    path = TARGET / "debug" / "interven"
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there: `cargo build -p interven` makes it")
    return str(path)


def node_modules() -> Path:
    """The pinned packages, installed below the target directory; made anew when the lock file has changed."""
    place = TARGET / "node" / "mcp-guard"
    lock = (HERE / "package-lock.json").read_bytes()
    mark = place / "installed.txt"
    wanted = hashlib.sha256(lock).hexdigest()
    if not mark.exists() or mark.read_text() != wanted:
        place.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            (place / name).write_bytes((HERE / name).read_bytes())
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=place, check=True)
        mark.write_text(wanted)
    return place


@dataclass(frozen=True)
class World:
    url: str
    api_key: str
    data_directory: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("INTERVEN_")}
        return {
            **kept,
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "INTERVEN_API_KEY": self.api_key,
            "INTERVEN_GATEWAY_URL": self.url,
            "SECRET": SECRET,
        }

    def run(self, *arguments: str, expect: int = 0) -> str:
        done = subprocess.run(
            [binary(), *arguments], env=self.environment, cwd=self.home, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == expect, (arguments, done.returncode, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def operate(self, *arguments: str) -> str:
        return self.run(*arguments, "--data-dir", str(self.data_directory))

    def proxy(self, server: str, *options: str, command: list[str] | None = None) -> list[str]:
        """The command line of a guard in front of a server."""
        behind = ["--", *(command or SERVER)] if "--url" not in options else []
        return [binary(), "mcp-guard", "proxy", "--server", server, *options, *behind]


@contextmanager
def serving(place: Path) -> Iterator[World]:
    data, home = place / "data", place / "home"
    home.mkdir()
    environment = {**os.environ, "GATEWAY_ADDR": "127.0.0.1:0", "TELEMETRY_ADDR": "127.0.0.1:0"}
    command = [binary(), "serve", "--data-dir", str(data)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            # The banner comes once it serves.
            if not any("try:" in line for line in process.stdout):
                raise RuntimeError("the gateway ended before it served")
            told = json.loads((data / "bootstrap.json").read_text())
            world = World(told["gateway_url"], told["api_key"], data, home)
            (place / "policy.yaml").write_text(POLICY)
            world.operate("policy", "apply", str(place / "policy.yaml"))
            yield world
        finally:
            process.terminate()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def running(command: list[str], port: int, environment: dict[str, str]) -> Iterator[None]:
    """A program that listens on a port, from when it does."""
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            while True:
                assert process.poll() is None, f"{command} has ended"
                with socket.socket() as attempt:
                    attempt.settimeout(1)
                    if attempt.connect_ex(("127.0.0.1", port)) == 0:
                        break
            yield
        finally:
            process.terminate()

"""The official TypeScript client, over stdio and streamable HTTP."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request

import pytest

from world import HERE, World, free_port, node_modules, running


def talk(world: World, target: str, *command: str) -> None:
    modules = node_modules()
    client = ["node", str(HERE / "client.mjs"), str(modules), target, *command]
    done = subprocess.run(client, env=world.environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert "echo" in outcome["tools"]
    assert outcome["allowed"] == {"isError": False, "text": "Echo: lunch"}
    assert outcome["denied"]["isError"] and "NO_SECRETS" in outcome["denied"]["text"]
    assert outcome["sanitized"] == {"isError": False, "text": "Echo: her ssn is [REDACTED:us_ssn]"}
    assert outcome["many"] == [f"Echo: n{n}" for n in range(50)]


def everything() -> list[str]:
    return ["node", str(node_modules() / "node_modules/@modelcontextprotocol/server-everything/dist/index.js")]


def test_over_stdio(world: World) -> None:
    talk(world, "stdio", *world.proxy("stdio", command=everything()))


def test_over_http(world: World) -> None:
    port, front = free_port(), free_port()
    url = f"http://127.0.0.1:{port}/mcp"
    with running([*everything(), "streamableHttp"], port, {**world.environment, "PORT": str(port)}):
        talk(world, "stdio", *world.proxy("bridge", "--url", url))
        listening = world.proxy("front", "--url", url, "--listen", f"127.0.0.1:{front}")
        with running(listening, front, world.environment):
            talk(world, f"http://127.0.0.1:{front}/mcp")
            # A page in a browser gets nothing done, whatever name it has for this machine.
            for name, value in (("Origin", "http://evil.example"), ("Host", "evil.example")):
                request = urllib.request.Request(f"http://127.0.0.1:{front}/mcp", b"{}", {name: value})
                with pytest.raises(urllib.error.HTTPError, match="403"):
                    urllib.request.urlopen(request)

"""Beginnings and ends of the programs on both sides."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from world import HERE, ROOT, SECRET, World, binary

WAITING = [sys.executable, "-c", "import os, sys; print(os.getpid(), file=sys.stderr, flush=True); sys.stdin.read()"]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def started(world: World, command: list[str]) -> tuple[subprocess.Popen[str], int]:
    guard = subprocess.Popen(
        world.proxy("waiting", "--local", command=command),
        env=world.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    assert guard.stderr is not None
    pid = next(int(line) for line in guard.stderr if line.strip().isdigit())
    return guard, pid


def test_a_signal_ends_guard_and_server(world: World) -> None:
    guard, pid = started(world, WAITING)
    guard.send_signal(signal.SIGTERM)
    assert guard.wait(30) == 0
    assert not is_running(pid)


def test_the_end_of_the_client_ends_guard_and_server(world: World) -> None:
    guard, pid = started(world, WAITING)
    guard.communicate(timeout=30)
    assert guard.returncode == 0 and not is_running(pid)


def test_a_server_that_crashes_is_told(world: World) -> None:
    done = subprocess.run(
        world.proxy("crash", "--local", command=[sys.executable, "-c", "raise SystemExit(3)"]),
        env=world.environment, capture_output=True, text=True, timeout=30, input="",
    )
    assert done.returncode == 1 and "the server ended with exit status: 3" in done.stderr
    done = subprocess.run(
        world.proxy("absent", "--local", command=["/no/such/server"]),
        env=world.environment, capture_output=True, text=True, timeout=30, input="",
    )
    assert done.returncode == 1 and "`/no/such/server` could not be started" in done.stderr


def test_bad_settings_are_said_at_once(world: World, tmp_path: Path) -> None:
    broken = tmp_path / "pins.lock"
    broken.write_text("{")
    for options, expected in [
        (["--pins", str(broken), "--", "true"], "is no file of pins"),
        (["--url", "ftp://a.example"], "no http or https address"),
        (["--url", "http://127.0.0.1:1/mcp", "--listen", "0.0.0.0:0"], "listens on 127.0.0.1 or [::1] only"),
        ([], "required"),
    ]:
        done = subprocess.run(
            [binary(), "mcp-guard", "proxy", "--local", *options],
            env=world.environment, capture_output=True, text=True, timeout=30, input="",
        )
        assert done.returncode == 2 and expected in done.stderr, (options, done.returncode, done.stderr)


def test_the_snippets_of_the_page_work(world: World) -> None:
    page = (ROOT / "docs/integrations/mcp-guard.md").read_text()
    config = world.home / ".cursor/mcp.json"
    config.parent.mkdir()
    original = {"mcpServers": {"files": {"command": "npx", "args": ["-y", "server-files"], "env": {"A": "b"}}}, "x": 1}
    config.write_text(json.dumps(original, indent=2))
    (world.home / "data").symlink_to(world.data_directory)
    path = f"{Path(binary()).parent}:{os.environ['PATH']}"
    snippets = [block.split("```")[0] for block in page.split("```sh\n")[1:]]
    assert len(snippets) == 5
    for snippet in snippets:
        done = subprocess.run(
            ["sh", "-e"], input=snippet, env={**world.environment, "PATH": path}, cwd=world.home,
            capture_output=True, text=True, timeout=60,
        )
        assert done.returncode == 0, (snippet, done.stdout, done.stderr)
        assert ("Decision: DENY" in done.stdout) == snippet.startswith("echo"), (snippet, done.stdout)
        entry = json.loads(config.read_text())["mcpServers"]["files"]
        if "mcp-guard install" in snippet:
            assert entry["args"][:2] == ["mcp-guard", "proxy"] and entry["args"][-3:] == ["npx", "-y", "server-files"]
            assert ("INTERVEN_API_KEY" in entry["env"]) == ("--local" not in snippet) and entry["env"]["A"] == "b"
    assert json.loads(config.read_text()) == original
    assert json.loads((config.parent / "mcp.json.before-interven").read_text()) == original
    by_hand = json.loads(page.split("```json\n")[1].split("```")[0])["mcpServers"]["files"]
    assert list(by_hand["env"]) == ["INTERVEN_API_KEY"] and by_hand["command"] == "interven"
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "read", "arguments": {"text": SECRET}}}
    # In front of a server that need not be fetched.
    options = by_hand["args"][: by_hand["args"].index("--") + 1]
    done = subprocess.run(
        [binary(), *options, "cat"], env=world.environment, input=json.dumps(call) + "\n",
        capture_output=True, text=True, timeout=60,
    )
    assert done.returncode == 0 and "NO_SECRETS" in done.stdout and SECRET not in done.stdout, (done.stdout, done.stderr)


def test_a_malformed_configuration_is_left_alone(world: World, tmp_path: Path) -> None:
    config = tmp_path / "claude_desktop_config.json"
    config.write_text('{"mcpServers": {')
    told = world.run("mcp-guard", "install", "--client", "claude-desktop", "--config", str(config), expect=1)
    assert "not valid JSON" in told and str(config) in told
    assert config.read_text() == '{"mcpServers": {' and list(tmp_path.iterdir()) == [config]
    told = world.run("mcp-guard", "install", "--client", "vscode", "--config", str(tmp_path / "new/mcp.json"), "--own")
    made = json.loads((tmp_path / "new/mcp.json").read_text())["servers"]["interven"]
    assert made["type"] == "stdio" and made["env"]["INTERVEN_API_KEY"] == world.api_key
    assert (tmp_path / "new/mcp.json").stat().st_mode & 0o077 == 0, "it holds a key"
    assert HERE.exists()

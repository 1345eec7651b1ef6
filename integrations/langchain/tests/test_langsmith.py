"""Verdicts in LangSmith, sent by its own client to a server that stands in for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from agents import AWS_KEY, LUNCH, SSN, Noting
from interven import Client
from interven_langchain import InterventCallback, guard
from langsmith import utils


#: What `/info` says of the server: runs as JSON, please.
INGEST = {
    "use_multipart_endpoint": False,
    "size_limit": 100,
    "size_limit_bytes": 1_000_000,
    "scale_up_nthreads_limit": 1,
    "scale_up_qsize_trigger": 1000,
    "scale_down_nempty_trigger": 4,
}

VERDICT = "interven.scan.slack_post_message"


class Collector:
    """What LangSmith was sent, run by run."""

    def __init__(self) -> None:
        self.runs: list[dict[str, Any]] = []
        self._more = threading.Condition()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802
                self._answer(json.dumps({"version": "1", "batch_ingest_config": INGEST}).encode())

            def do_POST(self) -> None:  # noqa: N802
                sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._answer(b"{}")
                with collector._more:
                    collector.runs += sent.get("post", [sent] if "name" in sent else [])
                    collector._more.notify_all()

            def _answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *given: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_for(self, name: str, count: int) -> list[dict[str, Any]]:
        """The runs of that name, once there are so many."""

        def found() -> list[dict[str, Any]]:
            return [run for run in self.runs if run["name"] == name]

        with self._more:
            assert self._more.wait_for(lambda: len(found()) >= count, timeout=20), self.runs
        return found()


@pytest.fixture
def langsmith(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    collector = Collector()
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    monkeypatch.setenv("LANGSMITH_ENDPOINT", f"http://127.0.0.1:{collector.server.server_port}")
    monkeypatch.setenv("LANGSMITH_API_KEY", "x")
    # All keep what they read once.
    utils.get_env_var.cache_clear()
    monkeypatch.setattr("langsmith.run_trees._CLIENT", None)
    monkeypatch.setattr("langchain_core.tracers.langchain._CLIENT", None, raising=False)
    yield collector
    collector.server.shutdown()
    utils.get_env_var.cache_clear()


def run_three(client: Client) -> None:
    guarded = guard(Noting().tool, client=client, on_block="return_message")
    for given in (LUNCH, SSN, AWS_KEY):
        guarded.invoke(dict(given))


def test_each_verdict_is_a_run_without_what_was_sent(client: Client, langsmith: Collector) -> None:
    run_three(client)
    runs = langsmith.wait_for(VERDICT, 3)
    assert [run["outputs"]["decision"] for run in runs] == ["ALLOW", "SANITIZE", "DENY"]
    denied = runs[2]
    assert denied["name"] == "interven.scan.slack_post_message" and denied["outputs"]["reason_codes"]
    assert "interven.decision.deny" in denied["tags"] and "interven.risk.critical" in denied["tags"]
    assert denied["extra"]["metadata"]["interven.trace_id"]
    told = json.dumps(runs)
    assert "lunch" not in told and "536-22-8417" not in told and "AKIA" not in told


def test_callbacks_tell_as_well(client: Client, langsmith: Collector) -> None:
    Noting().tool.invoke(dict(LUNCH), {"callbacks": [InterventCallback(client=client)]})
    assert [run["outputs"]["decision"] for run in langsmith.wait_for(VERDICT, 1)] == ["ALLOW"]


def test_it_can_be_turned_off(client: Client, langsmith: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERVEN_LANGSMITH", "0")
    run_three(client)
    langsmith.wait_for("slack_post_message", 3)
    assert all(run["name"] != VERDICT for run in langsmith.runs)


def test_nothing_is_sent_where_tracing_is_off(client: Client) -> None:
    called: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("interven_langchain.langsmith_runs._post", lambda *given: called.append(given))
        run_three(client)
    assert called == []


def test_a_trace_that_cannot_be_written_changes_nothing(client: Client, langsmith: Collector) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("interven_langchain.langsmith_runs._post", lambda *given: 1 / 0)
        assert guard(Noting().tool, client=client).invoke(dict(LUNCH)) == "posted: lunch at noon?"

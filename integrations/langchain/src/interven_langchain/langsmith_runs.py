"""Verdicts in the traces of LangSmith, beside the tool that was judged: what was decided and why, never what was sent.

On where LangSmith's own tracing is (``LANGSMITH_TRACING=true``); ``INTERVEN_LANGSMITH=0`` turns it off.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from interven import ScanResponse

log = logging.getLogger("interven")


def note_verdict(tool: str, url: str, verdict: ScanResponse) -> None:
    """Adds a run below the one that is going on. A trace that cannot be written changes nothing else."""
    try:
        from langsmith import utils

        if not utils.tracing_is_enabled() or os.environ.get("INTERVEN_LANGSMITH") == "0":
            return
        _post(tool, url, verdict)
    except ImportError:
        return
    except Exception as error:
        log.warning("the verdict on tool `%s` is not in LangSmith: %s", tool, type(error).__name__)


def _post(tool: str, url: str, verdict: ScanResponse) -> None:
    from langsmith.run_trees import RunTree

    fields: dict[str, Any] = {
        "name": f"interven.scan.{tool}",
        "run_type": "tool",
        "inputs": {"tool": tool, "url": url},
        "tags": [
            f"interven.decision.{verdict.decision.lower()}",
            f"interven.risk.{verdict.risk_band.lower()}",
            *(f"interven.reason.{code.lower()}" for code in verdict.reason_codes[:5]),
        ],
        "extra": {"metadata": {"interven.trace_id": verdict.trace_id, "interven.approval_id": verdict.approval_id}},
    }
    parent = RunTree.from_runnable_config(None)
    run = parent.create_child(**fields) if parent is not None else RunTree(**fields)
    run.end(
        outputs={
            "decision": verdict.decision,
            "risk_score": verdict.risk_score,
            "risk_band": verdict.risk_band,
            "reason_codes": verdict.reason_codes,
            "classifications": verdict.classifications,
            "policy": verdict.policy_name,
            "fail_open": verdict.fail_open,
        }
    )
    run.post()

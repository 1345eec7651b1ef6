"""Every case of sdks/conformance, with the blocking client and with the one for asyncio."""

from __future__ import annotations

import copy
import json
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from .expectation import Outcome, differences
from .runner import CALLS, run_case

FIXTURES = Path(__file__).parents[3] / "conformance"
FILES = sorted((FIXTURES / "cases").glob("*.json"))
CASES = {
    f"{'async' if is_async else 'sync'}: {file.stem}: {case['name']}": (case, is_async)
    for file in FILES
    for case in json.loads(file.read_text())["cases"]
    for is_async in (False, True)
}


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest) -> dict[str, Future[Outcome]]:
    """All chosen cases at once: many of them do nothing but wait."""
    chosen = [item.callspec.params.get("name") for item in request.session.items if hasattr(item, "callspec")]
    pool = ThreadPoolExecutor(max_workers=24)
    request.addfinalizer(pool.shutdown)
    return {name: pool.submit(run_case, copy.deepcopy(CASES[name][0]), CASES[name][1]) for name in chosen if name in CASES}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str, outcomes: dict[str, Future[Outcome]]) -> None:
    found = list(differences(CASES[name][0]["expect"], outcomes[name].result()))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_of_cases_follows_the_schema(file: Path) -> None:
    schema = json.loads((FIXTURES / "case.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(file.read_text()), schema)


def test_there_are_enough_cases_and_each_call_has_some() -> None:
    cases: list[dict[str, Any]] = [case for case, _ in CASES.values()]
    assert len(cases) // 2 >= 150
    assert {next(iter(case["call"])) for case in cases} == set(CALLS)


def test_a_wrong_outcome_is_noticed() -> None:
    case = next(case for case, _ in CASES.values() if case["name"] == "every field of a verdict")
    outcome = run_case({**case, "server": [{"verdict": {"decision": "ALLOW"}}]}, is_async=False)
    assert list(differences(case["expect"], outcome))

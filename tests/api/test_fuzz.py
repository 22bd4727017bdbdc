"""Whatever the description allows, and much that it does not: never a 500, always as described."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from tests.api.conftest import Served

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


@pytest.mark.usefixtures("planner")
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
async def test_the_api_keeps_its_description(
    served: Served, ann: httpx.AsyncClient, mode: GenerationMode
) -> None:
    headers = {"Authorization": ann.headers["authorization"]}
    tried = await asyncio.to_thread(_fuzz, served.address, served.app.openapi(), headers, mode)
    assert tried >= 60, tried


def _fuzz(
    address: str, description: dict[str, Any], headers: dict[str, str], mode: GenerationMode
) -> int:
    schema = schemathesis.openapi.from_dict(description)
    schema.config.update(base_url=address)
    tried = 0
    for result in schema.get_all_operations():

        @settings(
            max_examples=6,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=result.ok().as_strategy(generation_mode=mode))
        def keeps(case: schemathesis.Case) -> None:
            nonlocal tried
            tried += 1
            case.call_and_validate(headers=headers, checks=CHECKS)

        with contextlib.suppress(Unsatisfiable):  # nothing of it can be wrong
            keeps()
    return tried

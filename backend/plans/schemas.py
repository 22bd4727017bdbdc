"""The published JSON Schemas of the plan document and its IR, generated from their models."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from backend.contracts.plans import IR, PlanDocument

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def plan_schema() -> dict[str, Any]:
    return _schema(PlanDocument, "Lightning plan document")


def ir_schema() -> dict[str, Any]:
    return _schema(IR, "Lightning plan IR")


def _schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    return {"$schema": _DIALECT} | model.model_json_schema(by_alias=True) | {"title": title}

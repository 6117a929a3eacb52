"""Objects of every schema feature, saved and loaded: equal, and the same JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pymacaron import API, apipool
from pymacaron_dynamodb.binding import binding_of
from pymacaron_dynamodb.tables import create_table
from random_objects import DECIMAL, GENERATIONS, Kind, Kinds

if TYPE_CHECKING:
    from pymacaron_dynamodb.database import Database

TABLE = {"name": "things", "hash": "id"}
KINDS = {generation: Kinds(generation) for generation in GENERATIONS}
SETTINGS = settings(
    max_examples=25,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)


def document(generation: str, schemas: dict[str, Any]) -> dict[str, Any]:
    """Return a contract of these schemas."""
    info: dict[str, Any] = {"info": {"title": "things", "version": "1"}, "paths": {}}
    if generation == "2.0":
        return {"swagger": "2.0", **info, "definitions": schemas}
    return {"openapi": f"{generation}.0", **info, "components": {"schemas": schemas}}


def model_of(generation: str, kind: Kind, table: dict[str, Any] = TABLE) -> Any:
    """Load a contract of which ``Thing`` persists; return its class."""
    thing = {**kind.schema, "required": ["id"], "x-pym-table": table}
    thing["properties"] = {"id": {"type": "string"}, **thing["properties"]}
    apipool.clear()
    api = API(Flask("things"), formats=[DECIMAL])
    api.load_api("things", document(generation, {**KINDS[generation].named(), "Thing": thing}))
    return apipool.get("things").Thing


def text(model: Any) -> str:
    """Return a model's JSON, byte for byte."""
    return json.dumps(model.to_json(), ensure_ascii=False)


@pytest.mark.once
@pytest.mark.parametrize("generation", GENERATIONS)
def test_random_objects(database: Database, generation: str) -> None:
    """Whatever a schema allows comes back from the table as it was saved, and as it was saved again."""
    created = False

    @SETTINGS
    @given(st.data(), KINDS[generation].object(3))
    def run(data: st.DataObject, kind: Kind) -> None:
        nonlocal created
        thing = model_of(generation, kind)
        if not created:
            create_table(binding_of(thing))
            created = True
        for _ in range(3):
            made = thing.from_json({**data.draw(kind.values), "id": "k"})
            made.save_to_db()
            found = thing.load_from_db("k")
            assert text(found) == text(made)
            assert found == made
            found.save_to_db()
            assert text(thing.load_from_db("k")) == text(made)

    run()

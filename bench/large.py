"""A contract of 1,000 operations and 750 schemas, and the same service for FastAPI, for figures of start and memory."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

OPERATIONS = 1000
SCHEMAS = 750


def contract() -> dict[str, Any]:
    """Make the contract; schemas refer to each other, operations to schemas."""
    schemas = {
        f"Thing{i}": {
            "type": "object",
            "required": ["id", "name"],
            "properties": {
                "id": {"type": "integer", "minimum": 1},
                "name": {"type": "string", "maxLength": 100},
                "created": {"type": "string", "format": "date-time"},
                "state": {"type": "string", "enum": ["new", "used", "gone"]},
                "amount": {"type": "number"},
                "parent": {"$ref": f"#/components/schemas/Thing{i // 2}"},
                "parts": {"type": "array", "items": {"$ref": f"#/components/schemas/Thing{i // 3}"}},
            },
        }
        for i in range(SCHEMAS)
    }
    paths: dict[str, Any] = {}
    for i in range(OPERATIONS // 2):
        reference = {"$ref": f"#/components/schemas/Thing{i % SCHEMAS}"}
        content = {"application/json": {"schema": reference}}
        answer = {"200": {"description": "One", "content": content}}
        paths[f"/things{i}/{{thing_id}}"] = {
            "get": {
                "operationId": f"get_thing{i}",
                "x-bind-server": "large.get_thing",
                "parameters": [{"name": "thing_id", "in": "path", "required": True, "schema": {"type": "integer"}}],
                "responses": answer,
            }
        }
        paths[f"/things{i}"] = {
            "post": {
                "operationId": f"add_thing{i}",
                "x-bind-server": "large.add_thing",
                "requestBody": {"required": True, "content": content},
                "responses": answer,
            }
        }
    info = {"title": "Large", "version": "1"}
    return {"openapi": "3.0.3", "info": info, "paths": paths, "components": {"schemas": schemas}}


def get_thing(thing_id: int) -> dict[str, Any]:
    """Return a thing."""
    return {"id": thing_id, "name": "thing"}


def add_thing(thing: Any) -> Any:
    """Return a thing as it came."""
    return thing


def boot_pymacaron(path: Path) -> Any:
    """Make the service from the contract."""
    from flask import Flask

    from pymacaron import API

    return API(Flask(__name__)).load_api("large", path).prepare()


def boot_fastapi() -> Any:
    """Make the same service of pydantic models and functions."""
    from datetime import datetime
    from typing import Annotated, ForwardRef, Literal

    from fastapi import FastAPI
    from pydantic import Field, create_model

    models: dict[str, Any] = {}
    for i in range(SCHEMAS):
        models[f"Thing{i}"] = create_model(
            f"Thing{i}",
            id=(Annotated[int, Field(ge=1)], ...),
            name=(Annotated[str, Field(max_length=100)], ...),
            created=(datetime | None, None),
            state=(Literal["new", "used", "gone"] | None, None),
            amount=(float | None, None),
            parent=(ForwardRef(f"Thing{i // 2} | None"), None),
            parts=(ForwardRef(f"list[Thing{i // 3}] | None"), None),
        )
    for model in models.values():
        model.model_rebuild(_types_namespace=models)
    app = FastAPI()
    for i in range(OPERATIONS // 2):
        _fastapi_routes(app, i, models[f"Thing{i % SCHEMAS}"])
    return app


def _fastapi_routes(app: Any, number: int, model: Any) -> None:
    async def get(thing_id: int):
        return {"id": thing_id, "name": "thing"}

    async def add(thing: model):
        return thing

    app.get(f"/things{number}/{{thing_id}}", response_model=model, name=f"get{number}")(get)
    app.post(f"/things{number}", response_model=model, name=f"add{number}")(add)


def main() -> None:
    """Boot one of both and tell its CPU time, in seconds, and its peak memory, in MB."""
    sys.path.insert(0, str(Path(__file__).parent))
    if sys.argv[1] == "write":
        Path(sys.argv[2]).write_text(json.dumps(contract()), encoding="utf-8")
        return
    app = boot_fastapi() if sys.argv[1] == "fastapi" else boot_pymacaron(Path(sys.argv[2]))
    assert app is not None
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"cpu": time.process_time(), "memory": memory}) + "\n")


if __name__ == "__main__":
    main()

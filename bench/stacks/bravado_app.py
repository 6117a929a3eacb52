"""Flask with bravado-core, both directions validated; its Swagger 2.0 form of the contract is made here."""

import json
from pathlib import Path

import yaml
from bravado_core.exception import SwaggerValidationError
from bravado_core.marshal import marshal_schema_object
from bravado_core.spec import Spec
from bravado_core.unmarshal import unmarshal_schema_object
from bravado_core.validate import validate_schema_object
from flask import Flask, Response, request
from jsonschema import ValidationError

KIND = "wsgi"

_text = (Path(__file__).parent.parent / "orders.yaml").read_text().replace("#/components/schemas/", "#/definitions/")
_definitions = yaml.safe_load(_text)["components"]["schemas"]
_spec = Spec.from_dict(
    {"swagger": "2.0", "info": {"title": "Orders", "version": "1"}, "paths": {}, "definitions": _definitions},
    config={"use_models": False},
)

app = Flask(__name__)


def _write(name: str, value: object) -> Response:
    plain = marshal_schema_object(_spec, _definitions[name], value)
    validate_schema_object(_spec, _definitions[name], plain)
    return Response(json.dumps(plain), content_type="application/json")


@app.errorhandler(ValidationError)
@app.errorhandler(SwaggerValidationError)
def refuse(error: Exception) -> tuple[str, int]:
    return str(error)[:200], 400


@app.get("/orders/<int:order_id>")
def get_order(order_id: int) -> Response:
    return _write("Summary", {"id": order_id, "status": "new", "verbose": request.args.get("verbose") == "true"})


@app.post("/orders")
def create_order() -> Response:
    plain = request.get_json()
    validate_schema_object(_spec, _definitions["Order"], plain)
    return _write("Order", unmarshal_schema_object(_spec, _definitions["Order"], plain))

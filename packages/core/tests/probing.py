"""What the tests of the codec share: one schema as a contract of any generation, probed along every path."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from pymacaron.codec.types import Types
from pymacaron.contract import Schema
from pymacaron.spec import read_contract

if TYPE_CHECKING:
    from pymacaron.codec.codec import Codec
    from pymacaron.codec.lowering import Direction

GENERATIONS = ("2.0", "3.0", "3.1")
ORIGIN = "http://localhost/swagger.json"


def document(generation: str, **schemas: Any) -> dict[str, Any]:
    """Write a contract that has nothing but named schemas."""
    info = {"title": "probe", "version": "1"}
    if generation == "2.0":
        return {"swagger": "2.0", "info": info, "paths": {}, "definitions": schemas}
    version = {"3.0": "3.0.3", "3.1": "3.1.0"}[generation]
    return {"openapi": version, "info": info, "paths": {}, "components": {"schemas": schemas}}


def types_of(generation: str, **schemas: Any) -> Types:
    """Read named schemas into the types of a contract."""
    return Types(read_contract(document(generation, **schemas), "probe"))


def codec_of(generation: str, schema: Any, direction: Direction = "any", **others: Any) -> Codec:
    """Return the codec of one schema, which stands in its contract as ``Probed``."""
    return types_of(generation, Probed=schema, **others).codec(Schema(ref="Probed"), direction)


def succeeds(function: Any, *args: Any) -> bool:
    """Tell whether a codec's method takes what it is given."""
    from pymacaron.codec.codec import Invalid

    refused: Invalid | None = None
    try:
        function(*args)
    except Invalid as error:
        refused = error
    assert refused is None or refused.faults, "a refusal names its faults"
    return refused is None


def accepts(codec: Codec, value: Any) -> bool:
    """Tell whether a codec takes a JSON value; every way in and out must say the same."""
    found = {
        "load_slowly": succeeds(codec.load_slowly, value),
        "decode": succeeds(codec.decode, json.dumps(value).encode()),
        "load": succeeds(codec.load, value),
        "encode": succeeds(codec.encode, value),
    }
    assert len(set(found.values())) == 1, (found, value)
    if found["decode"]:
        round_trip(codec, value)
    return found["decode"]


def round_trip(codec: Codec, value: Any) -> None:
    """Prove that what was decoded can be encoded, and decoded to the same again."""
    decoded = codec.decode(json.dumps(value).encode())
    encoded = codec.encode(decoded)
    assert codec.decode(encoded) == decoded, (value, encoded)
    assert covers(json.loads(encoded), value), (value, encoded)


def covers(written: Any, given: Any) -> bool:
    """Tell whether a written value is the given one; properties that defaults filled in may stand beside."""
    if isinstance(given, dict):
        return isinstance(written, dict) and all(k in written and covers(written[k], v) for k, v in given.items())
    if isinstance(given, list):
        return isinstance(written, list) and len(written) == len(given) and all(map(covers, written, given))
    return bool(written == given) and isinstance(written, bool) == isinstance(given, bool)


def bravado_spec(given: dict[str, Any], **config: Any) -> Any:
    """Build bravado-core's Spec of a document, on this machine alone.

    It walks every document that jsonschema knows of, and would fetch what those refer to that other oracles registered.
    """
    from bravado_core.spec import Spec

    make: Any = Spec  # It has annotations for some of what it does only.
    spec = make(copy.deepcopy(given), origin_url=ORIGIN, config={"validate_swagger_spec": False, **config})
    for uri in [uri for uri in spec.resolver.store if uri != ORIGIN]:
        del spec.resolver.store[uri]
    spec.build()
    return spec

"""Which objects each OpenAPI generation knows, and what replaced those that another one has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from .shapes2 import SWAGGER_2
from .shapes30 import OPENAPI_30
from .shapes31 import OPENAPI_31

if TYPE_CHECKING:
    from .shape import Shape, Vocabulary

Generation = Literal["2.0", "3.0", "3.1"]

VOCABULARIES: dict[Generation, Vocabulary] = {"2.0": SWAGGER_2, "3.0": OPENAPI_30, "3.1": OPENAPI_31}
NAMES: dict[Generation, str] = {"2.0": "Swagger 2.0", "3.0": "OpenAPI 3.0", "3.1": "OpenAPI 3.1"}
ROOTS: dict[Generation, str] = {"2.0": "Swagger", "3.0": "OpenAPI", "3.1": "OpenAPI"}

_MENDS_2 = {
    ("OpenAPI", "definitions"): "put the schemas under components.schemas",
    ("OpenAPI", "parameters"): "put them under components.parameters",
    ("OpenAPI", "responses"): "put them under components.responses",
    ("OpenAPI", "securityDefinitions"): "put them under components.securitySchemes",
    ("OpenAPI", "host"): "write servers: [{url: 'https://host/base'}]",
    ("OpenAPI", "basePath"): "write servers: [{url: /base}]",
    ("OpenAPI", "schemes"): "write the scheme into the url under servers",
    ("OpenAPI", "consumes"): "write the media types under content of each requestBody",
    ("OpenAPI", "produces"): "write the media types under content of each response",
    ("Operation", "consumes"): "write the media types under content of requestBody",
    ("Operation", "produces"): "write the media types under content of each response",
    ("Operation", "schemes"): "write the scheme into the url under servers",
    ("Response", "schema"): "write content: {application/json: {schema: ...}}",
    ("Response", "examples"): "write content: {application/json: {examples: ...}}",
    ("Parameter", "collectionFormat"): "write style and explode",
    ("SecurityScheme", "flow"): "write flows: {<flow>: {...}}",
    ("SecurityScheme", "authorizationUrl"): "put it into a flow under flows",
    ("SecurityScheme", "tokenUrl"): "put it into a flow under flows",
    ("SecurityScheme", "scopes"): "put them into a flow under flows",
}
_MENDS_3 = {
    (
        "Swagger",
        "components",
    ): "put schemas under definitions, parameters, responses and securityDefinitions at the root",
    ("Swagger", "servers"): "write host, basePath and schemes",
    ("Swagger", "openapi"): "keep one of swagger and openapi",
    ("Operation", "requestBody"): "write a parameter with in: body",
    ("Operation", "callbacks"): "remove it",
    ("Operation", "servers"): "write host, basePath and schemes at the root",
    ("Response", "content"): "write schema, and produces at the operation",
    ("Parameter", "content"): "write schema in a parameter with in: body",
    ("Parameter", "schema"): "write type, format and the other keywords beside in",
    ("Parameter", "style"): "write collectionFormat",
    ("Parameter", "explode"): "write collectionFormat: multi",
    ("Parameter", "example"): "write x-example",
    ("Header", "schema"): "write type, format and the other keywords here",
    ("Schema", "nullable"): "write x-nullable",
    ("Schema", "oneOf"): "remove it, or move the contract to OpenAPI 3",
    ("Schema", "anyOf"): "remove it, or move the contract to OpenAPI 3",
    ("Schema", "not"): "remove it, or move the contract to OpenAPI 3",
    ("Schema", "writeOnly"): "remove it",
    ("SecurityScheme", "scheme"): "write type: basic, or apiKey with in: header",
    ("SecurityScheme", "flows"): "write flow, with its urls and scopes beside it",
}
_MENDS_31 = {
    ("Schema", "const"): "write enum with one value",
    ("Schema", "$defs"): "put the schemas under components.schemas",
    ("Schema", "examples"): "write example",
    ("Schema", "prefixItems"): "write items with one schema",
    ("Schema", "patternProperties"): "write additionalProperties",
    ("Schema", "nullable"): "write type: [<type>, 'null']",
}
_OLD_KEYWORDS = {
    "definitions": "write $defs",
    "additionalItems": "write prefixItems and items",
    "dependencies": "write dependentRequired or dependentSchemas",
    "$recursiveRef": "write $dynamicRef",
    "$recursiveAnchor": "write $dynamicAnchor",
    "id": "write $id",
}


def elsewhere(generation: Generation, shape: Shape, key: str) -> tuple[str, str] | None:
    """Tell which generations know a key that this one does not, and what to write here instead.

    Returns:
        The generations' names and the mend, or None where no generation has such a key in such an object.
    """
    others = [g for g in VOCABULARIES if g != generation and key in _fields(VOCABULARIES[g], shape.family)]
    if generation == "3.1" and shape.family == "Schema" and key in _OLD_KEYWORDS:
        return "an older JSON Schema", _OLD_KEYWORDS[key]
    if not others:
        return None
    tables = (_MENDS_2, _MENDS_31) if generation != "2.0" else (_MENDS_3, _MENDS_31)
    names = "OpenAPI 3" if others == ["3.0", "3.1"] else " and ".join(NAMES[g] for g in others)
    mend = next((t[shape.family, key] for t in tables if (shape.family, key) in t), "remove it")
    return names, mend


def _fields(vocabulary: Vocabulary, family: str) -> set[str]:
    """All keys that the shapes of a family have; the two roots are one family."""
    families = ("Swagger", "OpenAPI") if family in ("Swagger", "OpenAPI") else (family,)
    return {key for made in vocabulary.values() if made.family in families for key in made.fields}

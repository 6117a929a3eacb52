"""The objects of OpenAPI 3.1: those of 3.0 with its changes, and schemas of JSON Schema 2020-12."""

from __future__ import annotations

from dataclasses import replace

from .shape import shape, vocabulary
from .shapes import LIMITS, scheme
from .shapes30 import COMPONENTS, OPENAPI_30

_OLD = OPENAPI_30
_QUERY_ONLY = ("allowEmptyValue", "allowReserved")

_SCHEMA = shape(
    "Schema",
    {
        **LIMITS,
        "$ref": "string",
        "$id": "string",
        "$schema": "string",
        "$anchor": "string",
        "$dynamicRef": "string",
        "$dynamicAnchor": "string",
        "$vocabulary": "map boolean",
        "$comment": "string",
        "$defs": "map Schema",
        "type": "type31",
        "const": "any",
        "exclusiveMaximum": "limit",
        "exclusiveMinimum": "limit",
        "maxProperties": "count",
        "minProperties": "count",
        "maxContains": "count",
        "minContains": "count",
        "required": "required",
        "dependentRequired": "map required",
        "allOf": "some Schema",
        "anyOf": "some Schema",
        "oneOf": "some Schema",
        "prefixItems": "some Schema",
        **dict.fromkeys(("properties", "patternProperties", "dependentSchemas"), "map Schema"),
        **dict.fromkeys(("not", "if", "then", "else", "items", "contains", "propertyNames"), "Schema"),
        **dict.fromkeys(("additionalProperties", "unevaluatedItems", "unevaluatedProperties"), "Schema"),
        "contentEncoding": "string",
        "contentMediaType": "string",
        "contentSchema": "Schema",
        "title": "string",
        "description": "string",
        "deprecated": "boolean",
        "readOnly": "boolean",
        "writeOnly": "boolean",
        "examples": "list any",
        "example": "any",
        "discriminator": "Discriminator",
        "xml": "XML",
        "externalDocs": "ExternalDocumentation",
    },
    reference=True,
    lenient=True,
    flag=True,
)

OPENAPI_31 = {
    **_OLD,
    **vocabulary(
        _SCHEMA,
        _OLD["OpenAPI"].extended(
            {
                "paths": "Paths",
                "webhooks": "map PathItem",
                "jsonSchemaDialect": "string",
                "tags": "list Tag",
            },
            without=("paths",),
            one_of=(("paths", "components", "webhooks"),),
        ),
        _OLD["Info"].extended({"summary": "string"}),
        _OLD["License"].extended({"identifier": "string"}, exclusive=(("identifier", "url"),)),
        _OLD["ServerVariable"].extended({"enum": "some string"}),
        _OLD["PathItem"].extended({"parameters": "list Parameter"}),
        _OLD["Operation"].extended({"parameters": "list Parameter"}),
        shape("Components", {**COMPONENTS, "pathItems": "names PathItem"}, label="the Components"),
        *(_OLD[name].extended({}, without=_QUERY_ONLY) for name in ("PathParameter", "CookieParameter")),
        *(_OLD[name].extended({}, without=_QUERY_ONLY) for name in ("HeaderParameter", "Header")),
        replace(_OLD["Link"], one_of=(("operationRef", "operationId"),)),
        shape(
            "SecurityScheme",
            {"type!": "=apiKey|http|mutualTLS|oauth2|openIdConnect", "description": "string"},
            rest="any",
            select=(
                "type",
                {
                    "apiKey": "ApiKeyScheme",
                    "http": "HttpScheme",
                    "mutualTLS": "MutualTlsScheme",
                    "oauth2": "OAuth2Scheme",
                    "openIdConnect": "OpenIdConnectScheme",
                },
            ),
            reference=True,
        ),
        scheme("MutualTlsScheme", "type mutualTLS", {}),
    ),
}

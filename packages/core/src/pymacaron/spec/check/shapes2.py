"""The objects of Swagger 2.0, as its specification lists them."""

from __future__ import annotations

from dataclasses import replace

from .shape import shape, vocabulary
from .shapes import EXCLUSIVE_FLAGS, LIMITS, NAMED, OPERATION, SHARED, VERBS, parameter, scheme

_FORMATS = "=csv|ssv|tsv|pipes"
_SIMPLE = {**LIMITS, **EXCLUSIVE_FLAGS, "items": "Items", "collectionFormat": _FORMATS}
_TYPES = "=string|number|integer|boolean|array"


_PARAMETERS = (
    shape(
        "Parameter",
        {**NAMED, "in!": "=query|header|path|formData|body", "type": "any", "schema": "any", **_SIMPLE}
        | {"collectionFormat": "any", "allowEmptyValue": "any"},
        select=(
            "in",
            {
                "query": "QueryParameter",
                "header": "HeaderParameter",
                "path": "PathParameter",
                "formData": "FormDataParameter",
                "body": "BodyParameter",
            },
        ),
        reference=True,
    ),
    parameter("body", {"schema!": "Schema"}),
    parameter("path", {**_SIMPLE, "type!": _TYPES}),
    parameter("header", {**_SIMPLE, "type!": _TYPES}),
    parameter(
        "query", {**_SIMPLE, "type!": _TYPES, "collectionFormat": f"{_FORMATS}|multi", "allowEmptyValue": "boolean"}
    ),
    parameter(
        "formData",
        {
            **_SIMPLE,
            "type!": f"{_TYPES}|file",
            "collectionFormat": f"{_FORMATS}|multi",
            "allowEmptyValue": "boolean",
        },
    ),
)

_FLOW = {"flow!": "=implicit|password|application|accessCode", "scopes": "Scopes"}
_SECURITY = (
    shape(
        "SecurityScheme",
        {"type!": "=basic|apiKey|oauth2", "description": "string"},
        rest="any",
        select=("type", {"basic": "BasicScheme", "apiKey": "ApiKeyScheme", "oauth2": "OAuth2Scheme"}),
        reference=True,
    ),
    scheme("BasicScheme", "type basic", {}),
    scheme("ApiKeyScheme", "type apiKey", {"name!": "string", "in!": "=query|header"}),
    replace(
        scheme("OAuth2Scheme", "type oauth2", {**_FLOW, "authorizationUrl": "string", "tokenUrl": "string"}),
        select=(
            "flow",
            {
                "implicit": "ImplicitScheme",
                "password": "PasswordScheme",
                "application": "PasswordScheme",
                "accessCode": "AccessCodeScheme",
            },
        ),
    ),
    scheme("ImplicitScheme", "flow implicit", {**_FLOW, "authorizationUrl!": "string"}),
    scheme("PasswordScheme", "this flow", {**_FLOW, "tokenUrl!": "string"}),
    scheme("AccessCodeScheme", "flow accessCode", {**_FLOW, "authorizationUrl!": "string", "tokenUrl!": "string"}),
    shape("Scopes", {}, rest="string"),
)

_SCHEMA = shape(
    "Schema",
    {
        **LIMITS,
        **EXCLUSIVE_FLAGS,
        "$ref": "string",
        "type": "type2",
        "title": "string",
        "description": "string",
        "maxProperties": "count",
        "minProperties": "count",
        "required": "required",
        "items": "Schema",
        "allOf": "some Schema",
        "properties": "map Schema",
        "additionalProperties": "boolean or Schema",
        "discriminator": "string",
        "readOnly": "boolean",
        "xml": "XML",
        "externalDocs": "ExternalDocumentation",
        "example": "any",
    },
    reference=True,
)

SWAGGER_2 = vocabulary(
    *SHARED,
    *_PARAMETERS,
    *_SECURITY,
    _SCHEMA,
    shape(
        "Swagger",
        {
            "swagger!": "any",
            "info!": "Info",
            "host": "host",
            "basePath": "basepath",
            "schemes": "set =http|https|ws|wss",
            "consumes": "set string",
            "produces": "set string",
            "paths!": "Paths",
            "definitions": "map Schema",
            "parameters": "map Parameter",
            "responses": "map Response",
            "securityDefinitions": "map SecurityScheme",
            "security": "set SecurityRequirement",
            "tags": "set Tag",
            "externalDocs": "ExternalDocumentation",
        },
        label="the document",
    ),
    shape("Paths", {}, patterns={"^/": "PathItem"}),
    shape(
        "PathItem",
        {"$ref": "string", "parameters": "set Parameter", **dict.fromkeys(VERBS, "Operation")},
        reference=True,
    ),
    shape(
        "Operation",
        {
            **OPERATION,
            "tags": "set string",
            "consumes": "set string",
            "produces": "set string",
            "parameters": "set Parameter",
            "schemes": "set =http|https|ws|wss",
            "security": "set SecurityRequirement",
        },
    ),
    shape("Items", {**_SIMPLE, "type": _TYPES}),
    shape("Header", {**_SIMPLE, "type!": _TYPES, "description": "string"}),
    shape("Responses", {}, patterns={r"^(?:[1-5]\d\d|default)$": "Response"}),
    shape(
        "Response",
        {"description!": "string", "schema": "ResponseSchema", "headers": "map Header", "examples": "map any"},
        reference=True,
    ),
    shape("SecurityRequirement", {}, rest="set string", extensible=False),
    replace(
        _SCHEMA, name="ResponseSchema", select=("type", {"file": "FileSchema"}), otherwise="Schema", family="Schema"
    ),
    shape(
        "FileSchema",
        {
            "type!": "=file",
            "format": "string",
            "title": "string",
            "description": "string",
            "default": "any",
            "required": "required",
            "readOnly": "boolean",
            "externalDocs": "ExternalDocumentation",
            "example": "any",
        },
        family="Schema",
        label="a Schema of type file",
    ),
)

"""The objects of OpenAPI 3.0, as its specification (3.0.4) lists them."""

from __future__ import annotations

from dataclasses import replace

from .shape import Shape, shape, vocabulary
from .shapes import EXCLUSIVE_FLAGS, LIMITS, OPERATION, SHARED, VERBS, parameter, scheme

VALUE = {
    "description": "string",
    "required": "boolean",
    "deprecated": "boolean",
    "allowEmptyValue": "boolean",
    "explode": "boolean",
    "allowReserved": "boolean",
    "schema": "Schema",
    "content": "single MediaType",
    "example": "any",
    "examples": "map Example",
}
ONE_VALUE = (
    ("schema", "content"),
    ("example", "examples"),
    *(("content", key) for key in ("style", "explode", "allowReserved", "example", "examples")),
)
STYLES = {
    "path": "=simple|label|matrix",
    "query": "=form|spaceDelimited|pipeDelimited|deepObject",
    "header": "=simple",
    "cookie": "=form",
}


def _styled(place: str, fields: dict[str, str]) -> Shape:
    made = parameter(place, {**fields, "style": STYLES[place]})
    return replace(made, exclusive=ONE_VALUE, one_of=(("schema", "content"),))


PARAMETERS_30 = (
    shape(
        "Parameter",
        {**VALUE, "name!": "string", "in!": "=query|header|path|cookie", "style": "string"},
        exclusive=ONE_VALUE,
        one_of=(("schema", "content"),),
        select=("in", {p: f"{p.capitalize()}Parameter" for p in STYLES}),
        reference=True,
    ),
    *(_styled(place, VALUE) for place in STYLES),
    shape(
        "Header",
        {**VALUE, "style": "=simple"},
        exclusive=ONE_VALUE,
        one_of=(("schema", "content"),),
        reference=True,
    ),
)

_SCOPED = {"scopes!": "map string", "refreshUrl": "string"}
SECURITY_30 = (
    shape(
        "SecurityScheme",
        {"type!": "=apiKey|http|oauth2|openIdConnect", "description": "string"},
        rest="any",
        select=(
            "type",
            {
                "apiKey": "ApiKeyScheme",
                "http": "HttpScheme",
                "oauth2": "OAuth2Scheme",
                "openIdConnect": "OpenIdConnectScheme",
            },
        ),
        reference=True,
    ),
    scheme("ApiKeyScheme", "type apiKey", {"name!": "string", "in!": "=query|header|cookie"}),
    scheme("HttpScheme", "type http", {"scheme!": "string", "bearerFormat": "string"}),
    scheme("OAuth2Scheme", "type oauth2", {"flows!": "OAuthFlows"}),
    scheme("OpenIdConnectScheme", "type openIdConnect", {"openIdConnectUrl!": "string"}),
    shape(
        "OAuthFlows",
        {
            "implicit": "ImplicitFlow",
            "password": "TokenFlow",
            "clientCredentials": "TokenFlow",
            "authorizationCode": "CodeFlow",
        },
        label="an OAuth Flows object",
    ),
    shape("ImplicitFlow", {**_SCOPED, "authorizationUrl!": "string"}, label="the OAuth flow implicit"),
    shape("TokenFlow", {**_SCOPED, "tokenUrl!": "string"}, label="this OAuth flow"),
    shape(
        "CodeFlow",
        {**_SCOPED, "authorizationUrl!": "string", "tokenUrl!": "string"},
        label="the OAuth flow authorizationCode",
    ),
)

SCHEMA_30 = shape(
    "Schema",
    {
        **LIMITS,
        **EXCLUSIVE_FLAGS,
        "type": "type30",
        "title": "string",
        "description": "string",
        "maxProperties": "count",
        "minProperties": "count",
        "required": "required",
        "items": "Schema",
        "allOf": "some Schema",
        "oneOf": "some Schema",
        "anyOf": "some Schema",
        "not": "Schema",
        "properties": "map Schema",
        "additionalProperties": "boolean or Schema",
        "nullable": "boolean",
        "discriminator": "Discriminator",
        "readOnly": "boolean",
        "writeOnly": "boolean",
        "xml": "XML",
        "externalDocs": "ExternalDocumentation",
        "example": "any",
        "deprecated": "boolean",
    },
    reference=True,
)

COMPONENTS = {
    "schemas": "names Schema",
    "responses": "names Response",
    "parameters": "names Parameter",
    "examples": "names Example",
    "requestBodies": "names RequestBody",
    "headers": "names Header",
    "securitySchemes": "names SecurityScheme",
    "links": "names Link",
    "callbacks": "names Callback",
}

OPENAPI_30 = vocabulary(
    *SHARED,
    *PARAMETERS_30,
    *SECURITY_30,
    SCHEMA_30,
    shape(
        "OpenAPI",
        {
            "openapi!": "any",
            "info!": "Info",
            "servers": "list Server",
            "paths!": "Paths",
            "components": "Components",
            "security": "list SecurityRequirement",
            "tags": "set Tag",
            "externalDocs": "ExternalDocumentation",
        },
        label="the document",
    ),
    shape("Server", {"url!": "string", "description": "string", "variables": "map ServerVariable"}),
    shape("ServerVariable", {"default!": "string", "enum": "list string", "description": "string"}),
    shape("Components", COMPONENTS, label="the Components"),
    shape("Paths", {}, patterns={"^/": "PathItem"}),
    shape(
        "PathItem",
        {
            "$ref": "string",
            "summary": "string",
            "description": "string",
            "servers": "list Server",
            "parameters": "set Parameter",
            **dict.fromkeys((*VERBS, "trace"), "Operation"),
        },
        reference=True,
    ),
    shape(
        "Operation",
        {
            **OPERATION,
            "parameters": "set Parameter",
            "requestBody": "RequestBody",
            "callbacks": "map Callback",
            "servers": "list Server",
        },
    ),
    shape(
        "RequestBody",
        {"content!": "map MediaType", "description": "string", "required": "boolean"},
        reference=True,
    ),
    shape(
        "MediaType",
        {"schema": "Schema", "example": "any", "examples": "map Example", "encoding": "map Encoding"},
        exclusive=(("example", "examples"),),
    ),
    shape(
        "Encoding",
        {
            "contentType": "string",
            "headers": "map Header",
            "style": STYLES["query"],
            "explode": "boolean",
            "allowReserved": "boolean",
        },
    ),
    shape("Responses", {}, patterns={r"^(?:[1-5](?:\d\d|XX)|default)$": "Response"}),
    shape(
        "Response",
        {
            "description!": "string",
            "headers": "map Header",
            "content": "map MediaType",
            "links": "map Link",
        },
        reference=True,
    ),
    shape("Callback", {}, rest="PathItem", reference=True),
    shape(
        "Example",
        {"summary": "string", "description": "string", "value": "any", "externalValue": "string"},
        exclusive=(("value", "externalValue"),),
        reference=True,
    ),
    shape(
        "Link",
        {
            "operationRef": "string",
            "operationId": "string",
            "parameters": "map any",
            "requestBody": "any",
            "description": "string",
            "server": "Server",
        },
        exclusive=(("operationRef", "operationId"),),
        reference=True,
    ),
    shape("Discriminator", {"propertyName!": "string", "mapping": "map string"}),
)

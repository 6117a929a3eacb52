"""The objects, and the parts of objects, that all generations share."""

from __future__ import annotations

from .shape import Shape, shape

INFO = shape(
    "Info",
    {
        "title!": "string",
        "version!": "string",
        "description": "string",
        "termsOfService": "string",
        "contact": "Contact",
        "license": "License",
    },
    label="the Info",
)
SHARED = (
    INFO,
    shape("Contact", {"name": "string", "url": "string", "email": "string"}),
    shape("License", {"name!": "string", "url": "string"}),
    shape("ExternalDocumentation", {"url!": "string", "description": "string"}),
    shape("Tag", {"name!": "string", "description": "string", "externalDocs": "ExternalDocumentation"}),
    shape("SecurityRequirement", {}, rest="list string", extensible=False),
    shape(
        "XML",
        {
            "name": "string",
            "namespace": "string",
            "prefix": "string",
            "attribute": "boolean",
            "wrapped": "boolean",
        },
        label="an XML object",
    ),
)

LIMITS = {
    "format": "string",
    "default": "any",
    "maximum": "number",
    "minimum": "number",
    "maxLength": "count",
    "minLength": "count",
    "pattern": "pattern",
    "maxItems": "count",
    "minItems": "count",
    "uniqueItems": "boolean",
    "enum": "enum",
    "multipleOf": "positive",
}
EXCLUSIVE_FLAGS = {"exclusiveMaximum": "boolean", "exclusiveMinimum": "boolean"}

NAMED = {"name!": "string", "description": "string", "required": "boolean"}


def parameter(place: str, more: dict[str, str]) -> Shape:
    """Make the shape of a parameter that stands in one place."""
    fields = {**NAMED, "in!": f"={place}", **more}
    name = f"{place[0].upper()}{place[1:]}Parameter"
    return shape(name, fields, family="Parameter", label=f"a Parameter with in: {place}")


OPERATION = {
    "tags": "list string",
    "summary": "string",
    "description": "string",
    "externalDocs": "ExternalDocumentation",
    "operationId": "string",
    "responses": "Responses",
    "deprecated": "boolean",
    "security": "list SecurityRequirement",
}
VERBS = ("get", "put", "post", "delete", "options", "head", "patch")


def scheme(name: str, label: str, fields: dict[str, str]) -> Shape:
    """Make the shape of a security scheme of one type."""
    common = {"type!": "string", "description": "string"}
    return shape(name, {**common, **fields}, family="SecurityScheme", label=f"a Security Scheme of {label}")

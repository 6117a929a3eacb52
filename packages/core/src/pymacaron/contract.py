"""What a service promises, in one form for every OpenAPI generation.

The readers in :mod:`pymacaron.spec` make these values; everything after them reads nothing else. All are frozen
and can be written as JSON and read back without loss, which is how compiled contracts are cached.

Schemas follow JSON Schema 2020-12: a type is a tuple of names with ``null`` among them, bounds are numbers, and
``$ref`` holds a key of :attr:`Api.schemas`.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, field

#: A parameter in a path, such as ``{id}``.
TEMPLATE = re.compile(r"\{([^{}]*)\}")

Number = int | float
Location = Literal["path", "query", "header", "cookie", "form"]
Style = Literal["simple", "form", "label", "matrix", "spaceDelimited", "pipeDelimited", "tabDelimited", "deepObject"]


class Value(Struct, frozen=True, omit_defaults=True, rename="camel", forbid_unknown_fields=True):
    """Base of all parts of a contract."""


class Place(Value, frozen=True):
    """Where something stands: a file's path (or the name given to a dict) and a JSON pointer (RFC 6901) in it."""

    file: str
    pointer: str = ""


class Discriminator(Value, frozen=True):
    """Which schema a value claims to follow: its ``property`` names one of ``mapping``'s keys.

    ``inherited`` is set where the mapping was made from the schemas that extend this one (``allOf``), and so must
    hold; beside ``oneOf`` and ``anyOf`` it is a hint for picking the branch.
    """

    property: str
    mapping: dict[str, str] = {}
    inherited: bool = False


class Schema(Value, frozen=True):
    """A JSON Schema, plus what PyMacaron needs to know of it (``name``, ``parent``, ``extensions``)."""

    ref: str | None = field(default=None, name="$ref")
    type: tuple[str, ...] = ()
    enum: tuple[Any, ...] | None = None
    const: Any | UnsetType = UNSET
    default: Any | UnsetType = UNSET
    minimum: Number | None = None
    maximum: Number | None = None
    exclusive_minimum: Number | None = None
    exclusive_maximum: Number | None = None
    multiple_of: Number | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    format: str | None = None
    items: Schema | bool | None = None
    prefix_items: tuple[Schema | bool, ...] = ()
    contains: Schema | bool | None = None
    min_contains: int | None = None
    max_contains: int | None = None
    min_items: int | None = None
    max_items: int | None = None
    unique_items: bool = False
    unevaluated_items: Schema | bool | None = None
    properties: dict[str, Schema | bool] = {}
    required: tuple[str, ...] = ()
    additional_properties: Schema | bool | None = None
    pattern_properties: dict[str, Schema | bool] = {}
    property_names: Schema | bool | None = None
    min_properties: int | None = None
    max_properties: int | None = None
    dependent_required: dict[str, tuple[str, ...]] = {}
    dependent_schemas: dict[str, Schema | bool] = {}
    unevaluated_properties: Schema | bool | None = None
    all_of: tuple[Schema | bool, ...] = ()
    any_of: tuple[Schema | bool, ...] = ()
    one_of: tuple[Schema | bool, ...] = ()
    not_: Schema | bool | None = field(default=None, name="not")
    if_: Schema | bool | None = field(default=None, name="if")
    then: Schema | bool | None = None
    else_: Schema | bool | None = field(default=None, name="else")
    discriminator: Discriminator | None = None
    read_only: bool = False
    write_only: bool = False
    name: str | None = None
    parent: str | None = None
    title: str | None = None
    description: str | None = None
    extensions: dict[str, Any] = {}


class Parameter(Value, frozen=True):
    """One named input of an operation (OpenAPI 3.1, Parameter Object), or one header of a response.

    ``argument`` is the keyword that the handler gets it by. ``content_type`` is set where the value is a document
    of that media type instead of a styled text.
    """

    name: str
    location: Location
    schema: Schema | bool
    argument: str
    required: bool = False
    style: Style = "simple"
    explode: bool = False
    allow_empty: bool = False
    content_type: str | None = None
    description: str | None = None


class Encoding(Value, frozen=True):
    """How one property of a form body is written (OpenAPI 3.1, Encoding Object)."""

    content_type: str | None = None
    style: Style = "form"
    explode: bool = True


class MediaType(Value, frozen=True):
    """One form that a body may take: its media type (possibly a range such as ``text/*``) and its schema."""

    name: str
    schema: Schema | bool = True
    encoding: dict[str, Encoding] = {}


class Body(Value, frozen=True):
    """What a request may carry."""

    content: tuple[MediaType, ...] = ()
    required: bool = False
    description: str | None = None


class Response(Value, frozen=True):
    """What an operation answers with one status: ``200``, a range such as ``2XX``, or ``default``."""

    status: str
    content: tuple[MediaType, ...] = ()
    headers: tuple[Parameter, ...] = ()
    description: str | None = None


class Callback(Value, frozen=True):
    """One request that is made to whoever called an operation (OpenAPI 3.1, Callback Object).

    ``url`` is a text with runtime expressions in it, such as ``{$request.body#/callbackUrl}``.
    """

    name: str
    url: str
    method: str
    body: Body | None = None


class SecurityScheme(Value, frozen=True):
    """One way to prove who calls (OpenAPI 3.1, Security Scheme Object).

    ``kind`` is ``apiKey``, ``http``, ``oauth2``, ``openIdConnect`` or ``mutualTLS``; ``key`` the name of an API key's
    header, query parameter or cookie; ``verify`` the dotted path of the function that checks a credential which is
    no JWT (``x-pym-verify``).
    """

    name: str
    kind: str
    location: str | None = None
    key: str | None = None
    scheme: str | None = None
    verify: str | None = None
    scopes: tuple[str, ...] = ()


class Security(Value, frozen=True):
    """One scheme that a request must satisfy, with the scopes that its token must hold."""

    scheme: str
    scopes: tuple[str, ...] = ()


class Operation(Value, frozen=True):
    """One method on one path.

    ``security`` is a list of alternatives; each holds the schemes that must be satisfied together. An empty list
    asks for nothing. ``callbacks`` are read where something calls them: of operations with ``x-pym-async``.
    """

    name: str
    method: str
    path: str
    place: Place
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    responses: tuple[Response, ...] = ()
    security: tuple[tuple[Security, ...], ...] = ()
    handler: str | None = None
    client_name: str | None = None
    decorate_server: str | None = None
    decorate_request: str | None = None
    summary: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    deprecated: bool = False
    validate_response: bool = True
    callbacks: tuple[Callback, ...] = ()
    extensions: dict[str, Any] = {}


class Server(Value, frozen=True):
    """Where the service is reached: ``url`` may be relative to the place the contract came from."""

    url: str
    description: str | None = None


class Api(Value, frozen=True):
    """One contract.

    Attributes:
        name: of the API in ``apipool``; the contract's file name without its ending.
        base_path: prefix of every route, without a slash at its end.
        schemas: named schemas, and every other place that a ``$ref`` points at, under unique names.
        float_is_integer: whether ``1.0`` is an integer (JSON Schema since draft 6) or not (draft 4).
        warnings: what the reader had to leave out, each with its place.
    """

    name: str
    file: str
    title: str = ""
    version: str = ""
    description: str = ""
    base_path: str = ""
    servers: tuple[Server, ...] = ()
    operations: tuple[Operation, ...] = ()
    schemas: dict[str, Schema | bool] = {}
    security_schemes: dict[str, SecurityScheme] = {}
    float_is_integer: bool = False
    warnings: tuple[str, ...] = ()

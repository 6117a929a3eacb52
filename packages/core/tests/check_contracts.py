"""Contracts for the tests of ``pym check``: clean ones of each generation, and a big one.

Run as a script it writes the big contract and says how long its check takes::

    python packages/core/tests/check_contracts.py /tmp/big.yaml
"""

from __future__ import annotations

from typing import Any

CLEAN_2 = """\
swagger: "2.0"
info: {title: Pets, version: "1.0", contact: {name: Ann}, license: {name: BSD}}
host: api.example.com:8080
basePath: /v1
schemes: [https]
consumes: [application/json]
produces: [application/json]
tags: [{name: pets, description: All about pets}]
securityDefinitions:
  key: {type: apiKey, name: X-Key, in: header}
  oauth: {type: oauth2, flow: implicit, authorizationUrl: "https://example.com/auth", scopes: {"pets:read": Read pets}}
security: [{key: []}]
x-anything: {at: all}
parameters:
  limit: {name: limit, in: query, type: integer, minimum: 1, maximum: 100, default: 20}
responses:
  Missing: {description: There is no such pet, schema: {$ref: "#/definitions/Error"}}
paths:
  x-note: nothing
  /pets:
    get:
      operationId: findPets
      tags: [pets]
      security: [{oauth: ["pets:read"]}]
      parameters:
        - $ref: "#/parameters/limit"
        - {name: tags, in: query, type: array, items: {type: string}, collectionFormat: multi}
      responses:
        200:
          description: Pets
          schema: {type: array, items: {$ref: "#/definitions/Pet"}}
          headers: {X-Total: {type: integer, default: 0}}
          examples: {application/json: [{kind: Dog, name: Rex}]}
    post:
      x-bind-server: app.pets.add
      x-decorate-server: pymacaron.auth.requires_auth
      x-pym-validate-response: false
      parameters: [{name: pet, in: body, required: true, schema: {$ref: "#/definitions/Dog"}}]
      responses: {201: {description: Made}, default: {$ref: "#/responses/Missing"}}
  /pets/{id}:
    parameters: [{name: id, in: path, required: true, type: string, format: uuid}]
    get:
      operationId: getPet
      responses: {200: {description: A pet, schema: {$ref: "#/definitions/Pet"}}, 404: {$ref: "#/responses/Missing"}}
    put:
      operationId: setPhoto
      x-no-bind-server: true
      consumes: [multipart/form-data]
      parameters:
        - {name: photo, in: formData, type: file, required: true}
        - {name: note, in: formData, type: string}
      responses: {204: {description: Done}, 200: {description: The photo, schema: {type: file}}}
definitions:
  Pet:
    type: object
    discriminator: kind
    required: [kind, name]
    x-parent: app.models.Pet
    properties:
      kind: {type: string}
      name: {type: string, minLength: 1, example: Rex}
      born: {type: string, format: date, x-nullable: true, default: null}
      mother: {$ref: "#/definitions/Pet"}
      size: {type: string, enum: [small, big], default: small}
  Dog:
    allOf:
      - $ref: "#/definitions/Pet"
      - {type: object, required: [name], properties: {barks: {type: boolean}}}
  Error: {type: object, properties: {error: {type: string}}, additionalProperties: true}
"""

CLEAN_30 = """\
openapi: 3.0.3
info: {title: Pets, version: "1.0"}
servers:
  - url: "https://{region}.example.com/v1"
    variables: {region: {default: eu, enum: [eu, us]}}
tags: [{name: pets}]
paths:
  /pets:
    summary: Pets
    get:
      operationId: findPets
      tags: [pets]
      security: [{oauth: ["pets:read"]}, {}]
      parameters:
        - $ref: "#/components/parameters/Limit"
        - {name: filter, in: query, style: deepObject, explode: true, schema: {type: object}}
        - {name: q, in: query, content: {application/json: {schema: {type: string}}}}
        - {name: sid, in: cookie, schema: {type: string}, example: abc}
      responses:
        "200":
          description: Pets
          headers: {X-Total: {schema: {type: integer}}}
          content:
            application/json:
              schema: {type: array, items: {$ref: "#/components/schemas/Pet"}}
              examples: {two: {$ref: "#/components/examples/Two"}}
          links: {first: {operationId: getPet, parameters: {id: $response.body#/0/name}}}
        4XX: {$ref: "#/components/responses/Missing"}
    post:
      x-bind-server: app.pets.add
      requestBody: {$ref: "#/components/requestBodies/Pet"}
      responses: {"201": {description: Made}}
      callbacks:
        added:
          "{$request.body#/url}":
            post: {responses: {"200": {description: ok}}}
  /pets/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get:
      operationId: getPet
      responses: {default: {description: A pet}}
components:
  parameters: {Limit: {name: limit, in: query, schema: {type: integer, minimum: 1, default: 20}}}
  responses: {Missing: {description: No such pet}}
  examples: {Two: {value: [{kind: cat, name: Tom}, {kind: dog, name: Rex}]}}
  requestBodies:
    Pet:
      required: true
      content:
        application/json: {schema: {$ref: "#/components/schemas/Pet"}}
        multipart/form-data:
          schema: {type: object, properties: {photo: {type: string, format: binary}}}
          encoding: {photo: {contentType: image/png}}
  securitySchemes:
    oauth:
      type: oauth2
      flows: {clientCredentials: {tokenUrl: "https://example.com/token", scopes: {"pets:read": Read}}}
    bearer: {type: http, scheme: bearer, bearerFormat: JWT}
  schemas:
    Pet:
      oneOf: [{$ref: "#/components/schemas/Cat"}, {$ref: "#/components/schemas/Dog"}]
      discriminator: {propertyName: kind, mapping: {cat: Cat, dog: "#/components/schemas/Dog"}}
    Named:
      type: object
      required: [kind, name]
      properties:
        kind: {type: string}
        name: {type: string, pattern: "^[A-Z]"}
        note: {type: string, nullable: true, enum: [a, null], default: null}
        id: {type: integer, readOnly: true}
    Cat: {allOf: [{$ref: "#/components/schemas/Named"}]}
    Dog: {allOf: [{$ref: "#/components/schemas/Named"}, {properties: {barks: {type: boolean}}}]}
security: [{bearer: []}]
"""

CLEAN_31 = """\
openapi: 3.1.0
info: {title: Pets, version: "1.0", summary: All pets, license: {name: BSD, identifier: BSD-3-Clause}}
jsonSchemaDialect: https://spec.openapis.org/oas/3.1/dialect/base
paths:
  /pets/{id}:
    $ref: "#/components/pathItems/Pet"
webhooks:
  added: {post: {requestBody: {content: {application/json: {schema: true}}}}}
components:
  pathItems:
    Pet:
      parameters: [{name: id, in: path, required: true, schema: {type: [string, integer]}}]
      get:
        operationId: getPet
        security: [{tls: [admin]}]
        responses:
          "200": {description: A pet, content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}}
  securitySchemes: {tls: {type: mutualTLS}}
  schemas:
    Pet:
      type: object
      required: [name]
      properties:
        name: {$ref: "#/components/schemas/Name", description: Its name, default: Rex}
        born: {type: [string, "null"], format: date, examples: ["2020-01-01", null]}
        tags: {type: array, prefixItems: [{const: pet}], contains: {type: string}, minContains: 1}
        size: {exclusiveMinimum: 0, type: number}
      patternProperties: {"^x-": true}
      unevaluatedProperties: false
      if: {properties: {name: {const: Tom}}}
      then: {required: [born]}
    Name: {type: string, $comment: short, minLength: 1}
"""

CLEAN = {"2.0": CLEAN_2, "3.0": CLEAN_30, "3.1": CLEAN_31}


def big_contract(operations: int = 1000, schemas: int = 750) -> dict[str, Any]:
    """Make a Swagger 2.0 contract of any size, shaped like those of real services."""
    paths: dict[str, Any] = {}
    for number in range(operations):
        item = paths.setdefault(f"/things{number // 4}/{{id}}", {"parameters": [_ID]})
        item[("get", "put", "post", "patch")[number % 4]] = _operation(number, schemas)
    return {
        "swagger": "2.0",
        "info": {"title": "Big", "version": "1"},
        "paths": paths,
        "definitions": {f"Thing{number}": _schema(number, schemas) for number in range(schemas)},
    }


_ID = {"name": "id", "in": "path", "required": True, "type": "string", "format": "uuid"}


def _operation(number: int, schemas: int) -> dict[str, Any]:
    thing = {"$ref": f"#/definitions/Thing{number % schemas}"}
    query = [{"name": f"filter{i}", "in": "query", "type": "string", "pattern": f"^[a-z]{{{i},9}}$"} for i in range(4)]
    body = [] if number % 4 == 0 else [{"name": "thing", "in": "body", "schema": thing}]
    return {
        "operationId": f"handle{number}",
        "summary": f"Handle the thing number {number}",
        "description": "A text of some length. " * 5,
        "tags": ["things"],
        "parameters": [*query, *body],
        "responses": {
            "200": {"description": "The thing", "schema": thing},
            "default": {"description": "What went wrong", "schema": {"$ref": "#/definitions/Thing0"}},
        },
    }


def _schema(number: int, schemas: int) -> dict[str, Any]:
    fields: dict[str, Any] = {
        f"field{i}": {"type": "string", "maxLength": 99, "description": "A field", "example": "text"} for i in range(10)
    }
    fields["count"] = {"type": "integer", "minimum": 0, "default": number}
    fields["kind"] = {"type": "string", "enum": ["one", "two", "three"], "default": "one"}
    fields["next"] = {"$ref": f"#/definitions/Thing{(number + 1) % schemas}"}
    fields["all"] = {"type": "array", "items": {"$ref": f"#/definitions/Thing{number * 7 % schemas}"}}
    return {"type": "object", "required": ["field0", "kind"], "properties": fields}


if __name__ == "__main__":
    import sys
    import time
    from pathlib import Path

    import yaml

    from pymacaron.spec.check import check

    target = Path(sys.argv[1])
    target.write_text(yaml.dump(big_contract(), Dumper=yaml.CSafeDumper))
    started = time.process_time()
    found = check(target)
    sys.stdout.write(f"{target.stat().st_size} bytes, {len(found)} faults, {time.process_time() - started:.2f} s CPU\n")

"""Services for tests: folders with contracts, handlers and a server.py."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SERVER = """
    from flask import Flask
    from pymacaron import API, letsgo

    app = Flask(__name__)


    def start(port, debug):
        api = API(app, port=port, debug=debug)
        api.load_apis()
        api.publish_apis()
        api.start()


    letsgo(__name__, callback=start)
"""

CONTRACT = """
    openapi: 3.1.0
    info: {title: Pets, version: 1.0.0}
    servers: [{url: /v1}]
    paths:
      /pets:
        post:
          operationId: createPet
          x-bind-server: pets.create_pet
          security: [{token: []}]
          requestBody:
            required: true
            content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}
          responses:
            "201":
              description: The pet
              content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}
        get:
          operationId: listPets
          x-bind-server: pets.list_pets
          parameters:
            - {name: kind, in: query, schema: {type: string, enum: [cat, dog]}}
          responses:
            "200":
              description: All pets
              content:
                application/json:
                  schema: {type: array, items: {$ref: "#/components/schemas/Pet"}}
      /pets/{pet_id}:
        parameters:
          - {name: pet_id, in: path, required: true, schema: {type: integer, minimum: 1}}
        get:
          operationId: getPet
          x-bind-server: pets.get_pet
          responses:
            "200":
              description: The pet
              content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}
            "404": &missing
              description: There is none
              content:
                application/json: {schema: {type: object, required: [error]}}
        delete:
          operationId: deletePet
          x-bind-server: pets.delete_pet
          security: [{token: []}]
          responses:
            "204": {description: It is gone}
            "404": *missing
    components:
      securitySchemes:
        token: {type: http, scheme: bearer, bearerFormat: JWT}
      schemas:
        Pet:
          type: object
          required: [name]
          properties:
            id: {type: integer, readOnly: true}
            name: {type: string, minLength: 1, maxLength: 40}
            kind: {type: string, enum: [cat, dog]}
            owner: {type: string, readOnly: true}
"""

HANDLERS = """
    from itertools import count

    from flask import Response
    from pymacaron import add_error, get_userid

    PetNotFound = add_error(name="PetNotFound", code="PET_NOT_FOUND", status=404)
    PETS = {}
    NUMBERS = count(1)


    def create_pet(pet):
        pet.id, pet.owner = next(NUMBERS), get_userid()
        made = PETS[pet.id] = pet
        return made, 201


    def list_pets(kind):
        return [pet for pet in PETS.values() if kind in (None, pet.kind)]


    def get_pet(pet_id):
        if pet_id not in PETS:
            raise PetNotFound(f"there is no pet {pet_id}")
        return PETS[pet_id]


    def delete_pet(pet_id):
        get_pet(pet_id)
        del PETS[pet_id]
"""

PETS_SERVICE = {
    "server.py": SERVER,
    "apis/pets.yaml": CONTRACT,
    "pets.py": HANDLERS,
    "pym-config.yaml": "name: pets\n",
}


def make_service(folder: Path, files: Mapping[str, str]) -> Path:
    """Write the files of a service below a folder, each text dedented."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
    return folder

"""Classes of services that are bound to models by ``x-persist``."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from pymacaron import API, apipool
from pymacaron.exceptions import BindError
from pymacaron_dynamodb import DynamoDBItemNotFound, PersistentSwaggerObject
from pymacaron_dynamodb.binding import all_bindings, binding_of
from pymacaron_dynamodb.exceptions import TableConfigError
from pymacaron_dynamodb.tables import create_table

if TYPE_CHECKING:
    from pathlib import Path

    from pymacaron_dynamodb.database import Database

TEXT = {"type": "string"}
PET: dict[str, Any] = {
    "type": "object",
    "required": ["id"],
    "properties": {"id": TEXT, "name": TEXT, "count": {"type": "integer"}},
    "x-persist": "pets.PersistentPet",
}
CLASS = '''
    from pymacaron_dynamodb import PersistentSwaggerObject


    class PersistentPet(PersistentSwaggerObject):
        """A pet."""

        api_name = "zoo"
        model_name = "Pet"
        table_name = "pets"
        primary_key = "id"

        def shout(self):
            return self.name.upper()

        @classmethod
        def load_or_make(cls, key):
            return cls.load_from_db(key)
'''


def write(folder: Path, code: str = CLASS, name: str = "pets") -> None:
    """Write a module of a service; the working folder, which is on the path, is the test's own."""
    (folder / f"{name}.py").write_text(textwrap.dedent(code).lstrip("\n"))


def load(schemas: dict[str, Any], name: str = "zoo") -> Any:
    """Load a contract as older services have it, and create its tables."""
    document = {"swagger": "2.0", "info": {"title": name, "version": "1"}, "paths": {}, "definitions": schemas}
    API(Flask("zoo")).load_api(name, document)
    for binding in all_bindings():
        create_table(binding)
    return apipool.get(name)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a service, whose modules can be imported."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_class_of_a_service(database: Database, folder: Path) -> None:
    """Models get the methods of the class; the class itself loads, tells and gives its table."""
    write(folder)
    api = load({"Pet": PET})
    persistent: Any = __import__("pets").PersistentPet
    made = api.Pet(id="1", name="Rex")
    assert isinstance(made, persistent)
    made.save_to_db()
    assert made.shout() == "REX"
    for kind in (persistent, api.Pet):
        found = kind.load_from_db("1")
        assert type(found) is api.Pet
        assert found == made
        assert kind.has_item("1")
        assert not kind.has_item("2")
        assert kind.get_table().get("1").name == "Rex"
        assert kind.load_or_make("1").shout() == "REX"
        with pytest.raises(DynamoDBItemNotFound, match="there is no Pet id='2' of the table"):
            kind.load_from_db("2")
    assert persistent.get_table() is api.Pet.get_table()
    assert binding_of(persistent).definition.name == "pets"


def test_names_are_found_by_the_contract(database: Database, folder: Path) -> None:
    """A class need not name its API and model: the schema that names it does."""
    write(folder, CLASS.replace('        api_name = "zoo"\n        model_name = "Pet"\n', ""))
    api = load({"Pet": PET})
    persistent: Any = __import__("pets").PersistentPet
    assert (persistent.api_name, persistent.model_name) == ("zoo", "Pet")
    api.Pet(id="1").save_to_db()
    assert persistent.load_from_db("1").id == "1"


def test_it_follows_the_contract_that_is_loaded(database: Database, folder: Path) -> None:
    """After a contract is loaded anew, the class belongs to its model; without it, the message names the API."""
    write(folder)
    load({"Pet": PET})
    persistent: Any = __import__("pets").PersistentPet
    old = binding_of(persistent)
    document = {"swagger": "2.0", "info": {"title": "zoo", "version": "1"}, "paths": {}, "definitions": {"Pet": PET}}
    API(Flask("zoo")).load_api("zoo", document)
    assert binding_of(persistent) is not old
    assert binding_of(persistent).model is apipool.get("zoo").model("Pet")
    apipool.clear()
    with pytest.raises(Exception, match="no API named 'zoo' is loaded"):
        persistent.load_from_db("1")


def test_settings_are_not_properties(database: Database, folder: Path) -> None:
    """A property that is called like a setting of the class is one of the object nevertheless."""
    code = CLASS.replace('        primary_key = "id"\n', '        primary_key = "id"\n        version = "version"\n')
    write(folder, code)
    properties = {**PET["properties"], "version": {"type": "integer"}, "ttl": TEXT, "table_name": TEXT}
    api = load({"Pet": {**PET, "properties": properties}})
    made = api.Pet(id="1", ttl="x", table_name="y")
    made.save_to_db()
    assert (made.version, made.ttl, made.table_name) == (1, "x", "y")
    made.save_to_db()
    assert api.Pet.load_from_db("1").version == 2
    assert binding_of(made).definition.version == "version"


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("x = 1", BindError, "PersistentPet"),
        ("class PersistentPet: pass", TableConfigError, "derive it from pymacaron_dynamodb.PersistentSwaggerObject"),
        (
            "PersistentPet = 5",
            TableConfigError,
            "x-persist of Pet is 'pets.PersistentPet', which is no class made from",
        ),
        (
            CLASS.replace('model_name = "Pet"', 'model_name = "Dog"'),
            TableConfigError,
            "pets.PersistentPet belongs to the model 'Dog', and 'Pet' names it in x-persist as well",
        ),
        (
            CLASS.replace('primary_key = "id"', 'primary_key = "nme"'),
            TableConfigError,
            "primary_key is 'nme', which is no property of the schema; did you mean 'name'?",
        ),
        (
            CLASS.replace("primary_key", "primarykey"),
            TableConfigError,
            "the table of Pet of the API 'zoo': no primary_key is set",
        ),
    ],
)
def test_wrong_classes(database: Database, folder: Path, code: str, error: type[Exception], message: str) -> None:
    """A class that cannot be what x-persist says it is told at start."""
    write(folder, code)
    with pytest.raises(error) as caught:
        load({"Pet": PET})
    assert message in str(caught.value)


def test_calling_the_class_makes_no_object(database: Database, folder: Path) -> None:
    """Objects are made by apipool; one of the class itself has no properties, and says so."""
    write(folder)
    load({"Pet": PET})
    persistent: type[PersistentSwaggerObject] = __import__("pets").PersistentPet
    with pytest.raises(TypeError, match="PersistentPet is no model; make its objects by apipool, not by calling this"):
        persistent().save_to_db()

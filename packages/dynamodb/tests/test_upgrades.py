"""Items of an older form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from pymacaron import API, apipool
from pymacaron_dynamodb import ItemInvalid, PersistentSwaggerObject, StoredItemInvalid
from pymacaron_dynamodb.binding import binding_of
from pymacaron_dynamodb.tables import create_table

if TYPE_CHECKING:
    from pymacaron_dynamodb.database import Database

TEXT = {"type": "string"}
USER: dict[str, Any] = {
    "type": "object",
    "required": ["id", "names"],
    "additionalProperties": False,
    "properties": {
        "id": TEXT,
        "names": {"type": "array", "items": TEXT},
        "mail": TEXT,
        "score": {"type": "number"},
        "photo": {"type": "string", "format": "byte"},
    },
    "x-persist": f"{__name__}.PersistentUser",
}


class PersistentUser(PersistentSwaggerObject):
    """A user: of old with one name, then with a first and a last name, now with a list of names."""

    api_name = "users"
    model_name = "User"
    table_name = "users"
    primary_key = "id"
    item_version = 3

    @classmethod
    def upgrade(cls, old_item: dict[str, Any], from_version: int) -> dict[str, Any]:
        """Bring an item on by one form after another."""
        made = dict(old_item)
        if from_version < 2:
            first, _, last = made.pop("name").partition(" ")
            made |= {"first": first, "last": last}
        made["names"] = [made.pop("first"), made.pop("last")]
        return made


@pytest.fixture
def user(database: Database) -> Any:
    """Return the class of users, whose table is there."""
    document = {"openapi": "3.1.0", "info": {"title": "users", "version": "1"}, "paths": {}}
    API(Flask("users")).load_api("users", {**document, "components": {"schemas": {"User": USER}}})
    found = apipool.get("users").model("User")
    create_table(binding_of(found))
    return found


def write(user: Any, **attributes: Any) -> None:
    """Write an item as an older release did."""
    binding = binding_of(user)
    binding.database.call("PutItem", {"TableName": binding.table, "Item": {"id": {"S": "k"}, **attributes}})


def read(user: Any) -> dict[str, Any]:
    """Return the item as it stands in the table."""
    binding = binding_of(user)
    arguments = {"TableName": binding.table, "Key": {"id": {"S": "k"}}, "ConsistentRead": True}
    found: dict[str, Any] = binding.database.call("GetItem", arguments)["Item"]
    return found


@pytest.mark.parametrize(
    "attributes",
    [
        {"name": {"S": "Ada Lovelace"}},
        {"first": {"S": "Ada"}, "last": {"S": "Lovelace"}, "pym.version": {"N": "2"}},
        {"names": {"L": [{"S": "Ada"}, {"S": "Lovelace"}]}, "pym.version": {"N": "3"}},
    ],
)
def test_each_form_is_read(user: Any, attributes: dict[str, Any]) -> None:
    """An item of any form is brought to the present one when it is loaded, and written as such by the next save."""
    write(user, mail={"S": "ada@example.com"}, **attributes)
    found = user.load_from_db("k")
    assert found.to_json() == {"id": "k", "names": ["Ada", "Lovelace"], "mail": "ada@example.com"}
    assert read(user).keys() >= attributes.keys()
    found.save_to_db()
    assert read(user) == {
        "id": {"S": "k"},
        "names": {"L": [{"S": "Ada"}, {"S": "Lovelace"}]},
        "mail": {"S": "ada@example.com"},
        "pym.version": {"N": "3"},
    }
    assert user.load_from_db("k") == found


def test_upgrades_see_exact_values(user: Any) -> None:
    """What `upgrade` gets is what JSON holds, notes heeded, and bytes."""
    write(
        user,
        name={"S": "A B"},
        score={"N": "1"},
        photo={"B": b"\xff"},
        **{"pym:score": {"M": {"value": {"S": "1.0"}}}},
    )
    found = user.load_from_db("k")
    assert repr(found.to_json()) == repr({"id": "k", "names": ["A", "B"], "score": 1.0, "photo": "/w=="})


def test_attributes_of_other_code_stay(user: Any) -> None:
    """What no form knows is kept over an upgrade."""
    write(user, name={"S": "A B"}, theirs={"SS": ["x"]}, more={"S": "y"})
    found = user.load_from_db("k")
    assert found.to_json() == {"id": "k", "names": ["A", "B"]}
    found.save_to_db()
    assert (read(user)["theirs"], read(user)["more"]) == ({"SS": ["x"]}, {"S": "y"})
    assert "name" not in read(user)


def test_an_upgrade_that_does_not_suffice(user: Any) -> None:
    """What breaks the schema after the upgrade is told as in any item."""
    write(user, name={"S": "A B"}, score={"S": "high"})
    with pytest.raises(StoredItemInvalid, match=r'has an item id=\'k\' that breaks the schema of User: /score: "high"'):
        user.load_from_db("k")


def test_items_of_a_newer_form(user: Any) -> None:
    """An item that a newer release wrote is read where the schema allows it, and never written over in the old form."""
    write(user, names={"L": [{"S": "A"}]}, **{"pym.version": {"N": "4"}})
    before = read(user)
    found = user.load_from_db("k")
    assert found.names == ["A"]
    for each in (found, found.clone()):
        each.mail = "x"
        with pytest.raises(ItemInvalid, match="its item_version is 4, and this release knows 3; saving it here would"):
            each.save_to_db()
    assert read(user) == before

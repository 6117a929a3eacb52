"""Model classes: what handlers take and return."""

from __future__ import annotations

import copy
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from threading import Barrier
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

import pytest

from probing import codec_of, document, types_of
from pymacaron.codec.types import Types
from pymacaron.contract import Schema
from pymacaron.exceptions import ModelError
from pymacaron.model import PymacaronBaseModel
from pymacaron.pool import apipool, get_model
from pymacaron.spec import read_contract

if TYPE_CHECKING:
    from collections.abc import Iterator

INTEGER, TEXT = {"type": "integer"}, {"type": "string"}
PET: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": TEXT,
        "age": {"type": "integer", "minimum": 0},
        "tags": {"type": "array", "items": TEXT},
        "nick": {"type": "string", "x-nullable": True},
        "kind": {"type": "string", "enum": ["cat", "dog"], "default": "cat"},
        "places": {"type": "array", "items": TEXT, "default": []},
        "born": {"type": "string", "format": "date"},
        "seen": {"type": "string", "format": "date-time"},
        "chip": {"type": "string", "format": "uuid"},
        "photo": {"type": "string", "format": "byte"},
        "x-ray": TEXT,
        "class": TEXT,
        "clone": INTEGER,
        "owner": {"$ref": "#/definitions/Owner"},
        "address": {"type": "object", "properties": {"street": TEXT}},
    },
}
OWNER: dict[str, Any] = {
    "type": "object",
    "properties": {"name": TEXT, "pets": {"type": "array", "items": {"$ref": "#/definitions/Pet"}}},
}


class Talking:
    """A mix-in for ``x-parent``."""

    def speak(self) -> str:
        """Use a property of the model."""
        return f"I am {self.name}"  # type: ignore[attr-defined]  # the model brings it


def model(schema: Any = PET, generation: str = "2.0", **others: Any) -> Any:
    """Return the class of one schema; it stands as ``Pet`` in its contract."""
    return types_of(generation, Pet=schema, **({"Owner": OWNER} | others if schema is PET else others)).model("Pet")


def loaded(name: str, **schemas: Any) -> Any:
    """Put a contract into the pool."""
    api = read_contract(document("2.0", **schemas), name)
    types = Types(api)
    made = SimpleNamespace(api=api, types=types, model=types.model)
    apipool.add(made)  # type: ignore[arg-type]  # what pickling needs of a loaded API
    return made


@pytest.fixture(autouse=True)
def _empty_pool() -> Iterator[None]:
    apipool.clear()
    yield
    apipool.clear()


# Properties.


def test_unset_reads_none() -> None:
    """A property that is not set reads as None and is not written."""
    pet = model()(name="Rex")
    assert (pet.age, pet.nick, pet.tags, pet.owner) == (None, None, None, None)
    assert pet.to_json() == {"name": "Rex", "kind": "cat", "places": []}


def test_null_differs_from_unset() -> None:
    """Null of a nullable property is a value; None for another unsets it."""
    pet = model()(name="Rex", nick=None, age=None)
    assert "nick" in pet
    assert "age" not in pet
    assert pet.to_json()["nick"] is None
    del pet.nick
    assert "nick" not in pet
    assert pet.nick is None
    pet.age = 3
    pet.age = None
    assert "age" not in pet.to_json()


def test_assignment_converts_and_checks() -> None:
    """What is assigned is converted to the property's type, and refused where it breaks the schema."""
    pet = model()(name="Rex", born="2020-02-29", owner={"name": "Ann"})
    assert pet.born == date(2020, 2, 29)
    assert pet.owner.name == "Ann"
    with pytest.raises(ModelError, match="age"):
        pet.age = -1
    with pytest.raises(ModelError, match="owner"):
        pet.owner = 5
    assert pet.age is None


def test_types_of_values() -> None:
    """Formats have Python types: aware datetimes, dates, UUIDs and bytes, both ways."""
    given = {
        "name": "Rex",
        "seen": "2020-01-02T03:04:05Z",
        "chip": "12345678-1234-5678-1234-567812345678",
        "photo": "YWI=",
    }
    pet = model().from_json(given)
    assert pet.seen == datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert pet.chip == UUID(given["chip"])
    assert pet.photo == b"ab"
    assert pet.to_json() == {**given, "kind": "cat", "places": []}


def test_defaults_are_filled_in() -> None:
    """Defaults stand in new models and in those read from JSON, each model with a list of its own."""
    kind = model()
    first, second = kind(name="a"), kind.from_json({"name": "b"})
    assert first.kind == second.kind == "cat"
    first.places.append("here")
    assert second.places == kind(name="c").places == []


def test_names_that_python_has_taken() -> None:
    """Names of methods and keywords get another attribute; the item is always the JSON name."""
    pet = model()(**{"name": "Rex", "clone": 5, "class": "mammal", "x-ray": "ok"})
    assert (pet.clone_, pet["clone"]) == (5, 5)
    assert pet["class"] == "mammal"
    assert (pet.x_ray, pet["x-ray"]) == ("ok", "ok")
    assert pet.clone() == pet
    assert pet.to_json()["clone"] == 5


def test_items_of_any_name() -> None:
    """Any property can be read, set and deleted as an item; unknown ones are additional."""
    pet = model()(name="Rex")
    pet["x-ray"] = "fine"
    pet["legs"] = 4
    assert pet["legs"] == 4
    assert "legs" in pet
    assert pet.to_json()["legs"] == 4
    del pet["legs"]
    del pet["x-ray"]
    assert pet["x-ray"] is None
    with pytest.raises(KeyError):
        pet["legs"]
    with pytest.raises(KeyError):
        del pet["legs"]


def test_unknown_attributes_are_errors() -> None:
    """An attribute that no property has is refused, with a hint at the one meant."""
    pet = model()(name="Rex")
    with pytest.raises(AttributeError, match="age"):
        pet.agee = 3
    with pytest.raises(AttributeError):
        pet.agee  # noqa: B018  # reading it is the point
    with pytest.raises(AttributeError):
        del pet.agee
    with pytest.raises(ModelError, match="did you mean 'age'"):
        model()(agee=3)


def test_arguments_have_names() -> None:
    """Models are made by keyword alone, and only those that a contract describes."""
    with pytest.raises(TypeError):
        model()("Rex")
    with pytest.raises(TypeError):
        PymacaronBaseModel()


@pytest.mark.parametrize(
    "name", ["a b", 'a"b', "a\\b", "a\nb", "", "1st", "é", "__init__", "self", "_extra", "mro", "None"]
)
def test_odd_names_travel(name: str) -> None:
    """A property may have any name that JSON allows."""
    codec = codec_of("2.0", {"type": "object", "properties": {name: INTEGER, "b": INTEGER}})
    made = codec.decode(json.dumps({name: 1, "b": 2}).encode())
    assert made[name] == 1
    made[name] = 3
    assert json.loads(codec.encode(made)) == {name: 3, "b": 2}
    assert copy.deepcopy(made) == made
    del made[name]
    assert json.loads(codec.encode(made)) == {"b": 2}


# Additional properties.


def test_additional_properties_are_kept() -> None:
    """They are read, compared, copied and sent back."""
    codec = codec_of("2.0", {"type": "object", "properties": {"a": INTEGER}})
    made = codec.decode(b'{"a": 1, "more": {"deep": [1]}}')
    assert made["more"] == {"deep": [1]}
    assert json.loads(codec.encode(made)) == {"a": 1, "more": {"deep": [1]}}
    assert list(made) == ["a", "more"]
    assert made != codec.decode(b'{"a": 1}')


def test_additional_properties_follow_their_schema() -> None:
    """Where additional properties have a schema it converts and checks them; where there may be none, none are set."""
    kind = model(
        {"type": "object", "properties": {"a": INTEGER}, "additionalProperties": {"type": "integer", "minimum": 1}}
    )
    made = kind(a=0, b=2)
    assert made["b"] == 2
    with pytest.raises(ModelError):
        made["c"] = 0
    closed = model({"type": "object", "properties": {"a": INTEGER}, "additionalProperties": False})
    with pytest.raises(ModelError):
        closed()["b"] = 1
    with pytest.raises(ModelError):
        closed.from_json({"b": 1})


def test_additional_properties_are_typed_values() -> None:
    """An additional property is converted by its schema, along both ways in."""
    schema = {
        "type": "object",
        "properties": {"a": INTEGER},
        "additionalProperties": {"type": "string", "format": "date"},
    }
    codec = codec_of("2.0", schema)
    made = codec.decode(b'{"b": "2020-01-02"}')
    assert made["b"] == date(2020, 1, 2)
    assert codec.encode(made) == b'{"b":"2020-01-02"}'


# Whole models.


def test_update_from_dict() -> None:
    """Several properties are set at once; None unsets, or is ignored on request."""
    pet = model()(name="Rex", age=3)
    pet.update_from_dict({"age": 4, "x-ray": "ok", "more": 1})
    assert (pet.age, pet["x-ray"], pet["more"]) == (4, "ok", 1)
    pet.update_from_dict({"age": None, "name": "Max"}, ignore_none=True)
    assert (pet.age, pet.name) == (4, "Max")
    pet.update_from_dict({"age": None})
    assert pet.age is None


def test_from_json_lists_every_fault() -> None:
    """A dict that breaks the schema is refused with all its faults."""
    with pytest.raises(ModelError) as caught:
        model().from_json({"age": -1, "tags": ["a", 2]})
    found = {(f["pointer"], f["keyword"]) for f in caught.value.errors}
    assert found == {("", "required"), ("/age", "minimum"), ("/tags/1", "type")}
    with pytest.raises(ModelError):
        model().from_json([1])


def test_json_there_and_back() -> None:
    """from_json and to_json are inverses, models inside included."""
    given = {
        "name": "Rex",
        "kind": "dog",
        "places": ["a"],
        "owner": {"name": "Ann", "pets": [{"name": "Max", "kind": "cat", "places": []}]},
    }
    pet = model().from_json(given)
    assert pet.to_json() == given
    assert pet.owner.pets[0].name == "Max"


def test_names_of_a_model() -> None:
    """A model knows its name, its API and its properties."""
    kind = model()
    assert kind.get_model_name() == "Pet"
    assert kind.get_model_api() == "probe"
    assert kind.get_property_names() == sorted(PET["properties"])
    assert issubclass(kind, PymacaronBaseModel)


def test_equality() -> None:
    """Models are equal where their class and all their values are, unset ones included."""
    kind = model()
    assert kind(name="a", age=1) == kind(age=1, name="a")
    assert kind(name="a") != kind(name="b")
    assert kind(name="a") != kind(name="a", nick=None)
    assert kind(name="a") != {"name": "a", "kind": "cat", "places": []}
    with pytest.raises(TypeError):
        hash(kind(name="a"))


COPIES = [copy.copy, copy.deepcopy, lambda m: m.clone(), lambda m: pickle.loads(pickle.dumps(m))]


@pytest.mark.parametrize("take", COPIES)
def test_copies(take: Any) -> None:
    """Copies are equal, and of the same class; a deep one shares nothing."""
    kind = loaded("zoo", Pet=PET, Owner=OWNER).model("Pet")
    pet = kind(name="Rex", nick=None, tags=["a"])
    pet["legs"] = 4
    pet.owner = {"name": "Ann"}
    made = take(pet)
    assert made == pet
    assert type(made) is kind
    assert "nick" in made
    assert "age" not in made
    made.name = "Max"
    assert pet.name == "Rex"
    if take is not copy.copy:
        made.tags.append("b")
        made.owner.name = "Bob"
        assert (pet.tags, pet.owner.name) == (["a"], "Ann")


@pytest.mark.parametrize("take", COPIES)
def test_copies_keep_what_stands_beside_the_fields(take: Any) -> None:
    """What the methods of a base class keep on an object is copied, too; a deep copy shares nothing of it."""
    pet = loaded("zoo", Pet={**PET, "x-parent": f"{__name__}.Talking"}, Owner=OWNER).model("Pet")(name="Rex")
    pet.__dict__["heard"] = ["hello"]
    made = take(pet)
    assert made.__dict__ == {"heard": ["hello"]}
    made.__dict__["more"] = True
    assert "more" not in pet.__dict__
    assert (made.__dict__["heard"] is pet.__dict__["heard"]) == (take is copy.copy)


def test_copy_does_not_share_additional_properties() -> None:
    """Setting an additional property of a copy leaves the original alone."""
    pet = model()(name="Rex")
    pet["legs"] = 4
    made = copy.copy(pet)
    made["legs"] = 3
    assert pet["legs"] == 4


def test_pickle_of_a_message() -> None:
    """Models decoded for one direction can be pickled as well."""
    schema = {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "integer", "readOnly": True}, "a": TEXT},
    }
    types = loaded("zoo", Pet=schema).types
    made = types.codec(Schema(ref="Pet"), "request").decode(b'{"a": "x"}')
    assert pickle.loads(pickle.dumps(made)) == made
    assert isinstance(made, types.model("Pet"))


def test_pickle_needs_its_api() -> None:
    """Unpickling without the API says which one is missing."""
    data = pickle.dumps(loaded("zoo", Pet=PET, Owner=OWNER).model("Pet")(name="Rex"))
    apipool.clear()
    with pytest.raises(ModelError, match="zoo"):
        pickle.loads(data)


def test_mixed_in_class() -> None:
    """``x-parent`` gives a model the methods of a class."""
    kind = model({**PET, "x-parent": f"{__name__}.Talking"}, Owner=OWNER)
    assert kind(name="Rex").speak() == "I am Rex"
    assert issubclass(kind, Talking)


class Annotated:
    """A mix-in with annotations that only type checkers can read."""

    kept: ClassVar[Nowhere]  # type: ignore[name-defined]  # noqa: F821  # that is the point
    name: Nowhere  # type: ignore[name-defined]  # noqa: F821


def test_annotations_of_mixed_in_classes_are_not_read() -> None:
    """What a mix-in annotates may name what is not imported; properties have the types of the contract."""
    kind: Any = model({**PET, "x-parent": f"{__name__}.Annotated"}, Owner=OWNER)
    assert kind.from_json({"name": "Rex"}).name == "Rex"
    with pytest.raises(ModelError):
        kind.from_json({"name": 5})


def test_base_classes_can_be_left_out() -> None:
    """What reads a contract outside of its service leaves out base classes, which it could not import."""
    pet = {**PET, "x-parent": "nowhere.Mixin"}
    api = read_contract(document("2.0", Pet=pet, Owner=OWNER), "zoo")
    assert Types(api, parents=False).model("Pet") is not None


# Which classes there are.


def test_inline_objects_are_named_by_their_place() -> None:
    """An object inside another has a class of its own, named by the way to it."""
    schema = {
        "type": "object",
        "properties": {
            "lines": {"type": "array", "items": {"type": "object", "properties": {"n": INTEGER}}},
            "prices": {"type": "object", "additionalProperties": {"type": "object", "properties": {"n": INTEGER}}},
            "both": {"allOf": [{"$ref": "#/definitions/Owner"}, {"properties": {"n": INTEGER}}]},
            "other": {"allOf": [{"$ref": "#/definitions/Owner"}], "description": "the other"},
            "maybe": {"allOf": [{"$ref": "#/definitions/Owner"}], "x-nullable": True},
        },
    }
    part = {"n": 1}
    made = model(schema, Owner={"type": "object", "properties": {"name": TEXT}}).from_json(
        {
            "lines": [part],
            "prices": {"a": part},
            "both": {"name": "a", "n": 1},
            "other": {"name": "a"},
            "maybe": {"name": "a"},
        }
    )
    found = [made.lines[0], made.prices["a"], made.both, made.other, made.maybe]
    assert [m.get_model_name() for m in found] == ["Pet_lines_item", "Pet_prices_value", "Pet_both", "Owner", "Owner"]
    made.maybe = None
    assert made.to_json()["maybe"] is None


def test_nullable_models_have_classes() -> None:
    """A schema that is an object or null has the object's class."""
    schema = {"x-nullable": True, "allOf": [{"type": "object", "properties": {"a": INTEGER}}]}
    assert model(schema)(a=1).to_json() == {"a": 1}
    modern = {"anyOf": [{"$ref": "#/components/schemas/Owner"}, {"type": "null"}]}
    types = types_of("3.1", Pet=modern, Owner={"type": "object", "properties": {"a": INTEGER}})
    assert types.model("Pet") is types.model("Owner")


def test_only_objects_have_classes() -> None:
    """A schema that is no object with properties has none."""
    types = types_of(
        "2.0",
        A=TEXT,
        B={"type": "object", "additionalProperties": TEXT},
        C={"$ref": "#/definitions/D"},
        D=OWNER | {"properties": {"a": TEXT}},
    )
    assert types.model("A") is None
    assert types.model("B") is None
    assert types.model("C") is types.model("D")
    assert types.model("None") is None


def test_subtypes_by_discriminator() -> None:
    """A value is read as the schema that its discriminator names, deep in other values too."""
    base = {"type": "object", "discriminator": "kind", "required": ["kind"], "properties": {"kind": TEXT}}
    dog = {"allOf": [{"$ref": "#/definitions/Pet"}, {"properties": {"barks": {"type": "boolean"}}}]}
    types = types_of(
        "2.0",
        Pet=base,
        Dog=dog,
        Home={"type": "object", "properties": {"pets": {"type": "array", "items": {"$ref": "#/definitions/Pet"}}}},
    )
    home = types.codec(Schema(ref="Home"), "any").decode(b'{"pets": [{"kind": "Dog", "barks": true}, {"kind": "Pet"}]}')
    assert [type(p).__name__ for p in home.pets] == ["Dog", "Pet"]
    assert home.pets[0].barks is True


def test_recursive_models() -> None:
    """A model may contain itself, directly and through others."""
    node = {
        "type": "object",
        "properties": {"next": {"$ref": "#/definitions/Pet"}, "owner": {"$ref": "#/definitions/Owner"}},
    }
    made = model(node, Owner=OWNER).from_json({"next": {"next": {"owner": {"pets": [{}]}}}})
    assert made.next.next.owner.pets[0] == type(made)()


def test_thousand_references_in_a_row() -> None:
    """Chains of references are followed to their end, however long: as objects in objects, and as mere names."""
    nested = {
        f"N{i}": {"type": "object", "properties": {"next": {"$ref": f"#/definitions/N{i + 1}"}, "n": INTEGER}}
        for i in range(1000)
    }
    types = types_of("2.0", **nested, N1000={"type": "object", "properties": {"n": INTEGER}})
    assert types.codec(Schema(ref="N0"), "any").decode(b'{"next": {"next": {"n": 1}}}').next.next.n == 1
    names = {f"A{i}": {"$ref": f"#/definitions/A{i + 1}"} for i in range(1000)}
    types = types_of("2.0", **names, A1000={"type": "object", "properties": {"n": INTEGER}})
    assert types.codec(Schema(ref="A0"), "any").decode(b'{"n": 1}').n == 1
    assert types.model("A0") is types.model("A1000")
    parts = {f"P{i}": {"allOf": [{"$ref": f"#/definitions/P{i + 1}"}]} for i in range(1000)}
    types = types_of("2.0", **parts, P1000=INTEGER)
    assert types.codec(Schema(ref="P0"), "any").decode(b"1") == 1


def test_deep_values_of_a_chain() -> None:
    """A value as deep as the chain of its schemas is read, or refused for its depth alone."""
    nested = {
        f"N{i}": {"type": "object", "properties": {"next": {"$ref": f"#/definitions/N{i + 1}"}}} for i in range(150)
    }
    types = types_of("2.0", **nested, N150=INTEGER)
    codec = types.codec(Schema(ref="N0"), "any")
    made = codec.decode(b'{"next":' * 150 + b"1" + b"}" * 150)
    assert json.loads(codec.encode(made)) == json.loads(b'{"next":' * 150 + b"1" + b"}" * 150)
    with pytest.raises(codec.types.invalid, match="integer"):
        codec.decode(b'{"next":' * 150 + b'"x"' + b"}" * 150)


# Several threads, several contracts.


def test_threads_share_fresh_types() -> None:
    """Many threads may use a contract at once that none has used before; all see one class."""
    schemas = {
        f"M{i}": {"type": "object", "properties": {"a": INTEGER, "m": {"$ref": f"#/definitions/M{(i * 7 + 1) % 40}"}}}
        for i in range(40)
    }
    for _ in range(5):
        types = types_of("2.0", **schemas)
        barrier = Barrier(16)

        def work(index: int, types: Types = types, barrier: Barrier = barrier) -> Any:
            barrier.wait()
            codec = types.codec(Schema(ref=f"M{index % 4}"), "any")
            made = codec.decode(b'{"a": 1, "m": {"a": 2, "m": {"more": 3}}}')
            assert codec.encode(made)
            return type(made)

        with ThreadPoolExecutor(16) as pool:
            found = list(pool.map(work, range(16)))
        assert {id(kind) for kind in found} == {id(types.model(f"M{i}")) for i in range(4)}


def peers(*documents: dict[str, Any]) -> list[Types]:
    """Make types of several contracts that know one another."""
    made: list[Types] = []
    shared = Types(read_contract(document("2.0"), "none")).formats
    made += [Types(read_contract(d, f"api{i}"), formats=shared, peers=lambda: made) for i, d in enumerate(documents)]
    return made


def test_equal_schemas_share_a_class() -> None:
    """Two contracts that hold the same schema have one class of it, schemas that it refers to included."""
    first, second = peers(document("2.0", Pet=PET, Owner=OWNER), document("2.0", Owner=OWNER, Pet=PET, More=TEXT))
    assert first.model("Pet") is second.model("Pet")
    assert second.model("Pet") is not None
    made = second.codec(Schema(ref="Pet"), "any").decode(b'{"name": "Rex", "owner": {"name": "Ann"}}')
    assert type(made.owner) is first.model("Owner")


def test_different_schemas_do_not_share_a_class() -> None:
    """A difference in a schema that is only referred to keeps classes apart, behind a discriminator too."""
    other = {**OWNER, "properties": {**OWNER["properties"], "name": INTEGER}}
    first, second = peers(document("2.0", Pet=PET, Owner=OWNER), document("2.0", Pet=PET, Owner=other))
    assert first.model("Pet") is not second.model("Pet")
    base = {"type": "object", "discriminator": "kind", "required": ["kind"], "properties": {"kind": TEXT}}
    sub = [{"allOf": [{"$ref": "#/definitions/Base"}, {"properties": {"a": kind}}]} for kind in (TEXT, INTEGER)]
    first, second = peers(document("2.0", Base=base, Sub=sub[0]), document("2.0", Base=base, Sub=sub[1]))
    assert first.model("Base") is not second.model("Base")


def test_get_model() -> None:
    """A model is found over all APIs; two that differ under one name are told apart by an error."""
    kind = loaded("zoo", Pet=PET, Owner=OWNER).model("Pet")
    assert get_model("Pet") is kind
    with pytest.raises(ModelError, match="Cat"):
        get_model("Cat")
    loaded("farm", Pet={"type": "object", "properties": {"a": TEXT}})
    with pytest.raises(ModelError, match=r"farm.*zoo|zoo.*farm"):
        get_model("Pet")


# Directions.

USER = {
    "type": "object",
    "required": ["id", "name", "password"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "name": TEXT,
        "password": {"type": "string", "writeOnly": True, "minLength": 3},
        "rank": {"allOf": [{"$ref": "#/components/schemas/Rank"}]},
    },
}
RANK = {"type": "integer", "readOnly": True}


def test_read_only_in_requests() -> None:
    """A request needs no readOnly property; one that is there is ignored, whatever its value."""
    codec = codec_of("3.0", USER, "request", Rank=RANK)
    for given in ({}, {"id": 5}, {"id": "none"}, {"rank": "x"}):
        made = codec.decode(json.dumps({"name": "a", "password": "secret", **given}).encode())
        assert (made.id, made.name, made.rank) == (None, "a", None)
    with pytest.raises(codec.types.invalid, match="password"):
        codec.decode(b'{"name": "a"}')
    assert json.loads(codec.encode(type(made)(id=1, name="a", password="secret"))) == {
        "name": "a",
        "password": "secret",
    }


def test_write_only_in_responses() -> None:
    """A response never holds a writeOnly property, whether a model or a dict is sent."""
    codec = codec_of("3.0", USER, "response", Rank=RANK)
    kind = codec.types.model("Probed")
    assert kind is not None
    given = {"id": 1, "name": "a", "password": "secret", "rank": 2}
    for value in (kind(**given), given, kind.from_json(given)):
        assert json.loads(codec.encode(value)) == {"id": 1, "name": "a", "rank": 2}
    with pytest.raises(codec.types.invalid, match="id"):
        codec.encode(kind(name="a"))


def test_directions_share_a_class() -> None:
    """A message of either direction is an instance of the one class that the pool shows."""
    types = types_of("3.0", Probed=USER, Rank=RANK)
    made = types.codec(Schema(ref="Probed"), "request").decode(b'{"name": "a", "password": "secret"}')
    kind = types.model("Probed")
    assert kind is not None
    assert isinstance(made, kind)
    assert made == kind(name="a", password="secret")

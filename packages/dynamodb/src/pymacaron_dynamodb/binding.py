"""What a persistent class or one of its objects is bound to: a model of a contract, a table, and how items are made."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any

from pymacaron.binding import import_object
from pymacaron.contract import Schema
from pymacaron.exceptions import ModelError
from pymacaron.model import PymacaronBaseModel
from pymacaron.pool import apipool

from .database import database
from .definition import SETTINGS, TableDefinition, read_definition
from .exceptions import TableConfigError
from .items import ItemCodec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymacaron.pool import LoadedApi

    from .attributes import Item
    from .database import Database

_lock = RLock()
# The attribute of a persistent class, and of each model class that has one as a base.
_BINDING = "_pym_binding"


class Binding:
    """A persistent class with everything that its methods need.

    Args:
        owner: the persistent class.

    Attributes:
        model: the model class whose schema names it.
        definition: of the table.

    Raises:
        TableConfigError: the class is bound to no model, or its definition is wrong.
    """

    def __init__(self, owner: type) -> None:
        self.owner = owner
        self._loaded, self.model = _model_of(owner)
        info = self.model._info
        given = {name: found for name in SETTINGS if (found := _setting(owner, name)) is not _UNSET}
        self.definition: TableDefinition = read_definition(given, info.api, info.name, info.types, info.schema)

    @property
    def is_current(self) -> bool:
        """Whether the API is still the one that is loaded under its name."""
        try:
            return apipool.get(self._loaded.api.name) is self._loaded
        except ModelError:
            return False

    @property
    def database(self) -> Database:
        """The process's database."""
        return database()

    @property
    def table(self) -> str:
        """The full name of the table."""
        return self.database.table_name(self.definition.name)

    @cached_property
    def _codecs(self) -> dict[tuple[type, str], ItemCodec]:
        return {}

    @property
    def codec(self) -> ItemCodec:
        """What reads the table's items, which may be objects of subtypes."""
        return self.codec_of(self.model)

    def codec_of(self, model: type[PymacaronBaseModel]) -> ItemCodec:
        """Return what makes items of the objects of a model class: this one's, or a subtype's."""
        base: type[PymacaronBaseModel] = model._info.base
        key = (base, self.table)
        found = self._codecs.get(key)
        if found is None:
            upgrade: Any = getattr(self.owner, "upgrade")  # noqa: B009  # a service's class has it by inheritance
            found = self._codecs[key] = ItemCodec(self.definition, base, self.table, upgrade)
        return found

    def request(self, **arguments: Any) -> dict[str, Any]:
        """Return arguments of a call about the table."""
        return {"TableName": self.table, **arguments}

    def describe(self, key: Item) -> str:
        """Name an item for messages."""
        return f"{self.definition.model} {self.codec.describe_key(key)} of the table {self.table!r}"


def binding_of(owner: Any) -> Binding:
    """Return the binding of a persistent class, of a model class that has one as a base, or of an object.

    Raises:
        TableConfigError: the class is bound to no model, or its definition is wrong.
    """
    kind = owner if isinstance(owner, type) else type(owner)
    found: Binding | None = kind.__dict__.get(_BINDING)
    if found is None or not found.is_current:
        persistent = kind if not issubclass(kind, PymacaronBaseModel) else persistent_class(kind)
        with _lock:
            found = persistent.__dict__.get(_BINDING)
            if found is None or not found.is_current:
                found = Binding(persistent)
            for each in (persistent, kind):
                setattr(each, _BINDING, found)
    return found


def persistent_class(model: type) -> type:
    """Return the class that makes a model persist: the first of its bases that is one."""
    for base in model.__mro__:
        if getattr(base, "_pym_persistent", False) and not issubclass(base, PymacaronBaseModel):
            return base
    raise TableConfigError(f"the model {model.__name__} does not persist; write x-persist or x-pym-table in its schema")


def all_bindings() -> Iterator[Binding]:
    """Yield a binding for each table of the APIs that are loaded, in the order of their names.

    Raises:
        TableConfigError: a definition is wrong, two models claim one table with different definitions, or a schema
            that says that it persists is no object.
    """
    found: dict[str, Binding] = {}
    for api in apipool.get_api_names():
        types = apipool.get(api).types
        for name, schema in types.schemas.items():
            if isinstance(schema, Schema) and is_bound(schema):
                model = types.model(name)
                if model is None:
                    raise TableConfigError(
                        f"{name} of the API {api!r} has x-pym-table or x-persist, and is no object with properties;"
                        " write type: object and the properties, or take the key out"
                    )
                made = binding_of(model)
                other = found.setdefault(made.definition.name, made)
                if other.owner is not made.owner and _shape(other.definition) != _shape(made.definition):
                    raise TableConfigError(
                        f"the table {made.definition.name!r} is defined by {other.definition.model} and in another way"
                        f" by {made.definition.model}; give one of them another table_name"
                    )
    yield from (found[name] for name in sorted(found))


def is_bound(schema: Schema) -> bool:
    """Tell whether a schema itself says that its objects persist."""
    return "x-persist" in schema.extensions or "x-pym-table" in schema.extensions


def import_persistent(path: str, model: str) -> type:
    """Return the class that ``x-persist`` names.

    Raises:
        BindError: there is nothing at that path.
        TableConfigError: what is there is no persistent class.
    """
    found = import_object(path, f"x-persist of {model}")
    if not isinstance(found, type) or not getattr(found, "_pym_persistent", False):
        raise TableConfigError(
            f"x-persist of {model} is {path!r}, which is no class made from PersistentSwaggerObject; derive it from"
            " pymacaron_dynamodb.PersistentSwaggerObject"
        )
    return found


_UNSET = object()


def _setting(owner: type, name: str) -> Any:
    """Return an attribute that a class sets, whatever its bases of this package say."""
    for base in owner.__mro__:
        if name in base.__dict__ and getattr(base, "_pym_persistent", False):
            return base.__dict__[name]
    return _UNSET


def _model_of(persistent: type) -> tuple[LoadedApi, type[PymacaronBaseModel]]:
    api, name = (getattr(persistent, attribute, None) for attribute in ("api_name", "model_name"))
    if not api or not name:
        raise TableConfigError(
            f"{persistent.__module__}.{persistent.__qualname__} is bound to no model: name it by x-persist in a"
            " contract that is loaded, or set its api_name and model_name"
        )
    loaded = apipool.get(api)
    return loaded, loaded.model(name)


def _shape(definition: TableDefinition) -> TableDefinition:
    return replace(definition, api="", model="")

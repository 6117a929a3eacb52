"""Model classes: what handlers take and return, made from the named object schemas of a contract.

A model is a msgspec Struct with a Python face. A property that is not set reads as ``None``; assignment converts and
checks the value; ``model['any-name']`` reaches properties whose names are no identifiers, and additional ones.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from secrets import token_hex
from typing import TYPE_CHECKING, Any, ClassVar, Self

from msgspec import UNSET, Struct, StructMeta, UnsetType
from msgspec.structs import force_setattr

from pymacaron.exceptions import ModelError, fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pymacaron.codec.codec import Codec
    from pymacaron.codec.types import Types
    from pymacaron.contract import Schema

# Additional properties travel in one hidden field. Its JSON name is made anew in each process, so that no message can
# contain it; where it stands in encoded text, the slow path moves its content one level up.
EXTRA = "_extra"
EXTRA_KEY = f"pym:{token_hex(12)}"

_MASK = "***"
# A model has attributes beside its fields only where a base class gives it a place for them.
_BESIDE = "__dict__"


@dataclass
class Property:
    """One property of a model: its name in JSON, its Python attribute, and how it is checked."""

    name: str
    attribute: str
    schema: Schema | bool
    unset: Any
    secret: bool
    types: Types

    @property
    def codec(self) -> Codec:
        """What converts and checks the property's values."""
        return self.types.codec(self.schema, "any")

    def load(self, value: Any, owner: str) -> Any:
        """Convert and check a value that code assigns; None unsets a property that can't be null."""
        if value is UNSET or (value is None and self.unset is None):
            return self.unset
        try:
            return self.codec.load(value)
        except self.types.invalid as error:
            shown = [fault("model", f"/{self.name}{p}", k, m) for p, k, m in error.faults]
            raise ModelError(f"{owner}.{self.name}: {error.faults[0][2]}", errors=shown) from None


@dataclass
class ModelInfo:
    """What a model class knows of its schema; ``blank`` is what the fields without a default start from."""

    api: str
    name: str
    schema: Schema
    properties: dict[str, Property] = field(default_factory=dict)
    by_attribute: dict[str, Property] = field(default_factory=dict)
    blank: dict[str, Any] = field(default_factory=dict)
    base: type[PymacaronBaseModel] | None = None
    types: Types | None = None

    def find(self, name: str) -> Property | None:
        """Return the property of a JSON name, or else of an attribute."""
        return self.properties.get(name) or self.by_attribute.get(name)

    def unknown(self, name: str) -> str:
        """Say that there is no such property, and which ones there are."""
        close = get_close_matches(name, self.properties, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(self.properties) or 'none'}"
        return f"{self.name} of the API {self.api!r} has no property {name!r}; {hint}"


class ModelType(StructMeta):
    """The class of model classes: constructing one converts and checks what it is given."""

    def __call__(cls, *args: Any, **values: Any) -> Any:
        """Make a model from keyword arguments, named as in JSON or as attributes."""
        info: ModelInfo | None = getattr(cls, "_info", None)
        if info is None or args:
            raise TypeError(f"{cls.__name__} takes keyword arguments only, on a class made from a contract")
        made = cls._empty()  # type: ignore[attr-defined]  # cls is always a PymacaronBaseModel
        for name, value in values.items():
            found = info.find(name)
            if found is not None:
                _set(made, found.attribute, found.load(value, info.name))
            elif info.schema.additional_properties in (None, False):
                raise ModelError(info.unknown(name))
            else:
                made[name] = value
        return made


class PymacaronBaseModel(Struct, metaclass=ModelType, eq=False):
    """Base of all model classes. Names of properties that are taken here get an underscore behind them."""

    _info: ClassVar[Any] = None

    @classmethod
    def _empty(cls) -> Self:
        """Make a model in which only defaults are set."""
        made: Self = StructMeta.__call__(cls, **cls._info.blank)
        return made

    @classmethod
    def get_model_name(cls) -> str:
        """Return the schema's name in its contract."""
        return str(cls._info.name)

    @classmethod
    def get_model_api(cls) -> str:
        """Return the name of the API that the model belongs to."""
        return str(cls._info.api)

    @classmethod
    def get_property_names(cls) -> list[str]:
        """Return the names of all properties that the schema declares, sorted."""
        return sorted(cls._info.properties)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Make a model from a dict as it stands in JSON.

        Raises:
            ModelError: the dict breaks the schema; ``errors`` lists every fault.
        """
        info = cls._info
        try:
            given: Any = data
            made: Self = info.types.codec(info.schema, "any").load(dict(given) if isinstance(given, Mapping) else given)
        except info.types.invalid as error:
            raise ModelError(errors=[fault(info.name, p, k, m) for p, k, m in error.faults]) from None
        return made

    def to_json(self) -> dict[str, Any]:
        """Return a dict that can be written as JSON: properties that are set, additional ones included."""
        made: dict[str, Any] = self._info.types.dump(self)
        return made

    def clone(self) -> Self:
        """Return a deep copy."""
        return copy.deepcopy(self)

    def update_from_dict(self, data: Mapping[str, Any], ignore_none: bool = False) -> None:
        """Set several properties.

        Args:
            data: values by JSON name.
            ignore_none: leave a property alone where the value is None; else None unsets it, or sets null where the
                schema allows that.
        """
        for name, value in data.items():
            if value is not None or not ignore_none:
                self[name] = value

    def __setattr__(self, attribute: str, value: Any) -> None:
        found = self._info.by_attribute.get(attribute)
        if found is None:
            raise AttributeError(self._info.unknown(attribute))
        _set(self, attribute, found.load(value, self._info.name))

    def __delattr__(self, attribute: str) -> None:
        found = self._info.by_attribute.get(attribute)
        if found is None:
            raise AttributeError(self._info.unknown(attribute))
        _set(self, attribute, found.unset)

    def __getitem__(self, name: str) -> Any:
        found = self._info.find(name)
        if found is not None:
            return getattr(self, found.attribute)
        return self._additional()[name]

    def __setitem__(self, name: str, value: Any) -> None:
        info = self._info
        found = info.find(name)
        if found is not None:
            _set(self, found.attribute, found.load(value, info.name))
        elif not info.types.takes_extra(info.schema, name, value):
            raise ModelError(info.unknown(name))
        else:
            _set(self, EXTRA, {**self._additional(), name: value})

    def __delitem__(self, name: str) -> None:
        found = self._info.find(name)
        if found is not None:
            _set(self, found.attribute, found.unset)
        else:
            rest = {k: v for k, v in self._additional().items() if k != name}
            if len(rest) == len(self._additional()):
                raise KeyError(name)
            _set(self, EXTRA, rest or UNSET)

    def __contains__(self, name: object) -> bool:
        return any(name == set_name for set_name, _ in self._items())

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._items())

    def _additional(self) -> dict[str, Any]:
        extra: dict[str, Any] | UnsetType = getattr(self, EXTRA)
        return {} if isinstance(extra, UnsetType) else extra

    def _items(self) -> Iterator[tuple[str, Any]]:
        """Yield name and value of each property that is set, additional ones last."""
        for found in self._info.properties.values():
            value = raw(self, found.attribute)
            if value is not UNSET and not (value is None and found.unset is None):
                yield found.name, value
        yield from self._additional().items()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PymacaronBaseModel) or self._info.base is not other._info.base:
            return NotImplemented
        return dict(self._items()) == dict(other._items())

    __hash__ = None  # type: ignore[assignment]  # models are mutable

    def __repr__(self) -> str:
        return f"{self._info.name}({', '.join(f'{name}={self._shown(name, value)}' for name, value in self._items())})"

    def _shown(self, name: str, value: Any) -> str:
        """Return the repr of a property's value, secrets masked."""
        info: ModelInfo = self._info
        types: Any = info.types
        found = info.properties.get(name)
        secret = found.secret if found is not None else types.is_secret(info.schema)
        return _MASK if secret else str(types.secrets(info.schema).masked(value, _MASK))

    def __reduce__(self) -> tuple[Any, ...]:
        return restore, (self._info.api, self._info.name), self._state()

    def _state(self) -> dict[str, Any]:
        """Return the fields that are set, and what base classes of a service or a plugin keep beside them."""
        state = {field: value for field in self.__struct_fields__ if (value := raw(self, field)) is not UNSET}
        beside = getattr(self, _BESIDE, None)
        return {**state, _BESIDE: dict(beside)} if beside else state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        for attribute in self.__struct_fields__:
            default = self._info.by_attribute[attribute].unset if attribute != EXTRA else UNSET
            _set(self, attribute, state.get(attribute, default))
        if _BESIDE in state:
            self.__dict__.update(state[_BESIDE])

    def __copy__(self) -> Self:
        made = type(self)._empty()
        made.__setstate__(self._state())
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        made = type(self)._empty()
        memo[id(self)] = made
        made.__setstate__(copy.deepcopy(self._state(), memo))
        return made


def restore(api: str, name: str) -> PymacaronBaseModel:
    """Make an empty model for unpickling.

    Raises:
        ModelError: this process has not loaded the API.
    """
    from pymacaron.pool import apipool

    made: PymacaronBaseModel = apipool.model_class(api, name)._empty()
    return made


_set_field = force_setattr


def _set(model: PymacaronBaseModel, attribute: str, value: Any) -> None:
    """Set a field without any check."""
    _set_field(model, attribute, value)


def raw(model: PymacaronBaseModel, attribute: str) -> Any:
    """Return what a field holds, ``UNSET`` included."""
    descriptor = getattr(type(model), attribute)
    return descriptor.slot.__get__(model) if isinstance(descriptor, NoneWhenUnset) else getattr(model, attribute)


def set_unchecked(model: PymacaronBaseModel, name: str, value: Any) -> None:
    """Set a property to something that is no value of its schema, such as an uploaded file."""
    found = model._info.find(name)
    if found is not None:
        _set(model, found.attribute, value)
    else:
        _set(model, EXTRA, {**model._additional(), name: value})


class NoneWhenUnset:
    """Replaces the slot of a nullable field, so that not set reads as None although null is something else."""

    def __init__(self, slot: Any) -> None:
        self.slot = slot

    def __get__(self, model: Any, owner: type | None = None) -> Any:
        if model is None:
            return self
        value = self.slot.__get__(model)
        return None if value is UNSET else value

    def __set__(self, model: Any, value: Any) -> None:
        self.slot.__set__(model, value)


_TAKEN = frozenset(dir(PymacaronBaseModel))


def attribute_names(names: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Choose a Python attribute for each property: its own name where that is a free identifier.

    Args:
        taken: further names that are not free.
    """
    made: dict[str, str] = {}
    taken = {EXTRA, *taken}
    for name in sorted(names, key=lambda n: (not n.isidentifier(), n)):
        attribute = name if name.isidentifier() else re.sub(r"\W", "_", name)
        if not attribute.isidentifier():
            attribute = f"_{attribute}"
        if attribute.startswith("__"):
            attribute = f"p{attribute}"
        while attribute in _TAKEN or attribute in taken:
            attribute += "_"
        taken.add(attribute)
        made[name] = attribute
    return made


def construct(cls: type[PymacaronBaseModel], values: Mapping[str, Any]) -> PymacaronBaseModel:
    """Make a model from field values that were checked before."""
    made = cls._empty()
    for attribute, value in values.items():
        _set(made, attribute, value)
    return made

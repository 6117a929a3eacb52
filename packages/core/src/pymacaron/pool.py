"""``apipool``: all loaded APIs by name, with their models and clients; ``get_model`` over all of them."""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING, Any

from pymacaron.exceptions import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pymacaron.codec.types import Types
    from pymacaron.contract import Api
    from pymacaron.model import PymacaronBaseModel


class LoadedApi:
    """One API of the pool: its models as attributes, its operations under ``client``.

    Attributes:
        api: the contract.
        types: its types and codecs.
        client: the operations as callable methods.
    """

    def __init__(self, api: Api, types: Types, client: Any) -> None:
        self.api = api
        self.types = types
        self.client = client

    def __getattr__(self, name: str) -> type[PymacaronBaseModel]:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.model(name)

    def model(self, name: str) -> type[PymacaronBaseModel]:
        """Return a model class.

        Raises:
            ModelError: the API has no such schema, or the schema is no object with properties.
        """
        found = self.types.model(name)
        if found is not None:
            return found
        if name in self.types.schemas:
            raise ModelError(f"the schema {name!r} of the API {self.api.name!r} is no object with properties")
        raise NoSuchModel(f"the API {self.api.name!r} has no model {name!r}; it has {', '.join(self.model_names())}")

    def model_names(self) -> list[str]:
        """List the names of all models."""
        return sorted(name for name in self.types.schemas if self.types.model(name) is not None)

    def json_to_model(self, name: str, data: dict[str, Any]) -> PymacaronBaseModel:
        """Make a model from a dict as it stands in JSON.

        Raises:
            ModelError: there is no such model, or the dict breaks its schema.
        """
        return self.model(name).from_json(data)


class NoSuchModel(ModelError, AttributeError):
    """No schema has that name; an AttributeError too, so that ``hasattr`` works on APIs."""


class ApiPool:
    """All APIs that this process has loaded. ``apipool.<api>`` is one of them."""

    def __init__(self) -> None:
        self._apis: dict[str, LoadedApi] = {}
        self._lock = RLock()
        self._load: Callable[[str, Any], LoadedApi] | None = None

    def __getattr__(self, name: str) -> LoadedApi:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.get(name)

    def get(self, name: str) -> LoadedApi:
        """Return a loaded API.

        Raises:
            ModelError: none of that name is loaded.
        """
        found = self._apis.get(name)
        if found is None:
            raise NoSuchModel(
                f"no API named {name!r} is loaded; loaded are: {', '.join(self.get_api_names()) or 'none'}"
            )
        return found

    def get_api_names(self) -> list[str]:
        """List the names of all loaded APIs."""
        return sorted(self._apis)

    def add(self, loaded: LoadedApi) -> None:
        """Add an API; one of the same name is replaced."""
        with self._lock:
            self._apis[loaded.api.name] = loaded

    def remove(self, name: str) -> None:
        """Forget an API."""
        with self._lock:
            self._apis.pop(name, None)

    def clear(self) -> None:
        """Forget all APIs, for tests."""
        with self._lock:
            self._apis.clear()

    def load_swagger(self, name: str, path: str | Path | dict[str, Any]) -> LoadedApi:
        """Load a contract for its models and client, without serving it.

        Raises:
            ContractError: the contract cannot be read.
        """
        assert self._load is not None, "pymacaron.client sets it when it is imported"
        return self._load(name, path)

    def set_loader(self, load: Callable[[str, Any], LoadedApi]) -> None:
        """Take the function that loads a contract with its client; clients belong to a higher layer than the pool."""
        self._load = load

    def model_class(self, api: str, name: str) -> type[PymacaronBaseModel]:
        """Return the class of a named or inline object of an API.

        Raises:
            ModelError: the API is not loaded, or has no such model.
        """
        loaded = self.get(api)
        return loaded.types.by_class_name(name) or loaded.model(name)


apipool = ApiPool()


def get_model(name: str) -> type[PymacaronBaseModel]:
    """Return the model class of a name, whichever loaded API has it.

    Raises:
        ModelError: no API has it, or two have schemas of that name that differ.
    """
    found = {api: model for api in apipool.get_api_names() if (model := apipool.get(api).types.model(name)) is not None}
    if not found:
        raise NoSuchModel(f"no loaded API has a model {name!r}; APIs loaded: {', '.join(apipool.get_api_names())}")
    first, *others = found.items()
    for api, model in others:
        if model is not first[1]:
            raise ModelError(
                f"the APIs {first[0]!r} and {api!r} have different schemas named {name!r}; use"
                f" apipool.{first[0]}.{name} or apipool.{api}.{name}"
            )
    return first[1]

"""Dotted paths to the Python objects that contracts and plugins name."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import Any

from .exceptions import BindError


def import_object(path: str, wanted_by: str) -> Any:
    """Return the object at a dotted path such as ``app.pets.find_pet`` or ``app.pets.Pet.build``.

    Args:
        path: module and attributes, joined by dots.
        wanted_by: who names the path, for the message.

    Raises:
        BindError: no such module or attribute, or the module fails to import; the message says which.
    """
    parts = path.split(".")
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        raise BindError(f"{wanted_by}: {path!r} is no dotted path; write it as module.name")
    module, rest = _import_longest(parts, wanted_by)
    found = module
    for index, name in enumerate(rest):
        if not hasattr(found, name):
            owner = ".".join(parts[: len(parts) - len(rest) + index])
            close = get_close_matches(name, dir(found), 1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise BindError(f"{wanted_by}: {path!r} is bound to nothing: {owner} has no {name!r}{hint}")
        found = getattr(found, name)
    return found


def _import_longest(parts: list[str], wanted_by: str) -> tuple[Any, list[str]]:
    """Import the longest prefix that is a module; return it with the names that are left."""
    for end in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:end])
        try:
            return import_module(name), parts[end:]
        except ModuleNotFoundError as error:
            if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
                raise BindError(f"{wanted_by}: importing {name} failed: {error}; install or mend it") from error
        except Exception as error:  # whatever a service's module raises is the cause to show
            raise BindError(f"{wanted_by}: importing {name} failed: {type(error).__name__}: {error}") from error
    path = ".".join(parts)
    raise BindError(f"{wanted_by}: {path!r} is bound to nothing: there is no module {parts[0]!r} on the path")

"""Which values no message, repr or log may show: those of ``format: password`` and ``writeOnly``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymacaron.contract import Schema

from .subschemas import children

if TYPE_CHECKING:
    from .types import Types

AnySchema = Schema | bool


def marks(part: AnySchema) -> bool:
    """Tell whether a schema itself says that its values are secret."""
    return isinstance(part, Schema) and (part.write_only or part.format == "password")


def is_secret(types: Types, schema: AnySchema) -> bool:
    """Tell whether a value is secret itself, or holds secrets that no name of a property gives away."""
    stack, seen = [schema], set()
    while stack:
        part = stack.pop()
        if marks(part):
            return True
        if isinstance(part, Schema) and id(part) not in seen:
            seen.add(id(part))
            named = {id(child) for child in part.properties.values()}
            stack += [child for child in children(part) if id(child) not in named]
            if part.ref is not None:
                stack.append(types.schemas[part.ref])
    return False


class Secrets:
    """The secrets below a schema: properties by name, wherever they stand, or all values where names don't tell."""

    def __init__(self, names: frozenset[str], everything: bool) -> None:
        self.names = names
        self.everything = everything

    @classmethod
    def of(cls, types: Types, schema: AnySchema) -> Secrets:
        """Collect what is secret anywhere below a schema: what no property's name covers is secret without one."""
        if "secret" not in types.flags(schema):
            return cls(frozenset(), False)
        names = {
            name
            for part in types.reachable(schema)
            for name, child in part.properties.items()
            if types.is_secret(child)
        }
        return cls(frozenset(names), types.is_secret(schema))

    def hide(self, path: list[Any]) -> bool:
        """Tell whether the value at a path must not be shown."""
        return self.everything or any(token in self.names for token in path)

    def masked(self, value: Any, mask: str) -> str:
        """Return a repr that shows no secret; models inside mask their own."""
        if isinstance(value, dict):
            inner = (f"{k!r}: {mask if k in self.names else self.masked(v, mask)}" for k, v in value.items())
            return "{" + ", ".join(inner) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(self.masked(item, mask) for item in value) + "]"
        return repr(value)


ALL_SECRET = Secrets(frozenset(), True)

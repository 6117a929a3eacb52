"""Values of parameters that the caller gives, such as ids that exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..exceptions import UnitError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pymacaron.contract import Operation

    from ..contracts import Contract

BODY = "body"


def read_values(path: Path) -> dict[str, Any]:
    """Read values of parameters by name.

    Raises:
        UnitError: the file is no YAML mapping.
    """
    import yaml

    try:
        found = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise UnitError(f"{path}: {error}") from None
    if not isinstance(found, dict):
        raise UnitError(f"{path} holds {type(found).__name__}; write one parameter a line, such as `petId: [1, 2, 3]`")
    return {str(name): value for name, value in found.items()}


def check_values(operations: Sequence[tuple[Contract, Operation]], values: Mapping[str, Any]) -> None:
    """Refuse values of parameters that no operation has.

    Raises:
        UnitError: there is one; the message names it.
    """
    known = sorted({name for _, operation in operations for name in _names(operation)})
    if unknown := sorted(set(values) - set(known)):
        raise UnitError(
            f"no chosen operation has a parameter {', '.join(unknown)}; they have: {', '.join(known) or 'none'}"
        )


def values_for(operation: Operation, values: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return what of the values an operation takes; of a list, the one whose turn it is."""
    return {
        name: value[number % len(value)] if isinstance(value, list) and value else value
        for name, value in values.items()
        if name in _names(operation)
    }


def _names(operation: Operation) -> set[str]:
    names = {name for parameter in operation.parameters for name in (parameter.name, parameter.argument)}
    return names | ({BODY} if operation.body is not None else set())
